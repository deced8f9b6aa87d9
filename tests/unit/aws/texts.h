// What the tests of this folder give as files and answers.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "aws/environment.h"
#include "net/message.h"

namespace forager::aws {

/// A file system of a map; a name that ends in "!" can't be read.
inline ReadFile files(std::map<std::string, std::string> content) {
  return [content =
              std::move(content)](const std::string& path) -> Result<std::optional<std::string>> {
    if (content.contains(path + "!")) return fault("cannot be read: Permission denied");
    const auto found = content.find(path);
    if (found == content.end()) return std::nullopt;
    return std::make_optional(found->second);
  };
}

/// Variables of a map.
inline Environment environment(std::map<std::string, std::string, std::less<>> variables) {
  return environment_from([&](std::string_view name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  });
}

inline net::Response answer(int status, std::string body) {
  return net::Response{status, {}, std::move(body)};
}

inline std::string header(const net::Request& request, std::string_view name) {
  for (const auto& h : request.headers) {
    if (h.name == name) return h.value;
  }
  for (const auto& [key, value] : request.secret_headers) {
    if (key == name) return std::string(value.reveal());
  }
  return {};
}

}  // namespace forager::aws
