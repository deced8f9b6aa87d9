#include "config/completion.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "config/cli_words.h"
#include "config/settings.h"

namespace forager::config {
namespace {

constexpr std::string_view bash_head =
    R"(# bash completion for forager, written by `forager completion bash`
_forager() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
  local command='' word='' skip='' flags='' choices='' word_after='' i
  local IFS=$' \t\n'
  COMPREPLY=()
  # bash takes --flag=value for three words
  if [[ $cur == = ]]; then
    cur=''
  elif [[ $prev == = ]]; then
    prev=${COMP_WORDS[COMP_CWORD-2]}
  fi
)";

/// Finds the command and the first word behind it; a value of a flag is neither.
constexpr std::string_view bash_scan = R"(  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if [[ -n $skip ]]; then
      [[ $word == = ]] || skip=''
      continue
    fi
    case $word in
      =) skip=1 ;;
      {takes_value}) [[ ${COMP_WORDS[i+1]} == = ]] || skip=1 ;;
      -*) ;;
      *) if [[ -z $command ]]; then command=$word; else word_after=$word; break; fi ;;
    esac
  done
)";

constexpr std::string_view bash_tail = R"(  if [[ $cur == -* ]]; then
    choices=$flags
  fi
  IFS=$'\n'
  COMPREPLY=($(IFS=$' \t\n'; compgen -W "$choices" -- "$cur"))
}
complete -F _forager forager
)";

std::string names_of(const std::vector<FlagWords>& flags) {
  std::string names;
  for (const FlagWords& one : flags) {
    names += (names.empty() ? "" : " ") + one.name;
    if (!one.short_name.empty()) names += " " + one.short_name;
  }
  return names;
}

std::string words_of(std::span<const WordText> words) {
  std::string all;
  for (const WordText& one : words) all += fmt::format("{}{}", all.empty() ? "" : " ", one.word);
  return all;
}

/// Every flag with a value, once each.
std::vector<FlagWords> flags_with_value(const CommandLine& line) {
  auto all = setting_flags();
  for (const CommandWords& command : line.commands) {
    for (const FlagWords& one : command.flags) {
      if (!one.value.empty()) all.push_back(one);
    }
  }
  return all;
}

/// What follows a flag: its few words, files, or nothing that can be known.
std::string bash_values(const std::vector<FlagWords>& flags) {
  std::string out = "  case $prev in\n";
  std::string free;
  for (const FlagWords& one : flags) {
    if (one.value == "PATH") {
      out += fmt::format(
          "    {}) compopt -o filenames 2>/dev/null; IFS=$'\\n'; COMPREPLY=($(compgen -f -- "
          "\"$cur\")); return ;;\n",
          one.name);
    } else if (!one.words.empty()) {
      out += fmt::format("    {}) COMPREPLY=($(compgen -W '{}' -- \"$cur\")); return ;;\n",
                         one.name, fmt::join(one.words, " "));
    } else {
      free += (free.empty() ? "" : "|") + one.name;
    }
  }
  return out + fmt::format("    {}) return ;;\n  esac\n", free);
}

std::string bash_commands(const CommandLine& line) {
  std::string out = "  case $command in\n";
  std::string names;
  for (const CommandWords& one : line.commands) {
    names += fmt::format("{}{}", names.empty() ? "" : " ", one.name);
    out += fmt::format("    {}) flags=\"{}{}\"", one.name, names_of(one.flags),
                       one.takes_settings ? " $settings" : "");
    if (!one.words.empty()) {
      out += fmt::format("; [[ -n $word_after ]] || choices='{}'", words_of(one.words));
    }
    out += " ;;\n";
  }
  return out + fmt::format("    '') flags=$settings; choices='{}' ;;\n  esac\n", names);
}

}  // namespace

std::vector<FlagWords> setting_flags() {
  std::vector<FlagWords> flags;
  for (const Setting& one : settings()) {
    if (one.secret) continue;
    FlagWords& made = flags.emplace_back();
    made.name = fmt::format("--{}", one.flag);
    made.value = one.type;
    made.text = one.text;
    if (one.field.words != nullptr) made.words = one.field.words();
  }
  return flags;
}

std::string bash_completion() {
  const CommandLine line = describe_command_line();
  const auto with_value = flags_with_value(line);
  std::string takes_value;
  for (const FlagWords& one : with_value) {
    takes_value += (takes_value.empty() ? "" : "|") + one.name;
  }
  std::string out(bash_head);
  out += fmt::format("  local settings='{}'\n", names_of(setting_flags()));
  out += bash_values(with_value);
  std::string scan(bash_scan);
  constexpr std::string_view place = "{takes_value}";
  scan.replace(scan.find(place), place.size(), takes_value);
  out += scan;
  out += bash_commands(line);
  out += fmt::format("  flags=\"$flags {}\"\n", names_of(line.everywhere));
  out +=
      "  # files to send, and a folder to write into\n"
      "  if [[ $command == journal && $word_after =~ ^(replay|export)$ && $cur != -* ]]; then\n"
      "    compopt -o filenames 2>/dev/null; IFS=$'\\n'; COMPREPLY=($(compgen -f -- \"$cur\"))\n"
      "    return\n  fi\n";
  out += bash_tail;
  return out;
}

std::string completion(std::string_view shell) {
  if (shell == "zsh") return zsh_completion();
  if (shell == "fish") return fish_completion();
  return bash_completion();
}

}  // namespace forager::config
