// Which destinations each signal goes to: the text of `destinations` and what it means.
//   honeycomb,xray                      every signal to whoever of them can take it
//   traces=honeycomb,hive;logs=hive     by signal; a signal that isn't named has no route
//   honeycomb;logs=hive                 a part without = holds for the signals that aren't named
//   honeycomb;metrics=none              on purpose nowhere
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "otlp/signal.h"

namespace forager::config {

/// What there is, and which signals each can take, in the order of `Signal`.
struct DestinationFacts {
  std::string_view name;
  std::array<bool, signal_count> takes;
};
inline constexpr std::array<DestinationFacts, 6> destination_table{{
    {"honeycomb", {true, true, true, false}},
    {"xray", {true, false, false, true}},
    {"cloudwatch", {false, false, true, false}},
    {"rollbar", {true, false, true, false}},
    {"otlp", {true, true, true, false}},
    {"hive", {true, true, true, false}},
}};
inline constexpr auto destination_names = [] {
  std::array<std::string_view, destination_table.size()> names;
  for (std::size_t i = 0; i < names.size(); ++i) names[i] = destination_table[i].name;
  return names;
}();
/// `name` is one of destination_names.
bool can_take(std::string_view name, Signal signal);

struct Routes {
  /// Names, in the order given. Segments have no place in the text: they go to xray wherever it is
  /// named.
  std::array<std::vector<std::string>, signal_count> by_signal;
  std::vector<Signal> forgotten;  ///< signals without a route that nobody set to `none`

  const std::vector<std::string>& of(Signal signal) const {
    return by_signal[static_cast<std::size_t>(signal)];
  }
  /// Every destination that some signal goes to, once each.
  std::vector<std::string> all() const;
};

/// Entries as Config::destinations keeps them: "name", "signal=name" or "signal=none".
Result<std::vector<std::string>> parse_destinations(std::string_view text);
/// What entries of parse_destinations mean.
Routes routes_of(std::span<const std::string> entries);
/// Text that parse_destinations reads back: short if all signals go the same way.
std::string format_routes(const Routes& routes);

}  // namespace forager::config
