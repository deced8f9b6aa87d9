// Sources over maps, for the tests of config.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "config/load.h"
#include "config/sources.h"

namespace forager::config {

inline constexpr const char* good_key =
    "hcaik_01234567890123456789012345678901234567890123456789abcdefgh";
inline constexpr const char* classic_key = "0123456789abcdef0123456789abcdef";

struct Given {
  std::map<std::string, std::string> env;
  std::map<std::string, std::string> files;
  std::vector<FlagValue> flags;

  Given& with_env(std::string name, std::string value) {
    env[std::move(name)] = std::move(value);
    return *this;
  }
  Given& with_flag(std::string name, std::string value) {
    flags.push_back({std::move(name), std::move(value)});
    return *this;
  }
  Given& with_file(std::string path, std::string content) {
    files[std::move(path)] = std::move(content);
    return *this;
  }
  Given& with_yaml(std::string content) {
    return with_env("FORAGER_CONFIG", "f.yaml").with_file("f.yaml", std::move(content));
  }

  Sources sources() const {
    Sources made;
    made.flags = flags;
    for (const auto& [name, value] : env) made.env_names.push_back(name);
    made.env = [env_map = env](std::string_view name) -> std::optional<std::string> {
      const auto found = env_map.find(std::string(name));
      if (found == env_map.end()) return std::nullopt;
      return found->second;
    };
    made.read_file = [file_map = files](const std::string& path) -> Result<std::string> {
      const auto found = file_map.find(path);
      if (found == file_map.end()) return fault("does not exist");
      return found->second;
    };
    return made;
  }

  Outcome loaded() const { return load(sources()); }
  /// The configuration, which must be fine.
  Loaded fine() const {
    auto outcome = loaded();
    if (outcome) return *outcome;
    for (const std::string& error : outcome.error().all) ADD_FAILURE() << error;
    return {Config{}, {}, std::vector<Origin>(settings().size()), {}};
  }
  std::vector<std::string> errors() const {
    const auto outcome = loaded();
    return outcome ? std::vector<std::string>{} : outcome.error().all;
  }
  /// The only error; a failure if there is none or more than one.
  std::string error() const {
    const auto all = errors();
    if (all.size() == 1) return all.front();
    for (const std::string& one : all) ADD_FAILURE() << one;
    if (all.empty()) ADD_FAILURE() << "no error";
    return {};
  }
};

inline bool mentions(const std::vector<std::string>& texts, std::string_view part) {
  return std::ranges::any_of(
      texts, [&](const std::string& text) { return text.find(part) != std::string::npos; });
}

}  // namespace forager::config
