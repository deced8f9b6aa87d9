// Honeycomb: OTLP/HTTP in protobuf with a key in a header, and a dataset where the kind of key asks
// for one (PROTOCOLS 2.1 to 2.7).
#pragma once

#include <array>
#include <cstddef>
#include <string>

#include "destination/destination.h"

namespace forager::destination {

struct HoneycombConfig {
  std::string host = "api.honeycomb.io";  ///< for words only: the transport has the origin
  std::string path_prefix;      ///< path of the endpoint, in front of /v1/...; usually empty
  std::string dataset;          ///< HONEYCOMB_DATASET: classic keys; logs without a service name
  std::string metrics_dataset;  ///< HONEYCOMB_METRICS_DATASET; empty: `dataset`
  std::size_t batch_bytes = 0;  ///< uncompressed bytes a request; 0: Honeycomb's 5,000,000
  std::array<bool, signal_count> routed{true, true,
                                        true};  ///< signals that configuration sends here
};

class HoneycombDestination final : public Destination {
 public:
  explicit HoneycombDestination(HoneycombConfig config);

  std::string_view name() const override { return "honeycomb"; }
  bool takes(Signal signal) const override {
    return config_.routed[static_cast<std::size_t>(signal)];
  }
  Limits limits(Signal signal) const override;
  bool wants_log_time() const override { return true; }
  net::Request encode(const Encoded& batch) const override;
  /// The key as a secret header, and x-honeycomb-dataset by signal and kind of key; what an earlier
  /// call set is replaced.
  void sign(net::Request& request, Signal signal, const Credentials& with,
            WallTime now) const override;
  Verdict judge(const net::Response& response, Signal signal, Codec codec,
                WallTime now) const override;

 private:
  std::string dataset_for(Signal signal, bool classic, const Credentials& with) const;
  HoneycombConfig config_;
};

}  // namespace forager::destination
