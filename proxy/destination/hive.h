// The hive as a destination: the embedded store takes every signal as it is, through an in-process
// transport, and answers like any OTLP endpoint. It needs no key and no compression.
#pragma once

#include <array>

#include "destination/destination.h"

namespace forager::destination {

class HiveDestination final : public Destination {
 public:
  /// `routed`: the signals that configuration sends here.
  explicit HiveDestination(std::array<bool, signal_count> routed = {true, true, true})
      : routed_(routed) {}
  std::string_view name() const override { return "hive"; }
  bool takes(Signal signal) const override { return routed_[static_cast<std::size_t>(signal)]; }
  Limits limits(Signal signal) const override;
  net::Request encode(const Encoded& batch) const override;
  void sign(net::Request& /*request*/, Signal /*signal*/, const Credentials& /*with*/,
            WallTime /*now*/) const override {}
  Verdict judge(const net::Response& response, Signal signal, Codec codec,
                WallTime now) const override;

 private:
  std::array<bool, signal_count> routed_;
};

}  // namespace forager::destination
