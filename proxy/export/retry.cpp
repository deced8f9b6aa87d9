#include "export/retry.h"

#include <algorithm>

#include "base/mutant.h"

namespace forager::exporter {

Duration backoff(const RetryConfig& config, std::uint32_t failures, std::optional<Duration> after,
                 double unit) {
  Duration most = config.initial;
  for (std::uint32_t n = 1; n < failures && most < config.max; ++n) most *= 2;
  most = std::min(most, config.max);
  const auto share =
      std::chrono::duration_cast<Duration>(std::chrono::duration<double, Duration::period>(
          static_cast<double>(most.count()) * (FORAGER_MUTANT(no_jitter) ? 1.0 : unit)));
  const Duration asked =
      std::clamp(after.value_or(Duration::zero()), Duration::zero(), retry_after_max);
  return std::max<Duration>(asked + share, std::chrono::milliseconds(1));
}

}  // namespace forager::exporter
