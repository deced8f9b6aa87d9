// How fast bytes leave the journal: an average that forgets with a time constant of 10 s, for
// computing Retry-After.
#pragma once

#include <chrono>
#include <cmath>
#include <cstddef>

#include "base/time.h"

namespace forager::journal {

class DrainRate {
 public:
  void add(std::size_t bytes, Time now) {
    decay_to(now);
    weight_ += static_cast<double>(bytes);
  }
  /// Bytes a second.
  double per_second(Time now) const { return weight_ * left_after(now) / seconds_to_forget; }

 private:
  static constexpr double seconds_to_forget = 10;
  double left_after(Time now) const {
    const double seconds = std::chrono::duration<double>(now - at_).count();
    return seconds > 0 ? std::exp(-seconds / seconds_to_forget) : 1;
  }
  void decay_to(Time now) {
    weight_ *= left_after(now);
    if (now > at_) at_ = now;
  }
  double weight_ = 0;
  Time at_{};
};

}  // namespace forager::journal
