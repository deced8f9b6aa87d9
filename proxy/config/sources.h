// Where settings come from, as functions: the real process environment and files, or a test's maps.
// The only place of the program that reads the environment.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "config/key.h"

namespace forager::config {

/// One flag from the command line: the name without --, and its text.
struct FlagValue {
  std::string name;
  std::string value;
};

struct Sources {
  std::vector<FlagValue> flags;
  std::function<std::optional<std::string>(std::string_view name)> env;
  std::vector<std::string> env_names;  ///< of all variables, to find the misspelt ones
  ReadFile read_file;
  /// The AWS region that no variable names, and who does ("the AWS profile"); empty: nobody. May
  /// take a few seconds on ECS and EC2.
  std::function<std::pair<std::string, std::string>()> find_region{};
};

/// The process: its environment and files (at most 8 MiB each). Flags are the caller's.
Sources system_sources(std::vector<FlagValue> flags);

}  // namespace forager::config
