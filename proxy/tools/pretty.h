// Compact JSON with line breaks and indents, for a terminal.
#pragma once

#include <string>
#include <string_view>

namespace forager::tools {

/// `json` is valid and compact. Empty objects and lists stay on their line.
inline std::string pretty_json(std::string_view json) {
  std::string out;
  out.reserve(json.size() * 2);
  std::size_t depth = 0;
  bool in_string = false;
  const auto line = [&] { out.append("\n").append(depth * 2, ' '); };
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_string) {
      out += c;
      if (c == '\\' && i + 1 < json.size()) {
        out += json[++i];
      } else if (c == '"') {
        in_string = false;
      }
      continue;
    }
    const char next = i + 1 < json.size() ? json[i + 1] : '\0';
    if (c == '{' || c == '[') {
      out += c;
      if (next == '}' || next == ']') {
        out += json[++i];
        continue;
      }
      ++depth;
      line();
    } else if (c == '}' || c == ']') {
      if (depth != 0) --depth;
      line();
      out += c;
    } else if (c == ',') {
      out += c;
      line();
    } else if (c == ':') {
      out += ": ";
    } else {
      in_string = c == '"';
      out += c;
    }
  }
  return out;
}

}  // namespace forager::tools
