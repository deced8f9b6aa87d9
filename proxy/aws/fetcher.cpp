#include "aws/fetcher.h"

#include <fmt/format.h>

#include "net/proxy.h"

namespace forager::aws {
namespace {

/// Kept for the next step of the same fetch, not for the next hour.
constexpr Duration idle_limit = std::chrono::seconds(2);
constexpr std::size_t answer_limit = std::size_t{1} << 20U;

}  // namespace

Fetcher::Fetcher(asio::any_io_executor executor, net::Tls& tls, FetchSettings settings)
    : executor_(executor), tls_(tls), settings_(std::move(settings)), stopped_event_(executor) {}

Result<net::HttpsTransport*> Fetcher::transport_to(const std::string& base) {
  const auto known = transports_.find(base);
  if (known != transports_.end()) return known->second.get();
  auto origin = net::parse_origin(base);
  if (!origin) return origin.error();
  auto proxy = net::choose_proxy(*origin, settings_.https_proxy, settings_.no_proxy);
  if (!proxy) return proxy.error();
  net::HttpsSettings https;
  https.idle_limit = idle_limit;
  https.response_limit = answer_limit;
  https.budget = settings_.budget;
  auto made = std::make_unique<net::HttpsTransport>(executor_, std::move(*origin),
                                                    std::move(*proxy), tls_, https);
  return transports_.emplace(base, std::move(made)).first->second.get();
}

asio::awaitable<net::Answer> Fetcher::send(std::string base, net::Request request,
                                           Duration timeout) {
  using Kind = net::TransportError::Kind;
  if (stopped_)
    co_return net::TransportError{Kind::stopped, base + ": ended because Forager stops"};
  const auto transport = transport_to(base);
  if (!transport) co_return net::TransportError{Kind::protocol, transport.error().what};
  co_return co_await (*transport)->send(std::move(request), timeout);
}

asio::awaitable<bool> Fetcher::pause(Duration time) {
  const Time end = std::chrono::steady_clock::now() + time;
  while (!stopped_ && std::chrono::steady_clock::now() < end) {
    co_await stopped_event_.wait_until(end);
  }
  co_return !stopped_;
}

void Fetcher::stop() {
  stopped_ = true;
  for (const auto& [base, transport] : transports_) transport->stop();
  stopped_event_.notify_all();
}

}  // namespace forager::aws
