#include "doctor/finding.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

#include "base/json_writer.h"
#include "config/values.h"

namespace forager::doctor {
namespace {

constexpr std::array<std::string_view, 3> words{"ok", "warning", "failure"};

std::string_view word(Level level) { return words[static_cast<std::size_t>(level)]; }

struct AreaFacts {
  std::string_view name;
  config::ExitCode code;
};
constexpr std::array<AreaFacts, 4> areas{{{"settings", config::ExitCode::usage},
                                          {"machine", config::ExitCode::machine},
                                          {"network", config::ExitCode::network},
                                          {"credentials", config::ExitCode::credentials}}};

const AreaFacts& facts_of(Area area) { return areas[static_cast<std::size_t>(area)]; }

config::ExitCode code_of(const std::vector<Finding>& findings) {
  auto code = config::ExitCode::ok;
  for (const Finding& one : findings) {
    if (one.level != Level::failure) continue;
    const auto its = facts_of(one.area).code;
    if (code != config::ExitCode::ok && code != its) return config::ExitCode::failure;
    code = its;
  }
  return code;
}

std::string as_json(const std::vector<Finding>& findings) {
  JsonWriter json;
  json.begin_object();
  json.key("findings").begin_array();
  for (const Finding& one : findings) {
    json.begin_object();
    json.key("level").value(word(one.level));
    json.key("area").value(facts_of(one.area).name);
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

std::string size_text(std::uint64_t bytes) {
  constexpr std::uint64_t mib = std::uint64_t{1} << 20U;
  constexpr std::uint64_t gib = mib << 10U;
  const std::uint64_t unit = bytes >= 16 * gib ? gib : bytes >= mib ? mib : 1;
  return config::format_size(bytes / unit * unit);
}

config::Printed show(const std::vector<Finding>& findings, bool json) {
  return {json ? as_json(findings) : as_text(findings), {}, code_of(findings)};
}

}  // namespace forager::doctor
