// Any backend that speaks OTLP/HTTP: a URL, headers, a compression, limits. What Honeycomb and AWS
// have in common with it are the functions below the class.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "destination/destination.h"

namespace forager::destination {

struct OtlpHttpConfig {
  std::string name = "otlp";  ///< its identity, see Destination::name
  std::string host;           ///< for words only: the transport has the origin
  std::string path_prefix;    ///< path of the endpoint, in front of /v1/...; usually empty
  /// Whole path of a signal where the backend has one of its own; empty: path_prefix + /v1/...
  std::array<std::string, signal_count> paths{};
  bool zstd = true;  ///< what it can read, `none` always
  bool gzip = true;
  Limits limits{};        ///< OTLP names none but the receiver's own
  bool log_time = false;  ///< Destination::wants_log_time
  std::array<bool, signal_count> routed{true, true, true};  ///< signals that are sent here
  /// What a person should do when credentials are refused (401, 403), one clause.
  std::string credentials_fix = "check the headers that are configured for it";
};

class OtlpHttpDestination final : public Destination {
 public:
  explicit OtlpHttpDestination(OtlpHttpConfig config);

  std::string_view name() const override { return config_.name; }
  bool takes(Signal signal) const override;
  Limits limits(Signal /*signal*/) const override { return config_.limits; }
  bool wants_log_time() const override { return config_.log_time; }
  bool takes_codec(Signal signal, Codec codec) const override;
  net::Request encode(const Encoded& batch) const override;
  /// Credentials::headers, as secret ones; what an earlier call set is replaced.
  void sign(net::Request& request, Signal signal, const Credentials& with,
            WallTime now) const override;
  Verdict judge(const net::Response& response, Signal signal, Codec codec,
                WallTime now) const override;

 private:
  OtlpHttpConfig config_;
};

/// A POST of the body to `target` with Content-Type, Content-Encoding and User-Agent.
net::Request otlp_request(const Encoded& batch, std::string target);
/// `prefix` without slashes at its end, and the signal's path of OTLP/HTTP.
std::string otlp_target(std::string_view prefix, Signal signal);
/// A header can't be ended early by what is in it: no control characters, no blanks around.
std::string header_value(std::string_view from);

}  // namespace forager::destination
