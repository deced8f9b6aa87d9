// AWS CloudWatch Logs through its OTLP endpoint (PROTOCOLS 3.1, 3.6): group and stream in headers,
// made on request. Signs with SigV4 as service `logs`.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "destination/aws_endpoint.h"
#include "destination/cloudwatch_screen.h"
#include "destination/destination.h"
#include "destination/sigv4.h"

namespace forager::destination {

struct CloudWatchConfig {
  AwsEndpoint at;  ///< by default that of aws_url("logs", region)
  /// See NameTemplate. The stream's names the host and not the process: a stream for each restart
  /// would be left behind for good.
  std::string log_group = "/forager/{service.name}";
  std::string log_stream = "{host.name:otlp}";
  bool create = true;           ///< make a group or stream that is missing; retention is never set
  std::size_t batch_bytes = 0;  ///< uncompressed bytes a request; 0: CloudWatch's
  CloudWatchRules rules{};
  bool routed = true;  ///< logs are sent here
};

/// Lives on the io thread: the key of the day is remembered.
class CloudWatchDestination final : public Destination {
 public:
  /// Faults name the setting that is wrong: log group or stream.
  static Result<std::unique_ptr<CloudWatchDestination>> make(CloudWatchConfig config);

  std::string_view name() const override { return "cloudwatch"; }
  bool takes(Signal signal) const override { return signal == Signal::logs && config_.routed; }
  Limits limits(Signal signal) const override;
  bool wants_log_time() const override { return true; }
  bool takes_codec(Signal signal, Codec codec) const override;
  std::unique_ptr<Screen> make_screen() const override;
  /// Group and stream are those of `batch.lane`, or the fixed ones.
  net::Request encode(const Encoded& batch) const override;
  void sign(net::Request& request, Signal signal, const Credentials& with,
            WallTime now) const override;
  Verdict judge(const net::Response& response, Signal signal, Codec codec,
                WallTime now) const override;
  Verdict judge_in_lane(const net::Response& response, Signal signal, Codec codec,
                        std::string_view lane, WallTime now) const override;
  /// Of CreateLogGroup and CreateLogStream. A group that may not be made can be there all the same,
  /// so the stream is tried before that is an error.
  Verdict prepared(const net::Response& response, WallTime now) const override;

 private:
  struct Where {
    std::string group;
    std::string stream;
  };
  CloudWatchDestination(CloudWatchConfig config, LogNames names);
  Where where(std::string_view lane) const;
  Verdict missing(const net::Response& response, std::string_view lane) const;
  net::Request api_request(std::string_view operation, std::string json) const;

  CloudWatchConfig config_;
  LogNames names_;
  mutable SigV4 signer_;
};

}  // namespace forager::destination
