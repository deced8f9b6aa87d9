// What each vendor needs to be reached: its destination, the transport to it and the credentials,
// from configuration. For the app, which delivers through them, and for `forager doctor`, which
// asks.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "app/carrier.h"
#include "aws/provider.h"
#include "base/async.h"
#include "base/budget.h"
#include "base/result.h"
#include "config/load.h"
#include "net/tls.h"
#include "net/url.h"

namespace forager::app {

/// For config::Sources::find_region: from the profile, the ECS task or the instance.
std::pair<std::string, std::string> find_region(
    const std::function<std::optional<std::string>(std::string_view)>& env);

/// io thread. All references outlive it; it outlives the carriers it made.
class Vendors {
 public:
  Vendors(const config::Loaded& loaded, const config::Sources& sources,
          asio::any_io_executor executor, asio::thread_pool& pool, Budget& budget, net::Tls& tls,
          exporter::Exporter::CredentialsOf honeycomb_key)
      : loaded_(loaded),
        sources_(sources),
        executor_(std::move(executor)),
        pool_(pool),
        budget_(budget),
        tls_(tls),
        honeycomb_key_(std::move(honeycomb_key)) {}

  /// Fills all of `carrier` but delivery and exporter.
  Result<void> make(const std::string& name, Carrier& carrier);
  /// Made with the first destination of AWS; nullptr: there is none. The caller runs and stops it.
  aws::Provider* aws() { return aws_.get(); }

 private:
  std::array<bool, signal_count> routed_to(const std::string& name) const;
  Result<net::Origin> reach(Carrier& carrier, const std::string& url, net::Tls& tls);
  void make_hive(Carrier& carrier);
  Result<void> make_honeycomb(Carrier& carrier);
  Result<void> make_rollbar(Carrier& carrier);
  Result<void> make_otlp(Carrier& carrier);
  Result<void> make_aws(const std::string& name, Carrier& carrier);
  aws::Provider& aws_credentials();

  const config::Loaded& loaded_;
  const config::Sources& sources_;
  asio::any_io_executor executor_;
  asio::thread_pool& pool_;
  Budget& budget_;
  net::Tls& tls_;
  exporter::Exporter::CredentialsOf honeycomb_key_;
  std::unique_ptr<aws::Provider> aws_;
};

}  // namespace forager::app
