// How many requests one destination is given at once: one more while answers come as fast as usual,
// half when it says "not now", one after an outage. (Additive increase, multiplicative decrease, as
// TCP does it.) Decides only the number; time comes from outside.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace forager::exporter {

class Concurrency {
 public:
  explicit Concurrency(std::uint32_t most) : most_(most), allowed_(most), doubling_to_(most) {}

  std::uint32_t allowed() const { return allowed_; }

  /// After an outage: one, then twice as many with every round.
  void restart() {
    allowed_ = 1;
    doubling_to_ = most_;
    earned_ = 0;
  }
  /// An answer to a body of `bytes` that was sent at `sent`. While answers take longer than is
  /// usual for that size, work is queueing over there, and there will be no more of it from here.
  void answered(Time sent, std::size_t bytes, Time now) {
    const Duration took = now - sent;
    Usual& usual = usual_.at(
        std::min(static_cast<std::size_t>(std::bit_width(bytes >> 16U)) / 2, usual_.size() - 1));
    usual.note(took, now);
    if (allowed_ >= most_ || took > slow_factor * usual.quickest() + slow_slack) return;
    if (allowed_ >= doubling_to_ && ++earned_ < allowed_) return;
    earned_ = 0;
    ++allowed_;
  }
  /// It was asked to come later, or got no answer. What went out before the last reduction tells
  /// nothing new.
  void turned_away(Time sent, Time now) {
    if (sent < reduced_at_) return;
    reduced_at_ = now;
    allowed_ = std::max(1U, allowed_ / 2);
    doubling_to_ = allowed_;
    earned_ = 0;
  }

 private:
  static constexpr int slow_factor = 2;
  static constexpr std::chrono::milliseconds slow_slack{50};
  /// The quickest answer counts as usual for one to two of these; so a destination that has become
  /// slower for good is not starved.
  static constexpr std::chrono::seconds window{30};
  class Usual {
   public:
    Duration quickest() const { return std::min(now_, before_); }
    void note(Duration took, Time now) {
      if (now - began_ >= window) {
        before_ = now - began_ < 2 * window ? now_ : none;
        now_ = none;
        began_ = now;
      }
      now_ = std::min(now_, took);
    }

   private:
    static constexpr Duration none = Duration::max() / 4;
    Time began_ = Time() - 2 * window;
    Duration now_ = none;
    Duration before_ = none;
  };

  std::uint32_t most_;
  std::uint32_t allowed_;
  std::uint32_t doubling_to_;
  std::uint32_t earned_ = 0;  ///< answers since the last step
  Time reduced_at_ = Time::min();
  std::array<Usual, 5> usual_;  ///< bodies up to 64 KiB, 256 KiB, 1 MiB, 4 MiB, and above
};

}  // namespace forager::exporter
