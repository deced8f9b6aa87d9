// How far our clock is from a destination's, learned from its answers: AWS refuses signatures that
// are more than five minutes off (PROTOCOLS 3.1). Pure; the exporter owns one per destination.
#pragma once

#include <chrono>

#include "base/time.h"
#include "net/message.h"

namespace forager::destination {

/// A 403 (or 400) that says the time of the signature is the trouble.
bool blames_clock(const net::Response& response);

class ClockSkew {
 public:
  /// Differences up to this are the network's and are let be.
  static constexpr std::chrono::minutes tolerated{4};

  /// `now`: when the answer came, by our own clock. True: the offset changed. Answers without a
  /// Date that can be read teach nothing.
  bool learn(const net::Response& response, WallTime now);

  /// What to add to our clock for the destination's: positive when ours is behind. Whole seconds.
  std::chrono::seconds offset() const { return offset_; }
  WallTime adjusted(WallTime now) const { return now + offset_; }

 private:
  std::chrono::seconds offset_{0};
};

}  // namespace forager::destination
