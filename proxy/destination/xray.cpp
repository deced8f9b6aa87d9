#include "destination/xray.h"

#include <utility>

#include <fmt/format.h>

#include "destination/otlp_http.h"
#include "destination/xray_segments.h"

namespace forager::destination {
namespace {

constexpr std::size_t request_bytes_max = 5'000'000;
constexpr std::uint32_t request_spans_max = 10'000;

/// PROTOCOLS 3.1, "Trace prerequisites": what turns Transaction Search on, ready to be pasted.
std::string tracing_fix(std::string_view region) {
  const std::string_view partition = aws_partition(region);
  const std::string resources = fmt::format(
      R"(["arn:{0}:logs:{1}:*:log-group:aws/spans:*","arn:{0}:logs:{1}:*:log-group:/aws/application-signals/data:*"])",
      partition, region);
  const std::string policy = fmt::format(
      R"({{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Service":"xray.amazonaws.com"}},"Action":"logs:PutLogEvents","Resource":{}}}]}})",
      resources);
  // What does it comes first: the log cuts long lines, /status doesn't.
  return fmt::format(
      "Transaction Search is off in {0}: `aws xray update-trace-segment-destination --region {0} "
      "--destination CloudWatchLogs` turns it on; before that X-Ray must be allowed to write: `aws "
      "logs put-resource-policy --region {0} --policy-name TransactionSearch --policy-document "
      "'{1}'`; what was accepted is kept meanwhile",
      region, policy);
}

}  // namespace

XRayDestination::XRayDestination(XRayConfig config)
    : config_(std::move(config)), signer_({config_.at.region, "xray", config_.at.authority}) {}

bool XRayDestination::takes(Signal signal) const {
  const bool known = signal == Signal::traces || signal == Signal::segments;
  return known && config_.routed[static_cast<std::size_t>(signal)];
}

Limits XRayDestination::limits(Signal signal) const {
  Limits limits;
  if (signal == Signal::segments) {
    limits = segment_limits();
  } else {
    limits.request_items = request_spans_max;
    limits.spread = config_.rules.spread;
  }
  limits.request_bytes = config_.batch_bytes == 0
                             ? request_bytes_max
                             : std::min(config_.batch_bytes, request_bytes_max);
  return limits;
}

/// Segments are turned into JSON when they are encoded, so their body must come as it is.
bool XRayDestination::takes_codec(Signal signal, Codec codec) const {
  return codec == Codec::none || (codec == Codec::gzip && signal != Signal::segments);
}

std::unique_ptr<Screen> XRayDestination::make_screen() const {
  return std::make_unique<XRayScreen>(config_.rules);
}

net::Request XRayDestination::encode(const Encoded& batch) const {
  if (batch.signal == Signal::segments) {
    return segments_request(batch.body, config_.at.path_prefix);
  }
  return otlp_request(batch, otlp_target(config_.at.path_prefix, batch.signal));
}

void XRayDestination::sign(net::Request& request, Signal /*signal*/, const Credentials& with,
                           WallTime now) const {
  if (with.aws) signer_.sign(request, *with.aws, now);
}

Verdict XRayDestination::judge(const net::Response& response, Signal signal, Codec codec,
                               WallTime now) const {
  const bool success = response.status >= 200 && response.status < 300;
  if (success && signal == Signal::segments) return segments_delivered(response);
  if (auto known = aws_verdict(response, config_.at, AwsNeed::xray_traces, now)) return *known;
  if (failure_of(response) == AwsFailure::tracing_off) {
    return Park{fmt::format("{} answered {}: {}", config_.at.authority, response.status,
                            tracing_fix(config_.at.region))};
  }
  return aws_status_verdict(
      response, config_.at, codec, now,
      "X-Ray refuses the request: check the credentials of AWS, their policy and "
      "the region; what was accepted is kept meanwhile");
}

}  // namespace forager::destination
