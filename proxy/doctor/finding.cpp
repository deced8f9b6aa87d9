#include "doctor/finding.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

#include "base/json_writer.h"

namespace forager::doctor {
namespace {

constexpr std::array<std::string_view, 3> words{"ok", "warning", "failure"};

std::string_view word(Level level) { return words[static_cast<std::size_t>(level)]; }

std::string as_json(const std::vector<Finding>& findings) {
  JsonWriter json;
  json.begin_object();
  json.key("findings").begin_array();
  for (const Finding& one : findings) {
    json.begin_object();
    json.key("level").value(word(one.level));
    json.key("of").value(one.of);
    json.key("what").value(one.what);
    if (!one.fix.empty()) json.key("fix").value(one.fix);
    json.end_object();
  }
  json.end_array();
  json.end_object();
  return json.take() + "\n";
}

std::string as_text(const std::vector<Finding>& findings) {
  std::string text;
  for (const Finding& one : findings) {
    text += fmt::format("{:<8} {:<11} {}\n", word(one.level), one.of, one.what);
    std::string_view fix = one.fix;
    for (bool first = true; !fix.empty(); first = false) {
      const auto line = fix.substr(0, fix.find('\n'));
      text += fmt::format("{:<20} {}{}\n", "", first ? "fix: " : "     ", line);
      fix.remove_prefix(std::min(line.size() + 1, fix.size()));
    }
  }
  return text;
}

}  // namespace

config::Printed show(const std::vector<Finding>& findings, bool json) {
  const bool failed =
      std::ranges::any_of(findings, [](const Finding& one) { return one.level == Level::failure; });
  return {json ? as_json(findings) : as_text(findings),
          {},
          failed ? config::ExitCode::failure : config::ExitCode::ok};
}

}  // namespace forager::doctor
