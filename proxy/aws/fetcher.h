// Asks the small endpoints that AWS has around a workload (STS, container, IMDS, ECS metadata), one
// kept transport each. Used by the provider of credentials and by the lookup of metadata.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/async.h"
#include "base/budget.h"
#include "net/https.h"
#include "net/tls.h"
#include "net/transport.h"
#include "net/url.h"

namespace forager::aws {

struct FetchSettings {
  std::string https_proxy;  ///< for https origins alone: the others are a hop away
  std::string no_proxy;
  Budget* budget = nullptr;
};

/// io thread. Outlives its calls; `tls` outlives it.
class Fetcher {
 public:
  Fetcher(asio::any_io_executor executor, net::Tls& tls, FetchSettings settings = {});

  /// One exchange with `base` (scheme://host[:port]) within `timeout`. Redirects are never
  /// followed: they come back as they are. A `base` that is no such thing is Kind::protocol.
  asio::awaitable<net::Answer> send(std::string base, net::Request request, Duration timeout);
  /// Sleeps; false: stopped meanwhile.
  asio::awaitable<bool> pause(Duration time);
  /// Ends calls under way with Kind::stopped and refuses new ones.
  void stop();
  bool stopped() const { return stopped_; }

 private:
  Result<net::HttpsTransport*> transport_to(const std::string& base);

  asio::any_io_executor executor_;
  net::Tls& tls_;
  FetchSettings settings_;
  std::map<std::string, std::unique_ptr<net::HttpsTransport>> transports_;
  Event stopped_event_;
  bool stopped_ = false;
};

}  // namespace forager::aws
