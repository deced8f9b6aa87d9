// One destination's breaker: after failures in a row it opens, lets one probe through when its
// pause is over, and after a success lets concurrency grow again from 1 (concurrency.h). Time comes
// from outside.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/time.h"
#include "export/concurrency.h"

namespace forager::exporter {

class Breaker {
 public:
  /// Opens after `failures_max` failures in a row; never lets more than `concurrency` out.
  Breaker(std::uint32_t failures_max, std::uint32_t concurrency)
      : failures_max_(failures_max), concurrency_(concurrency) {}

  bool open() const { return open_; }
  /// While open: when one probe may go.
  Time due() const { return due_; }
  std::uint32_t failures() const { return failures_; }
  /// How many requests may be in flight now, those under way included.
  std::uint32_t allowed(Time now) const {
    if (!open_) return concurrency_.allowed();
    return now < due_ ? 0 : 1;
  }
  /// An answer came that says the destination is up, whatever it says about the data.
  /// `sent`: when the request, with a body of `bytes`, went out.
  void succeeded(Time sent, std::size_t bytes, Time now) {
    failures_ = 0;
    if (open_) {
      open_ = false;
      concurrency_.restart();
    } else {
      concurrency_.answered(sent, bytes, now);
    }
  }
  /// No answer, or one that says "not now". `pause`: how long to stay away if that opens it or
  /// keeps it open.
  void failed(Time sent, Time now, Duration pause) {
    concurrency_.turned_away(sent, now);
    failures_ = std::min(failures_ + 1, failures_most);
    if (failures_ < failures_max_) return;
    open_ = true;
    due_ = std::max(due_, now + pause);
  }
  /// Something outside has changed (a new credential): begin again, slowly.
  void restart() {
    open_ = false;
    failures_ = 0;
    concurrency_.restart();
  }

 private:
  static constexpr std::uint32_t failures_most = 1'000'000;
  std::uint32_t failures_max_;
  Concurrency concurrency_;
  std::uint32_t failures_ = 0;
  bool open_ = false;
  Time due_{};
};

}  // namespace forager::exporter
