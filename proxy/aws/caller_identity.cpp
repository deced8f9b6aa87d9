#include "aws/caller_identity.h"

#include <fmt/format.h>

#include "destination/retry_after.h"
#include "destination/sigv4.h"
#include "net/url.h"

namespace forager::aws {
namespace {

using std::chrono::system_clock;

/// AWS refuses signatures that are 5 minutes off; SDKs correct from 4 on (PROTOCOLS 3.1).
constexpr Duration skew_tolerance = std::chrono::minutes(4);

std::optional<Duration> skew_of(const net::Response& answer) {
  const WallTime ours = system_clock::now();
  const auto date = answer.header("Date");
  const auto theirs = date ? destination::parse_http_date(*date, ours) : std::nullopt;
  if (!theirs) return std::nullopt;
  return std::chrono::duration_cast<Duration>(
      std::chrono::round<std::chrono::seconds>(*theirs - ours));
}

}  // namespace

asio::awaitable<WhoAmI> get_caller_identity(Fetcher& net, destination::AwsKeys keys,
                                            std::string sts, std::string region,
                                            Patience patience) {
  const auto origin = net::parse_origin(sts);
  if (!origin) co_return WhoAmI{origin.error(), std::nullopt};
  destination::SigV4 signer(
      destination::SigningScope{region.empty() ? "us-east-1" : region, "sts", origin->authority()});
  std::optional<Duration> skew;
  for (bool corrected = false;; corrected = true) {
    net::Request request = caller_identity_request();
    signer.sign(request, keys,
                system_clock::now() + std::chrono::duration_cast<WallTime::duration>(
                                          corrected ? *skew : Duration::zero()));
    auto answer = co_await net.send(sts, std::move(request), patience.sts_timeout);
    if (!answer) co_return WhoAmI{fault(answer.error().what), skew};
    if (!corrected) skew = skew_of(*answer);
    const bool wrong_clock = skew && std::chrono::abs(*skew) > skew_tolerance;
    if (answer->status != 200 && wrong_clock && !corrected) continue;
    co_return WhoAmI{caller_identity_answer(*answer), skew};
  }
}

}  // namespace forager::aws
