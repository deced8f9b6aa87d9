#include "config/enrich.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "config/nearest.h"
#include "config/values.h"

namespace forager::config {
namespace {

struct Source {
  std::string_view name;
  bool EnrichFrom::* member;
};
constexpr std::array<Source, 4> sources{{{"env", &EnrichFrom::env},
                                         {"ecs", &EnrichFrom::ecs},
                                         {"ec2", &EnrichFrom::ec2},
                                         {"k8s", &EnrichFrom::k8s}}};

}  // namespace

Result<EnrichFrom> parse_enrich(std::string_view text) {
  EnrichFrom made{false, false, false, false};
  const auto names = split_list(text);
  if (names.empty()) return fault("names nothing; write off, or some of env,ecs,ec2,k8s");
  for (const std::string& name : names) {
    if (name == "off" && names.size() == 1) return made;
    if (name == "off") return fault("says off and more; leave one of them out");
    const auto known = std::ranges::find(sources, std::string_view(name), &Source::name);
    if (known == sources.end()) {
      constexpr std::array<std::string_view, 5> all{"off", "env", "ecs", "ec2", "k8s"};
      return fault(fmt::format("names the unknown source {}{}; known are {}", in_quotes(name),
                               did_you_mean(name, all), fmt::join(all, ", ")));
    }
    made.*known->member = true;
  }
  return made;
}

std::string format_enrich(const EnrichFrom& from) {
  std::string text;
  for (const Source& one : sources) {
    if (from.*one.member) text += fmt::format("{}{}", text.empty() ? "" : ",", one.name);
  }
  return text.empty() ? "off" : text;
}

}  // namespace forager::config
