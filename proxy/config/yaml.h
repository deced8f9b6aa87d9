// The configuration file: YAML to flat settings, each with its line.
#pragma once

#include <compare>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace forager::config {

/// One value of the file. `from_variable`: it holds the text of a variable and is therefore never
/// shown.
struct FileValue {
  std::string key;  ///< path, dots between
  std::string value;
  bool from_variable = false;
  int line = 0;
};

struct FileError {
  int line = 0;
  std::string text;  ///< a whole sentence with file and line
  friend auto operator<=>(const FileError&, const FileError&) = default;
};

struct FileContent {
  std::vector<FileValue> values;
  std::vector<FileError> errors;
};

/// Known keys are those of the table; unknown ones are errors with the nearest right name.
/// `${env:NAME}` is replaced; a variable that isn't set is an error unless it is written
/// `${env:NAME:-default}`. An empty value counts as not set. `file` is for the messages.
FileContent read_yaml(std::string_view text, std::string_view file,
                      const std::function<std::optional<std::string>(std::string_view)>& env);

}  // namespace forager::config
