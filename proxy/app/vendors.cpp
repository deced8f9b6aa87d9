#include "app/vendors.h"

#include <memory>
#include <random>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "config/values.h"
#include "destination/hive.h"
#include "destination/honeycomb.h"
#include "destination/otlp_http.h"
#include "destination/rollbar.h"
#include "hive/screen.h"
#include "hive/terminal.h"
#include "net/https.h"
#include "net/proxy.h"

namespace forager::app {
namespace {

/// A destination's own credentials, whichever app's key its records came with.
exporter::Exporter::CredentialsOf always(destination::Credentials with) {
  return [with = std::move(with)](journal::GroupId) { return std::make_optional(with); };
}

/// The headers as they are set now, taken apart once.
struct HeadersOf {
  const Secret* list;
  Secret seen{};
  destination::Credentials made{};
  std::optional<destination::Credentials> operator()(journal::GroupId) {
    if (seen != *list) {
      seen = *list;
      auto headers = config::parse_headers(list->reveal());
      made.headers = headers
                         ? std::make_shared<const destination::SecretHeaders>(std::move(*headers))
                         : nullptr;
    }
    return made;
  }
};

}  // namespace

std::array<bool, signal_count> Vendors::routed_to(const std::string& name) const {
  std::array<bool, signal_count> routed{};
  for (const Signal signal : all_signals) {
    for (const std::string& to : loaded_.routes.of(signal))
      routed[static_cast<std::size_t>(signal)] |= to == name;
  }
  return routed;
}

/// The way to `url`, through the proxy where there is one.
Result<net::Origin> Vendors::reach(Carrier& carrier, const std::string& url, net::Tls& tls) {
  const config::Config& from = loaded_.config;
  auto origin = net::parse_origin(url);
  if (!origin) return origin.error();
  auto proxy = net::choose_proxy(*origin, from.https_proxy, from.no_proxy);
  if (!proxy) return proxy.error();
  carrier.url = url;
  carrier.where = url;
  if (*proxy) carrier.where += fmt::format(" through the proxy {}", (*proxy)->endpoint());
  net::HttpsSettings https;
  https.budget = &budget_;
  https.seed = std::random_device{}();
  net::Origin made = *origin;
  carrier.prefix = made.prefix;
  origin->prefix.clear();  // the destination puts it into what it signs
  carrier.transport = std::make_unique<net::HttpsTransport>(executor_, std::move(*origin),
                                                            std::move(*proxy), tls, https);
  return made;
}

void Vendors::make_hive(Carrier& carrier) {
  hive::HiveOptions options;
  const auto no_color = sources_.env("NO_COLOR");
  options.colour =
      hive::colour_wanted(::isatty(STDOUT_FILENO) == 1, no_color ? no_color->c_str() : nullptr);
  options.sink = [terminal = std::make_shared<hive::Terminal>(STDOUT_FILENO)](
                     std::string_view line) { return terminal->write_line(line); };
  carrier.destination = std::make_unique<destination::HiveDestination>(routed_to("hive"));
  auto hive = std::make_unique<hive::HiveTransport>(
      executor_, options, budget_.take_anyway(hive::HiveTransport::memory(options)));
  carrier.hive = hive.get();
  carrier.transport = std::move(hive);
  carrier.where = "shown here and at /hive/recent";
  carrier.credentials = always({});
}

Result<void> Vendors::make_honeycomb(Carrier& carrier) {
  const config::Config& from = loaded_.config;
  auto origin = reach(carrier, from.honeycomb_endpoint, tls_);
  if (!origin) return origin.error();
  carrier.destination = std::make_unique<destination::HoneycombDestination>(
      destination::HoneycombConfig{.host = origin->host,
                                   .path_prefix = origin->prefix,
                                   .dataset = from.honeycomb_dataset,
                                   .metrics_dataset = from.honeycomb_metrics_dataset,
                                   .batch_bytes = from.batch_bytes,
                                   .routed = routed_to("honeycomb")});
  carrier.credentials = honeycomb_key_;
  return {};
}

Result<void> Vendors::make_rollbar(Carrier& carrier) {
  const config::Config& from = loaded_.config;
  auto origin = reach(carrier, from.rollbar_endpoint, tls_);
  if (!origin) return origin.error();
  destination::RollbarConfig with;
  with.host = origin->host;
  with.path_prefix = origin->prefix;
  with.item.environment = from.rollbar_environment;
  with.item.code_version = from.rollbar_code_version;
  with.item.branch = from.rollbar_branch;
  with.item.root = from.rollbar_root;
  with.item.framework = from.rollbar_framework;
  with.read.error_logs = from.rollbar_error_logs;
  with.read.span_errors = from.rollbar_span_errors;
  with.rate.per_minute = from.rollbar_per_minute;
  with.rate.same_per_minute = from.rollbar_per_error;
  with.scrub.insert(with.scrub.end(), from.rollbar_scrub.begin(), from.rollbar_scrub.end());
  with.request_limit = from.request_limit;
  with.routed = routed_to("rollbar");
  carrier.destination = std::make_unique<destination::RollbarDestination>(std::move(with));
  carrier.credentials = [this](journal::GroupId) {
    destination::Credentials token;
    token.key = loaded_.config.rollbar_token;
    return std::make_optional(std::move(token));
  };
  return {};
}

Result<void> Vendors::make_otlp(Carrier& carrier) {
  const config::Config& from = loaded_.config;
  carrier.tls = std::make_unique<net::Tls>(
      executor_, pool_,
      net::TlsFiles{
          .ca = from.otlp_ca_file.empty() ? from.ca_file : from.otlp_ca_file,
          .ca_setting = from.otlp_ca_file.empty() ? "SSL_CERT_FILE" : "FORAGER_OTLP_CERTIFICATE",
          .certificate = from.otlp_certificate,
          .private_key = from.otlp_private_key});
  auto origin = reach(carrier, from.otlp_endpoint, *carrier.tls);
  if (!origin) return origin.error();
  destination::OtlpHttpConfig with;
  with.host = origin->host;
  with.path_prefix = origin->prefix;
  with.routed = routed_to("otlp");
  carrier.destination = std::make_unique<destination::OtlpHttpDestination>(std::move(with));
  carrier.credentials = HeadersOf{&loaded_.config.otlp_headers};
  return {};
}

Result<void> Vendors::make(const std::string& name, Carrier& carrier) {
  if (name == "honeycomb") return make_honeycomb(carrier);
  if (name == "xray" || name == "cloudwatch") return make_aws(name, carrier);
  if (name == "rollbar") return make_rollbar(carrier);
  if (name == "otlp") return make_otlp(carrier);
  make_hive(carrier);
  return {};
}

}  // namespace forager::app
