// What the destinations of AWS share: credentials that come and go, and a region.
#include <random>

#include "app/vendors.h"
#include "aws/place.h"
#include "destination/cloudwatch.h"
#include "destination/xray.h"

namespace forager::app {
std::pair<std::string, std::string> find_region(
    const std::function<std::optional<std::string>(std::string_view)>& env) {
  auto found = aws::find_region_now(aws::environment_from(env), aws::read_small_file);
  if (!found) return {{}, "not found: " + found.error().what};
  return {std::move(found->name), std::move(found->from)};
}

/// One provider for all, made when the first destination needs it.
aws::Provider& Vendors::aws_credentials() {
  if (aws_) return *aws_;
  const config::Config& from = loaded_.config;
  aws::ProviderSettings with;
  with.environment = aws::environment_from(sources_.env);
  with.region = from.aws_region;
  with.net.https_proxy = from.https_proxy;
  with.net.no_proxy = from.no_proxy;
  with.net.budget = &budget_;
  auto random = [engine = std::mt19937_64(std::random_device{}()),
                 unit = std::uniform_real_distribution<double>(0, 1)]() mutable {
    return unit(engine);
  };
  aws_ = std::make_unique<aws::Provider>(executor_, tls_, std::move(with), std::move(random));
  return *aws_;
}

Result<void> Vendors::make_aws(const std::string& name, Carrier& carrier) {
  const config::Config& from = loaded_.config;
  const bool xray = name == "xray";
  const std::string& given = xray ? from.xray_endpoint : from.cloudwatch_endpoint;
  const aws::Environment environment = aws::environment_from(sources_.env);
  const std::string url = given.empty()
                              ? destination::aws_url(xray ? "xray" : "logs", from.aws_region,
                                                     {environment.fips, environment.dual_stack})
                              : given;
  auto origin = reach(carrier, url, tls_);
  if (!origin) return origin.error();
  destination::AwsEndpoint at{from.aws_region, origin->authority(), origin->prefix};
  if (xray) {
    carrier.destination = std::make_unique<destination::XRayDestination>(destination::XRayConfig{
        .at = std::move(at), .batch_bytes = from.batch_bytes, .routed = routed_to(name)});
  } else {
    destination::CloudWatchConfig with;
    with.at = std::move(at);
    with.log_group = from.cloudwatch_log_group;
    with.log_stream = from.cloudwatch_log_stream;
    with.create = from.cloudwatch_create;
    with.batch_bytes = from.batch_bytes;
    auto made = destination::CloudWatchDestination::make(std::move(with));
    if (!made) return made.error();
    carrier.destination = std::move(*made);
  }
  aws::Provider& provider = aws_credentials();
  carrier.needs_aws = true;
  carrier.credentials = [&provider](journal::GroupId) -> std::optional<destination::Credentials> {
    if (!provider.current()) return std::nullopt;
    destination::Credentials made;
    made.aws = provider.current();
    return made;
  };
  carrier.no_credentials = [&provider] { return provider.why_none(); };
  carrier.stale_credentials = [&provider] { provider.refresh_now(); };
  return {};
}

}  // namespace forager::app
