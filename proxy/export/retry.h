// When to try again: exponential backoff with full jitter, never earlier than the destination asked
// for, and never given up.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "base/time.h"

namespace forager::exporter {

struct RetryConfig {
  Duration initial = std::chrono::seconds(1);
  Duration max = std::chrono::seconds(60);
};

/// Longest Retry-After that is believed; more is taken for a mistake.
inline constexpr Duration retry_after_max = std::chrono::hours(24);

/// How long to wait after the `failures`th failure in a row (1 is the first): a random share of
/// min(max, initial * 2^(failures-1)). With `after` it is after plus that share, so that a fleet
/// told the same second doesn't come back in it. `unit` is random in [0, 1). At least 1 ms.
Duration backoff(const RetryConfig& config, std::uint32_t failures, std::optional<Duration> after,
                 double unit);

}  // namespace forager::exporter
