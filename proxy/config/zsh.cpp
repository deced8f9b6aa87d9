#include <fmt/format.h>
#include <fmt/ranges.h>

#include "config/cli_words.h"
#include "config/completion.h"

namespace forager::config {
namespace {

/// In single quotes, where `:`, `[` and `]` mean something to _arguments.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
      continue;
    }
    if (c == ':' || c == '[' || c == ']' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string spec(const FlagWords& one) {
  std::string value;
  if (one.value == "PATH") {
    value = ":PATH:_files";
  } else if (!one.words.empty()) {
    value = fmt::format(":{}:({})", one.value, fmt::join(one.words, " "));
  } else if (!one.value.empty()) {
    value = fmt::format(":{}: ", one.value);
  }
  if (!one.short_name.empty()) {
    return fmt::format("'({0} {1})'{{{0},{1}}}'[{2}]'", one.short_name, one.name,
                       escaped(one.text));
  }
  return fmt::format("'{}{}[{}]{}'", one.name, one.value.empty() ? "" : "=", escaped(one.text),
                     value);
}

std::string lines(const std::vector<FlagWords>& flags, std::string_view indent) {
  std::string out;
  for (const FlagWords& one : flags) out += fmt::format("{}{}\n", indent, spec(one));
  return out;
}

template <class Range>
std::string described(const Range& of, auto name, auto text) {
  std::string out;
  for (const auto& one : of) {
    out += fmt::format("    '{}:{}'\n", std::string_view(name(one)), escaped(text(one)));
  }
  return out;
}

std::string command_case(const CommandWords& one) {
  std::string out = fmt::format("    {})\n", one.name);
  if (!one.words.empty()) {
    out += fmt::format("      words_after=(\n{}      )\n",
                       described(
                           one.words, [](const WordText& w) { return w.word; },
                           [](const WordText& w) { return w.text; }));
  }
  out += fmt::format("      _arguments -S $everywhere{}", one.takes_settings ? " $settings" : "");
  // no spec for words that a command doesn't take: its message would keep zsh from inserting
  for (const FlagWords& flag : one.flags) out += fmt::format(" \\\n        {}", spec(flag));
  if (!one.words.empty()) {
    out +=
        fmt::format(" \\\n        '1:{0}:{{_describe {0} words_after}}' '*:file:_files'", one.name);
  }
  return out + " ;;\n";
}

}  // namespace

std::string zsh_completion() {
  const CommandLine line = describe_command_line();
  std::string out =
      "#compdef forager\n"
      "# zsh completion for forager, written by `forager completion zsh`\n"
      "_forager() {\n"
      "  local curcontext=$curcontext state state_descr line\n"
      "  typeset -A opt_args\n"
      "  local -a settings everywhere commands words_after\n"
      "  everywhere=(\n";
  out += lines(line.everywhere, "    ") + "  )\n  settings=(\n";
  out += lines(setting_flags(), "    ") + "  )\n  commands=(\n";
  out += described(
      line.commands, [](const CommandWords& c) { return c.name; },
      [](const CommandWords& c) { return c.text; });
  out +=
      "  )\n"
      "  _arguments -C $everywhere $settings '1:command:->command' '*::argument:->argument' && "
      "return\n"
      "  if [[ $state == command ]]; then\n"
      "    _describe command commands\n"
      "    return\n"
      "  fi\n"
      "  case $words[1] in\n";
  for (const CommandWords& one : line.commands) out += command_case(one);
  out +=
      "  esac\n"
      "}\n"
      "if [[ $funcstack[1] == _forager ]]; then _forager \"$@\"; else compdef _forager forager; "
      "fi\n";
  return out;
}

}  // namespace forager::config
