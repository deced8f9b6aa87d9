// Who are we to AWS: one signed GetCallerIdentity, which needs no permission. For `forager doctor`.
#pragma once

#include <optional>
#include <string>

#include "aws/fetcher.h"
#include "aws/sources.h"
#include "aws/sts.h"

namespace forager::aws {

struct WhoAmI {
  Result<CallerIdentity> who;
  /// AWS's clock minus ours, to the second; nullopt: it did not answer.
  std::optional<Duration> clock_skew;
};

/// `sts` as sts_url() makes it; `region` empty: the global endpoint's. A clock that is wrong is
/// measured by a first answer and corrected for, so that the keys themselves are judged.
asio::awaitable<WhoAmI> get_caller_identity(Fetcher& net, destination::AwsKeys keys,
                                            std::string sts, std::string region,
                                            Patience patience = {});

}  // namespace forager::aws
