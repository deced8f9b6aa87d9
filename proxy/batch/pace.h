// How long a destination that has nothing in flight gathers before its next request. Now and then a
// record goes out at once; a steady stream goes in a few requests, each of which costs a TLS
// record, a compression and two system calls however small it is. Pure.
#pragma once

#include <algorithm>
#include <cstddef>

#include "base/time.h"

namespace forager::batch {

class Pace {
 public:
  /// After a request of n records the next waits n * `step`, at most `most`: below one record a
  /// step nobody ever waits, above it waiting grows until requests are `most` apart.
  struct Config {
    Duration step{0};
    Duration most{0};
  };
  explicit Pace(Config config) : config_(config) {}

  /// A request with that many records is on its way.
  void sent(std::size_t records, Time now) {
    if (config_.step <= Duration::zero()) return;
    const auto steps = static_cast<std::size_t>(config_.most / config_.step);
    const bool long_one = records >= std::max<std::size_t>(steps, 1);
    until_ = now + (long_one ? config_.most : config_.step * static_cast<int>(records));
  }
  /// Gather until then.
  Time until() const { return until_; }

 private:
  Config config_;
  Time until_ = Time::min();
};

/// Measured at 200 requests/s of 55 KB (bench): a little over half the CPU per span of sending each
/// at once.
inline constexpr Pace::Config usual_pace{std::chrono::milliseconds(10),
                                         std::chrono::milliseconds(50)};

}  // namespace forager::batch
