// Rollbar: exceptions and error logs, one item a request, as JSON (PROTOCOLS 4). Metrics and
// everything that is no error stay here.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "destination/destination.h"
#include "rollbar/item.h"
#include "rollbar/rate.h"
#include "rollbar/read.h"
#include "rollbar/truncate.h"

namespace forager::destination {

/// What the SDKs of Rollbar hide, and credentials of HTTP.
std::vector<std::string> rollbar_scrub_default();

struct RollbarConfig {
  std::string host = "api.rollbar.com";  ///< for words only: the transport has the origin
  std::string path_prefix;               ///< path of the endpoint, in front of /api/1/item/
  rollbar::ItemRules item{};
  rollbar::ReadRules read{};
  rollbar::RateConfig rate{};
  std::size_t item_bytes = rollbar::item_bytes_max;          ///< of one item's JSON
  std::size_t request_limit = 64U << 20U;                    ///< of requests from apps, bytes
  std::vector<std::string> scrub = rollbar_scrub_default();  ///< names whose values are hidden
  /// Signals that configuration sends here; metrics and segments are never taken.
  std::array<bool, signal_count> routed{true, false, true};
};

class RollbarDestination final : public Destination {
 public:
  explicit RollbarDestination(RollbarConfig config);

  std::string_view name() const override { return "rollbar"; }
  bool takes(Signal signal) const override;
  Limits limits(Signal signal) const override;
  /// Compression isn't documented there, so nothing is compressed.
  bool takes_codec(Signal signal, Codec codec) const override;
  /// The time is part of what tells one error from another.
  bool wants_log_time() const override { return true; }
  std::unique_ptr<Screen> make_screen() const override;
  /// `batch`: a request with one item that the screen let pass, not compressed, with its lane; the
  /// JSON is that of the error number `step` among the picked ones.
  net::Request encode(const Encoded& batch) const override;
  /// The token as a secret header; what an earlier call set is replaced.
  void sign(net::Request& request, Signal signal, const Credentials& with,
            WallTime now) const override;
  Verdict judge(const net::Response& response, Signal signal, Codec codec,
                WallTime now) const override;

 private:
  std::string json_of(const Encoded& batch) const;
  std::string written(const rollbar::Item& item, bool squeezed) const;
  RollbarConfig config_;
  rollbar::Scrub scrub_;
};

}  // namespace forager::destination
