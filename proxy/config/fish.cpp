#include <fmt/format.h>
#include <fmt/ranges.h>

#include "config/cli_words.h"
#include "config/completion.h"

namespace forager::config {
namespace {

std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

std::string flag_line(const FlagWords& one, std::string_view condition) {
  std::string out = "complete -c forager";
  if (!condition.empty()) out += fmt::format(" -n {}", quoted(condition));
  if (!one.short_name.empty()) out += fmt::format(" -s {}", one.short_name.substr(1));
  out += fmt::format(" -l {}", one.name.substr(2));
  if (one.value == "PATH") {
    out += " -r -F";
  } else if (!one.words.empty()) {
    out += fmt::format(" -x -a '{}'", fmt::join(one.words, " "));
  } else if (!one.value.empty()) {
    out += " -x";
  }
  return out + fmt::format(" -d {}\n", quoted(one.text));
}

}  // namespace

std::string fish_completion() {
  const CommandLine line = describe_command_line();
  std::string names;
  std::string without_settings;
  for (const CommandWords& one : line.commands) {
    names += fmt::format(" {}", one.name);
    if (!one.takes_settings) without_settings += fmt::format(" {}", one.name);
  }
  std::string out =
      "# fish completion for forager, written by `forager completion fish`\n"
      "complete -c forager -f\n";
  for (const FlagWords& one : line.everywhere) out += flag_line(one, "");
  const auto seen = [](std::string_view words) {
    return fmt::format("__fish_seen_subcommand_from {}", words);
  };
  for (const CommandWords& one : line.commands) {
    out += fmt::format("complete -c forager -n {} -a {} -d {}\n",
                       quoted("not " + seen(names.substr(1))), one.name, quoted(one.text));
    for (const FlagWords& flag : one.flags) out += flag_line(flag, seen(one.name));
    if (one.words.empty()) continue;
    std::string words;
    for (const WordText& word : one.words) words += fmt::format(" {}", word.word);
    for (const WordText& word : one.words) {
      out +=
          fmt::format("complete -c forager -n {} -a {} -d {}\n",
                      quoted(fmt::format("{}; and not {}", seen(one.name), seen(words.substr(1)))),
                      word.word, quoted(word.text));
    }
  }
  out += fmt::format("complete -c forager -n {} -F\n",
                     quoted(seen("journal") + "; and " + seen("replay export")));
  for (const FlagWords& one : setting_flags()) {
    out += flag_line(one, "not " + seen(without_settings.substr(1)));
  }
  return out;
}

}  // namespace forager::config
