#include "config/routes.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "config/nearest.h"
#include "config/values.h"

namespace forager::config {
namespace {

constexpr std::string_view form_fix =
    "write names at commas, such as honeycomb,hive, or by signal "
    "traces=honeycomb;logs=honeycomb,hive";

std::optional<Signal> signal_named(std::string_view name) {
  for (const Signal signal : otlp_signals) {
    if (facts(signal).name == name) return signal;
  }
  return std::nullopt;
}

/// The names of one part, checked; `signal`: of a part for one signal, which may be `none`, alone.
Result<std::vector<std::string>> names_of(std::string_view text, std::optional<Signal> signal) {
  const bool by_signal = signal.has_value();
  auto names = split_list(text);
  if (names.empty()) return fault(fmt::format("has a part without a name; {}", form_fix));
  for (const std::string& name : names) {
    if (by_signal && name == "none" && names.size() == 1) continue;
    if (name.find('=') != std::string::npos) {
      return fault(fmt::format("has a comma before the next signal; {}", form_fix));
    }
    if (name == "none") {
      return fault(by_signal ? "says none and more for one signal; leave one of them out"
                             : "says none for every signal; name one, such as hive");
    }
    if (std::ranges::find(destination_names, name) == destination_names.end()) {
      return fault(fmt::format("names the unknown destination {}{}; known are {}", in_quotes(name),
                               did_you_mean(name, destination_names),
                               fmt::join(destination_names, ", ")));
    }
    if (signal && !can_take(name, *signal)) {
      return fault(fmt::format("sends {} to {}, which doesn't take them; take {} out of that part",
                               facts(*signal).name, name, name));
    }
  }
  for (auto name = names.begin(); name != names.end(); ++name) {
    if (std::find(names.begin(), name, *name) != name) {
      return fault(fmt::format("names {} twice; leave one out", *name));
    }
  }
  return names;
}

}  // namespace

Result<std::vector<std::string>> parse_destinations(std::string_view text) {
  std::vector<std::string> entries;
  std::vector<Signal> seen;
  bool seen_rest = false;
  for (const std::string& part : split_list(text, ';')) {
    const auto equals = part.find('=');
    const bool by_signal = equals != std::string::npos && equals < part.find(',');
    if (!by_signal) {
      if (seen_rest) return fault("has two parts for the signals that aren't named; join them");
      seen_rest = true;
      const auto names = names_of(part, std::nullopt);
      if (!names) return names.error();
      entries.insert(entries.end(), names->begin(), names->end());
      continue;
    }
    const auto word = std::string(trimmed(std::string_view(part).substr(0, equals)));
    const auto signal = signal_named(word);
    if (!signal) {
      constexpr std::array<std::string_view, 3> known{"traces", "metrics", "logs"};
      return fault(fmt::format("names the unknown signal {}{}; known are {}", in_quotes(word),
                               did_you_mean(word, known), fmt::join(known, ", ")));
    }
    if (std::ranges::find(seen, *signal) != seen.end()) {
      return fault(fmt::format("has two parts for {}; join them", word));
    }
    seen.push_back(*signal);
    const auto names = names_of(std::string_view(part).substr(equals + 1), signal);
    if (!names) return names.error();
    for (const std::string& name : *names) entries.push_back(fmt::format("{}={}", word, name));
  }
  if (entries.empty()) return fault(fmt::format("names nothing; {}", form_fix));
  return entries;
}

Routes routes_of(std::span<const std::string> entries) {
  Routes routes;
  std::array<bool, signal_count> named{};
  std::vector<std::string> rest;
  for (const std::string& entry : entries) {
    const auto equals = entry.find('=');
    const auto signal =
        equals == std::string::npos ? std::nullopt : signal_named(entry.substr(0, equals));
    if (!signal) {
      rest.push_back(entry);
      continue;
    }
    const auto index = static_cast<std::size_t>(*signal);
    named[index] = true;
    if (auto name = entry.substr(equals + 1); name != "none") {
      routes.by_signal[index].push_back(std::move(name));
    }
  }
  for (const Signal signal : otlp_signals) {
    const auto index = static_cast<std::size_t>(signal);
    if (named[index]) continue;
    for (const std::string& name : rest) {
      if (can_take(name, signal)) routes.by_signal[index].push_back(name);
    }
    if (routes.by_signal[index].empty()) routes.forgotten.push_back(signal);
  }
  const auto named_anywhere = routes.all();
  if (std::ranges::find(named_anywhere, "xray") != named_anywhere.end()) {
    routes.by_signal[static_cast<std::size_t>(Signal::segments)] = {"xray"};
  }
  return routes;
}

bool can_take(std::string_view name, Signal signal) {
  const auto found = std::ranges::find(destination_table, name, &DestinationFacts::name);
  return found != destination_table.end() && found->takes[static_cast<std::size_t>(signal)];
}

std::vector<std::string> Routes::all() const {
  std::vector<std::string> names;
  for (const auto& one : by_signal) {
    for (const std::string& name : one) {
      if (std::ranges::find(names, name) == names.end()) names.push_back(name);
    }
  }
  return names;
}

std::string format_routes(const Routes& routes) {
  const auto& first = routes.by_signal.front();
  const auto same = [&](Signal signal) { return routes.of(signal) == first; };
  if (std::ranges::all_of(otlp_signals, same)) return fmt::format("{}", fmt::join(first, ","));
  std::string text;
  for (const Signal signal : otlp_signals) {
    const auto& names = routes.of(signal);
    fmt::format_to(std::back_inserter(text), "{}{}={}", text.empty() ? "" : ";", facts(signal).name,
                   names.empty() ? "none" : fmt::format("{}", fmt::join(names, ",")));
  }
  return text;
}

}  // namespace forager::config
