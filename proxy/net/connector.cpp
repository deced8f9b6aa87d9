#include "net/connector.h"

#include <algorithm>
#include <array>

#include <boost/asio/ip/address.hpp>
#include <fmt/format.h>

#include "net/request_head.h"
#include "net/response_reader.h"

namespace forager::net {
namespace {

using Kind = TransportError::Kind;
using std::chrono::steady_clock;

template <class... Args>
TransportError error(Kind kind, fmt::format_string<Args...> format, Args&&... args) {
  return TransportError{kind, fmt::format(format, std::forward<Args>(args)...)};
}

TransportError resolve_error(const std::string& host, const boost::system::error_code& ec) {
  if (ec == asio::error::timed_out) {
    return error(Kind::timeout,
                 "timed out while resolving {}: the name server does not answer; check DNS", host);
  }
  return error(Kind::resolve, "cannot resolve {}: {}; check the name and DNS", host, ec.message());
}

/// The family that worked last comes first; within a family the order stays getaddrinfo's.
Resolver::Endpoints in_family_order(Resolver::Endpoints from, std::optional<bool> v6_first) {
  if (!v6_first) return from;
  Resolver::Endpoints made;
  for (const bool first : {true, false}) {
    for (const auto& e : from) {
      if ((e.address().is_v6() == *v6_first) == first) made.push_back(e);
    }
  }
  return made;
}

}  // namespace

asio::awaitable<Resolver::Found> Resolver::resolve(const std::string& host, std::uint16_t port,
                                                   Time deadline) {
  boost::system::error_code not_an_address;
  const auto address = asio::ip::make_address(host, not_an_address);
  if (!not_an_address) {
    Found literal;
    literal.endpoints.emplace_back(address, port);
    co_return literal;
  }
  if (under_way_ == nullptr) {
    under_way_ = std::make_shared<Lookup>(executor_);
    resolver_.async_resolve(
        host, std::to_string(port), asio::ip::resolver_base::numeric_service,
        [lookup = under_way_](const boost::system::error_code& ec,
                              const asio::ip::tcp::resolver::results_type& results) {
          lookup->found.emplace();
          lookup->found->ec = ec;
          for (const auto& entry : results) lookup->found->endpoints.push_back(entry.endpoint());
          lookup->ended.notify_all();
        });
  }
  const auto lookup = under_way_;
  while (!lookup->found && !stopped_ && steady_clock::now() < deadline) {
    co_await lookup->ended.wait_until(deadline);
  }
  if (lookup->found && under_way_ == lookup) under_way_ = nullptr;
  if (lookup->found) co_return *lookup->found;
  Found late;
  late.ec = stopped_ ? asio::error::operation_aborted : asio::error::timed_out;
  co_return late;
}

void Resolver::stop() {
  stopped_ = true;
  if (under_way_ != nullptr) under_way_->ended.notify_all();
}

Connector::Connector(asio::any_io_executor executor, Origin origin, std::optional<Proxy> proxy,
                     Tls& tls, Duration connect_timeout)
    : executor_(executor),
      origin_(std::move(origin)),
      proxy_(std::move(proxy)),
      tls_(tls),
      connect_timeout_(connect_timeout),
      resolver_(executor) {}

std::string Connector::peer() const {
  if (!proxy_) return origin_.endpoint();
  return fmt::format("the proxy {} (HTTPS_PROXY)", proxy_->endpoint());
}

void Connector::stop() {
  stopped_ = true;
  resolver_.stop();
  for (const auto& weak : streams_) {
    if (const auto stream = weak.lock()) stream->abort();
  }
}

TransportError Connector::stopped_error() const {
  return error(Kind::stopped, "{}: ended because Forager stops", origin_.endpoint());
}

std::shared_ptr<Stream> Connector::make_stream() {
  std::erase_if(streams_, [](const auto& weak) { return weak.expired(); });
  auto stream = std::make_shared<Stream>(executor_);
  streams_.push_back(stream);
  return stream;
}

asio::awaitable<Opened> Connector::open(Time deadline) {
  bool unknown_issuer = false;
  if (stopped_) co_return stopped_error();
  Opened opened = co_await open_once(deadline, unknown_issuer);
  if (stopped_) co_return stopped_error();
  if (opened || !unknown_issuer) co_return opened;
  const bool widened = co_await tls_.widen();
  if (!widened) co_return opened;
  co_return co_await open_once(deadline, unknown_issuer);
}

asio::awaitable<Opened> Connector::open_once(Time deadline, bool& unknown_issuer) {
  Opened opened = co_await connect(deadline);
  if (!opened) co_return opened;
  Stream& stream = **opened;
  if (proxy_) {
    auto failed = co_await tunnel(stream, deadline);
    if (failed) co_return *failed;
  }
  if (origin_.tls) {
    auto failed = co_await secure(stream, deadline, unknown_issuer);
    if (failed) co_return *failed;
  }
  stream.disarm();
  co_return opened;
}

asio::awaitable<Opened> Connector::connect(Time deadline) {
  auto found = co_await resolver_.resolve(peer_host(), peer_port(), deadline);
  if (found.ec) co_return resolve_error(peer_host(), found.ec);
  const Resolver::Endpoints endpoints = in_family_order(std::move(found.endpoints), last_was_v6_);
  boost::system::error_code last = asio::error::host_not_found;
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    const Time now = steady_clock::now();
    if (stopped_ || now >= deadline) break;
    const auto share = (deadline - now) / static_cast<long>(endpoints.size() - i);
    auto stream = make_stream();
    stream->arm(now + std::min(connect_timeout_, share));
    last = co_await stream->connect(endpoints[i]);
    if (last) continue;
    last_was_v6_ = endpoints[i].address().is_v6();
    co_return stream;
  }
  const Kind kind = last == asio::error::timed_out ? Kind::timeout
                    : proxy_                       ? Kind::proxy
                                                   : Kind::connect;
  co_return error(kind,
                  "cannot connect to {}: {} ({} address{} tried); check the endpoint, firewall and "
                  "proxy settings",
                  peer(), last.message(), endpoints.size(), endpoints.size() == 1 ? "" : "es");
}

asio::awaitable<std::optional<TransportError>> Connector::tunnel(Stream& stream, Time deadline) {
  stream.arm(std::min(deadline, steady_clock::now() + connect_timeout_));
  const RequestHead head = connect_head(origin_, *proxy_);
  const std::array pieces{head.view()};
  const auto sent = co_await stream.write_all(pieces);
  boost::system::error_code ec = sent.ec;
  ResponseReader reader(ResponseReader::Kind::connect, 0);
  std::array<char, 4096> bytes;  // NOLINT: filled before it is read
  while (!ec && !reader.done()) {
    const auto got = co_await stream.read_some(bytes);
    ec = got.ec;
    auto bad = reader.feed(std::string_view(bytes.data(), got.bytes));
    if (bad)
      co_return error(Kind::proxy, "{} does not speak HTTP: {}; check HTTPS_PROXY", peer(),
                      bad->what);
    if (reader.started() && reader.done()) break;
  }
  if (ec == asio::error::timed_out) {
    co_return error(Kind::timeout, "timed out while {} opened a way to {}", peer(),
                    origin_.endpoint());
  }
  if (ec)
    co_return error(Kind::proxy, "{} closed the connection before it opened a way to {}: {}",
                    peer(), origin_.endpoint(), ec.message());
  const int status = reader.take().status;
  if (status >= 200 && status < 300) co_return std::nullopt;
  if (status == 407)
    co_return error(
        Kind::proxy,
        "{} wants credentials (407): write http://user:password@host:port in HTTPS_PROXY", peer());
  co_return error(Kind::proxy,
                  "{} refused to connect to {} (status {}): allow it there, or add {} to NO_PROXY",
                  peer(), origin_.endpoint(), status, origin_.host);
}

asio::awaitable<std::optional<TransportError>> Connector::secure(Stream& stream, Time deadline,
                                                                 bool& unknown_issuer) {
  auto context = co_await tls_.ready();
  if (!context) co_return error(Kind::tls, "{}", context.error().what);
  stream.arm(std::min(deadline, steady_clock::now() + connect_timeout_));
  const auto outcome = co_await stream.handshake(*context, origin_.host, session_);
  unknown_issuer = outcome.unknown_issuer;
  if (!outcome.what.empty())
    co_return error(Kind::tls, "TLS with {} failed: {}", origin_.endpoint(), outcome.what);
  if (!outcome.ec) co_return std::nullopt;
  if (outcome.ec == asio::error::timed_out)
    co_return error(Kind::timeout, "timed out in the TLS handshake with {}", origin_.endpoint());
  co_return error(Kind::reset, "{} closed the connection in the TLS handshake: {}",
                  origin_.endpoint(), outcome.ec.message());
}

}  // namespace forager::net
