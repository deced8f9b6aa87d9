// What X-Ray's OTLP endpoint takes of a record of spans (PROTOCOLS 3.1): a shallow walk over the
// wire format, no decoding, nothing allocated for a span.
#pragma once

#include "destination/aws_rules.h"
#include "destination/screen.h"

namespace forager::destination {

struct XRayRules : AwsRules {
  std::size_t span_bytes = 200'000;  ///< the span alone, without its envelope
};

class XRayScreen final : public Screen {
 public:
  explicit XRayScreen(XRayRules rules = {}) : rules_(rules) {}
  /// Traces; segments (PROTOCOLS 3.5) have no rule that Limits doesn't know, and all go.
  std::vector<Stretch> look(Signal signal, std::string_view body, WallTime now) override;
  Duration good_for() const override { return aws_good_for; }

 private:
  XRayRules rules_;
};

}  // namespace forager::destination
