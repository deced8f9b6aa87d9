// First half of loading: every value that somebody gave, put into its field, and every name that
// nobody knows.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "config/key.h"
#include "config/load.h"
#include "config/values.h"

namespace forager::config {

struct Gathered {
  Config config;
  std::vector<Origin> origins;  ///< in the order of settings()
  std::vector<bool>
      wrong;  ///< same order: a value for it was refused, the field may hold anything valid
  std::vector<std::string> errors;
  std::vector<std::string> warnings;

  bool is_wrong(std::string_view flag) const { return wrong[index_of(setting(flag))]; }
  Level level(std::string_view flag) const { return origins[index_of(setting(flag))].level; }
};

/// A key, or what else proves who we are, and the file that may hold it instead.
struct KeySetting {
  std::string_view flag;
  std::string_view file_flag;
  std::string_view what;         ///< "the Honeycomb key"
  std::string_view destination;  ///< who uses it
  Secret Config::* key;
  std::string Config::* file;
  std::string_view noun = "key";  ///< what is in the file, in words
  Result<Secret> (*parse)(std::string_view) = parse_key;
};
inline constexpr std::array<KeySetting, 3> key_settings{{
    {"honeycomb-api-key", "honeycomb-api-key-file", "the Honeycomb key", "honeycomb",
     &Config::honeycomb_key, &Config::honeycomb_key_file},
    {"rollbar-access-token", "rollbar-access-token-file", "the Rollbar token", "rollbar",
     &Config::rollbar_token, &Config::rollbar_token_file},
    {"otlp-headers", "otlp-headers-file", "the OTLP header list", "otlp", &Config::otlp_headers,
     &Config::otlp_headers_file, "header list", parse_header_list},
}};

/// What is in the file `of` names, or the Fault of read_key.
Result<Secret> read_key(const KeySetting& of, const std::string& path, const ReadFile& read_file);

Gathered gather(const Sources& sources);

}  // namespace forager::config
