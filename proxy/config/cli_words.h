// The command line as data: every command and flag with its text, taken from what parses them. The
// completions of shells and the manual page are made of it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace forager::config {

struct WordText {
  std::string_view word;
  std::string_view text;
};

struct FlagWords {
  std::string name;                     ///< with its --
  std::string short_name;               ///< with its -; empty: none
  std::string value;                    ///< placeholder, such as NAME; empty: it takes none
  std::string text;                     ///< a sentence
  std::vector<std::string_view> words;  ///< all values, where they are few
};

struct CommandWords {
  std::string_view name;
  std::string_view text;
  bool takes_settings = false;
  std::vector<FlagWords> flags;     ///< its own, without settings
  std::span<const WordText> words;  ///< what may come first behind its name; empty: nothing fixed
};

struct CommandLine {
  std::vector<CommandWords> commands;
  std::vector<FlagWords> everywhere;  ///< --help and --version
};

CommandLine describe_command_line();
/// The settings that are flags.
std::vector<FlagWords> setting_flags();

}  // namespace forager::config
