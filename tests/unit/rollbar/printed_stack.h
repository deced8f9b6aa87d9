// A parsed stack trace as text, so that a test shows what was printed beside what was read.
#pragma once

#include <string>
#include <string_view>

#include "rollbar/stack.h"

namespace forager::rollbar::test {

/// One line an exception ("Type: message", line ends as "\n"), below it one a frame, the oldest
/// call first: "  a.py:3:7 Class.method | code".
inline std::string printed(const Stack& stack) {
  std::string out = stack.parsed ? "" : "not parsed\n";
  const auto add_flat = [&out](std::string_view text) {
    for (const char c : text) {
      if (c == '\n') out += '\\';
      out += c == '\n' ? 'n' : c;
    }
  };
  for (const Exception& exception : stack.chain) {
    out += exception.type;
    if (!exception.message.empty()) add_flat(": " + exception.message);
    if (!exception.description.empty()) add_flat(" // " + exception.description);
    for (const Frame& frame : exception.frames) {
      out += "\n  " + frame.filename;
      if (frame.line) out += ":" + std::to_string(*frame.line);
      if (frame.column) out += ":" + std::to_string(*frame.column);
      if (!frame.method.empty()) out += " ";
      if (!frame.class_name.empty()) out += frame.class_name + " . ";
      out += frame.method;
      if (!frame.code.empty()) out += " | " + frame.code;
    }
    out += '\n';
  }
  return out;
}

/// What a language printed, as the test's raw string has it: without its first line end.
inline std::string printed(std::string_view language, std::string_view text,
                           std::string_view type = {}, std::string_view message = {}) {
  if (text.starts_with('\n')) text.remove_prefix(1);
  return "\n" + printed(parse_stack(language, text, type, message));
}

}  // namespace forager::rollbar::test
