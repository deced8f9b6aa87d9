#include "doctor/way.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "doctor/certificate.h"
#include "doctor/trial.h"
#include "net/connector.h"

namespace forager::doctor {
namespace {

using std::chrono::steady_clock;
using Kind = net::TransportError::Kind;
using Endpoint = asio::ip::tcp::endpoint;

constexpr std::size_t addresses_shown = 4;

Finding finding(const Way& way, Level level, std::string what, std::string fix = {}) {
  return {level, way.named, std::move(what), std::move(fix), Area::network};
}

const std::string& next_host(const Way& way) {
  return way.proxy ? way.proxy->host : way.origin.host;
}
std::uint16_t next_port(const Way& way) { return way.proxy ? way.proxy->port : way.origin.port; }
std::string_view next_setting(const Way& way) {
  return way.proxy ? std::string_view("HTTPS_PROXY") : std::string_view(way.setting);
}

double ms_since(Time from) {
  return std::chrono::duration<double, std::milli>(steady_clock::now() - from).count();
}

std::string listed(const net::Resolver::Endpoints& endpoints) {
  std::vector<std::string> shown;
  for (const Endpoint& one : endpoints) {
    std::string text = one.address().to_string();
    if (std::ranges::find(shown, text) == shown.end()) shown.push_back(std::move(text));
  }
  const std::size_t all = shown.size();
  shown.resize(std::min(all, addresses_shown));
  const std::string more =
      all > shown.size() ? fmt::format(" and {} more", all - shown.size()) : std::string();
  return fmt::format("{}{}", fmt::join(shown, ", "), more);
}

bool is_literal(const std::string& host) {
  boost::system::error_code not_an_address;
  asio::ip::make_address(host, not_an_address);
  return !not_an_address;
}

/// Empty: failed, and said so.
asio::awaitable<net::Resolver::Endpoints> look_up(asio::any_io_executor executor, const Way& way,
                                                  Duration patience, std::vector<Finding>& to) {
  // on the heap: a look-up that hangs goes on after us
  const auto resolver = std::make_shared<net::Resolver>(executor);
  const Time begun = steady_clock::now();
  auto found = co_await resolver->resolve(next_host(way), next_port(way), begun + patience);
  if (found.ec || found.endpoints.empty()) {
    to.push_back(judge_name_failure(way, next_host(way), found.ec.message(),
                                    found.ec == asio::error::timed_out));
    co_return net::Resolver::Endpoints();
  }
  if (!is_literal(next_host(way))) {
    to.push_back(finding(way, Level::ok,
                         fmt::format("DNS: {} is {} ({:.0f} ms)", next_host(way),
                                     listed(found.endpoints), ms_since(begun))));
  }
  co_return found.endpoints;
}

/// Each address for itself: one of two families that fails slows every connection.
asio::awaitable<bool> connect(asio::any_io_executor executor, const Way& way,
                              net::Resolver::Endpoints endpoints, Duration patience,
                              std::vector<Finding>& to) {
  const std::string whom = way.proxy ? "the proxy " + way.proxy->endpoint() : way.origin.endpoint();
  std::vector<std::string> failed;
  std::string first;
  const std::size_t tried = std::min(endpoints.size(), addresses_shown);
  for (std::size_t i = 0; i < tried; ++i) {
    const auto stream = std::make_shared<net::Stream>(executor);
    const Time begun = steady_clock::now();
    stream->arm(begun + patience / static_cast<long>(tried));
    const auto ec = co_await stream->connect(endpoints[i]);
    stream->disarm();
    stream->abort();
    const std::string at = endpoints[i].address().to_string();
    if (ec) {
      failed.push_back(fmt::format("{}: {}", at, ec.message()));
    } else if (first.empty()) {
      first = fmt::format("TCP: {} answers at {} ({:.0f} ms)", whom, at, ms_since(begun));
    }
  }
  if (first.empty()) {
    to.push_back(finding(
        way, Level::failure,
        fmt::format("TCP: {} does not answer ({})", whom, fmt::join(failed, "; ")),
        way.proxy ? "correct HTTPS_PROXY, or see that the proxy runs"
                  : fmt::format(
                        "check the endpoint ({}), allow outgoing connections to port {} (firewall, "
                        "security group, NetworkPolicy), or set HTTPS_PROXY if there is a proxy",
                        way.setting, way.origin.port)));
    co_return false;
  }
  if (failed.empty()) {
    to.push_back(finding(way, Level::ok, first));
  } else {
    to.push_back(finding(way, Level::warning,
                         fmt::format("{}, but {}", first, fmt::join(failed, "; ")),
                         "nothing, if that address isn't meant to work here: Forager takes the "
                         "other"));
  }
  co_return true;
}

/// What is left: CONNECT and TLS, as one.
asio::awaitable<bool> open(asio::any_io_executor executor, const Way& way, net::Tls& tls,
                           Duration patience, std::vector<Finding>& to) {
  const auto connector =
      std::make_shared<net::Connector>(executor, way.origin, way.proxy, tls, patience);
  const Time deadline = steady_clock::now() + patience;
  auto opened = co_await connector->open(deadline);
  if (!opened) {
    const net::TransportError& error = opened.error();
    to.push_back(judge_opening(way, error));
    co_return false;
  }
  if (way.proxy) {
    to.push_back(finding(
        way, Level::ok,
        fmt::format("proxy: {} opened a way to {}", way.proxy->endpoint(), way.origin.endpoint())));
  }
  if (const auto shown = certificate_of((*opened)->tls())) {
    Finding found =
        judge_certificate(way.named, way.origin.host, *shown, std::chrono::system_clock::now());
    found.what = "TLS: " + found.what;
    to.push_back(std::move(found));
  }
  (*opened)->close();
  co_return true;
}

}  // namespace

Result<Way> way_to(std::string_view named, std::string_view url, std::string_view https_proxy,
                   std::string_view no_proxy) {
  auto origin = net::parse_origin(url);
  if (!origin) return origin.error();
  auto proxy = net::choose_proxy(*origin, https_proxy, no_proxy);
  if (!proxy) return proxy.error();
  struct Settings {
    std::string_view named;
    std::string_view endpoint;
  };
  constexpr std::array<Settings, 5> settings{{
      {"honeycomb", "HONEYCOMB_API_ENDPOINT"},
      {"rollbar", "FORAGER_ROLLBAR_ENDPOINT"},
      {"otlp", "FORAGER_OTLP_ENDPOINT"},
      {"xray", "AWS_REGION or FORAGER_XRAY_ENDPOINT"},
      {"cloudwatch", "AWS_REGION or FORAGER_CLOUDWATCH_ENDPOINT"},
  }};
  const auto at = std::ranges::find(settings, named, &Settings::named);
  return Way{std::string(named), std::move(*origin), std::move(*proxy),
             std::string(at == settings.end() ? "the endpoint" : at->endpoint),
             named == "otlp" ? "FORAGER_OTLP_CERTIFICATE" : "SSL_CERT_FILE"};
}

asio::awaitable<Walked> walk(asio::any_io_executor executor, Way way, net::Tls& tls,
                             Duration patience) {
  Walked made;
  auto endpoints = co_await look_up(executor, way, patience, made.findings);
  if (endpoints.empty()) co_return made;
  const bool connected =
      co_await connect(executor, way, std::move(endpoints), patience, made.findings);
  if (!connected) co_return made;
  if (!way.origin.tls) {
    made.findings.push_back(judge_plain(way));
    made.arrived = true;
    co_return made;
  }
  made.arrived = co_await open(executor, way, tls, patience, made.findings);
  co_return made;
}

Finding judge_name_failure(const Way& way, std::string_view host, std::string_view error,
                           bool late) {
  if (late) {
    return finding(way, Level::failure,
                   fmt::format("DNS: the name server did not answer when asked for {}", host),
                   "look at /etc/resolv.conf, and allow UDP and TCP port 53 to the name server");
  }
  return finding(way, Level::failure, fmt::format("DNS: {} has no address: {}", host, error),
                 fmt::format("correct the name in {}; if it is right, this machine's name server "
                             "(/etc/resolv.conf) doesn't know it",
                             next_setting(way)));
}

Finding judge_opening(const Way& way, const net::TransportError& error) {
  if (error.kind == Kind::tls || error.what.find("TLS handshake") != std::string::npos)
    return judge_tls_failure(way.named, error.what, way.ca_setting);
  Finding found = unreachable(way.named, error);
  if (way.proxy) found.what = "proxy: " + found.what;
  return found;
}

Finding judge_plain(const Way& way) {
  // as net/proxy does, by which loopback never leaves the machine
  if (net::bypasses_proxy({}, way.origin.host, way.origin.port)) {
    return finding(way, Level::ok, "TLS: none, and none is needed on this machine");
  }
  return finding(way, Level::warning, "TLS: none, so keys and telemetry can be read on the way",
                 fmt::format("write https:// in {}, if there is such a door", way.setting));
}

}  // namespace forager::doctor
