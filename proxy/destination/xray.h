// AWS X-Ray through its OTLP endpoint, and the segments of its own SDK through PutTraceSegments
// (PROTOCOLS 3.1, 3.5). Signs with SigV4 as service `xray`.
#pragma once

#include <array>
#include <memory>

#include "destination/aws_endpoint.h"
#include "destination/destination.h"
#include "destination/sigv4.h"
#include "destination/xray_screen.h"

namespace forager::destination {

struct XRayConfig {
  AwsEndpoint at;               ///< by default that of aws_url("xray", region)
  std::size_t batch_bytes = 0;  ///< uncompressed bytes a request; 0: X-Ray's 5,000,000
  XRayRules rules{};
  std::array<bool, signal_count> routed{true, false, false,
                                        true};  ///< signals that configuration sends here
};

/// Lives on the io thread: the key of the day is remembered.
class XRayDestination final : public Destination {
 public:
  explicit XRayDestination(XRayConfig config);

  std::string_view name() const override { return "xray"; }
  /// Traces and segments, nothing else.
  bool takes(Signal signal) const override;
  Limits limits(Signal signal) const override;
  bool takes_codec(Signal signal, Codec codec) const override;
  std::unique_ptr<Screen> make_screen() const override;
  net::Request encode(const Encoded& batch) const override;
  void sign(net::Request& request, Signal signal, const Credentials& with,
            WallTime now) const override;
  Verdict judge(const net::Response& response, Signal signal, Codec codec,
                WallTime now) const override;

 private:
  XRayConfig config_;
  mutable SigV4 signer_;
};

}  // namespace forager::destination
