// Which destinations each signal goes to: the text of `destinations` and what it means.
//   honeycomb,hive                      every signal to both
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

inline constexpr std::array<std::string_view, 2> destination_names{"honeycomb", "hive"};

struct Routes {
  std::array<std::vector<std::string>, signal_count> by_signal;  ///< names, in the order given
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
