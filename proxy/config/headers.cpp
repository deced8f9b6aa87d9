// Headers for a destination, written as OpenTelemetry's SDKs take them (PROTOCOLS 1.8).
#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>

#include "config/values.h"

namespace forager::config {
namespace {

/// Ours: the body and the connection decide them.
constexpr std::array<std::string_view, 7> reserved{
    "content-type",      "content-encoding", "content-length", "host",
    "transfer-encoding", "accept-encoding",  "connection"};

bool is_token(std::string_view name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  };
  return !name.empty() && std::ranges::all_of(name, fits);
}

std::optional<std::string> percent_decoded(std::string_view text) {
  const auto digit = [](char c) -> int {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
  };
  std::string made;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      made += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = digit(text[i + 1]);
    const int low = digit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    made += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return made;
}

}  // namespace

Result<std::vector<std::pair<std::string, Secret>>> parse_headers(std::string_view text) {
  std::vector<std::pair<std::string, Secret>> made;
  for (const std::string& pair : split_list(text)) {
    const auto equals = pair.find('=');
    if (equals == std::string::npos) {
      return fault("has a header without =; write name=value,name=value");
    }
    std::string name(trimmed(std::string_view(pair).substr(0, equals)));
    std::ranges::transform(name, name.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    if (!is_token(name)) return fault("has a header whose name no header can have; correct it");
    if (std::ranges::find(reserved, name) != reserved.end()) {
      return fault(
          fmt::format("sets the header {}, which Forager sets itself; leave it out", name));
    }
    const auto value = percent_decoded(trimmed(std::string_view(pair).substr(equals + 1)));
    const auto printable = [](char c) {
      return static_cast<unsigned char>(c) >= 0x20 && static_cast<unsigned char>(c) != 0x7f;
    };
    if (!value || !std::ranges::all_of(*value, printable)) {
      return fault(
          fmt::format("gives the header {} a value that no header can carry; write % as "
                      "%25, and no line ends",
                      name));
    }
    if (std::ranges::find(made, name, &std::pair<std::string, Secret>::first) != made.end()) {
      return fault(fmt::format("sets the header {} twice; leave one out", name));
    }
    made.emplace_back(std::move(name), Secret(*value));
  }
  if (made.empty()) return fault("holds no header; write name=value,name=value");
  return made;
}

Result<Secret> parse_header_list(std::string_view text) {
  std::string line(text);
  std::ranges::replace(line, '\n', ',');
  const auto headers = parse_headers(line);
  Result<Secret> made = headers ? Result<Secret>(Secret(line)) : headers.error();
  OPENSSL_cleanse(line.data(), line.size());
  return made;
}

}  // namespace forager::config
