// Opens one connection to a destination: resolve, connect (address by address), CONNECT through a
// proxy, TLS. Every failure comes back in words with the fix.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/ip/tcp.hpp>
#include <boost/system/result.hpp>

#include "base/async.h"
#include "net/proxy.h"
#include "net/stream.h"
#include "net/tls.h"
#include "net/transport.h"
#include "net/url.h"

namespace forager::net {

using Opened = boost::system::result<std::shared_ptr<Stream>, TransportError>;

/// getaddrinfo can't be interrupted: a lookup goes on in the background while whoever asked may
/// give up, and later ones share it, so that a hanging name server costs one thread and no pile of
/// requests.
class Resolver {
 public:
  explicit Resolver(const asio::any_io_executor& executor)
      : executor_(executor), resolver_(executor) {}
  using Endpoints = std::vector<asio::ip::tcp::endpoint>;
  struct Found {
    boost::system::error_code ec;  ///< timed_out: not by `deadline`
    Endpoints endpoints;
  };
  /// Anew at each call, unless one is still under way. Addresses need no lookup.
  asio::awaitable<Found> resolve(const std::string& host, std::uint16_t port, Time deadline);
  /// Whoever waits gets operation_aborted.
  void stop();

 private:
  struct Lookup {
    explicit Lookup(const asio::any_io_executor& executor) : ended(executor) {}
    Event ended;
    std::optional<Found> found;
  };
  asio::any_io_executor executor_;
  asio::ip::tcp::resolver resolver_;
  std::shared_ptr<Lookup> under_way_;
  bool stopped_ = false;
};

/// io thread; outlives the connections it is opening.
class Connector {
 public:
  /// `connect_timeout` holds for one address and for the TLS handshake each, inside the deadline of
  /// the call.
  Connector(asio::any_io_executor executor, Origin origin, std::optional<Proxy> proxy, Tls& tls,
            Duration connect_timeout);

  asio::awaitable<Opened> open(Time deadline);
  const Origin& origin() const { return origin_; }
  /// TLS sessions go back to who we were then: the next connection begins a new one.
  void forget_session() { session_ = std::make_shared<TlsNotes::Session>(); }
  /// Aborts every connection it ever opened that still exists, and opens no more.
  void stop();
  bool stopped() const { return stopped_; }
  TransportError stopped_error() const;

 private:
  asio::awaitable<Opened> open_once(Time deadline, bool& unknown_issuer);
  asio::awaitable<Opened> connect(Time deadline);
  std::shared_ptr<Stream> make_stream();
  asio::awaitable<std::optional<TransportError>> tunnel(Stream& stream, Time deadline);
  asio::awaitable<std::optional<TransportError>> secure(Stream& stream, Time deadline,
                                                        bool& unknown_issuer);
  const std::string& peer_host() const { return proxy_ ? proxy_->host : origin_.host; }
  std::uint16_t peer_port() const { return proxy_ ? proxy_->port : origin_.port; }
  std::string peer() const;  ///< for messages

  asio::any_io_executor executor_;
  Origin origin_;
  std::optional<Proxy> proxy_;
  Tls& tls_;
  Duration connect_timeout_;
  Resolver resolver_;
  std::shared_ptr<TlsNotes::Session> session_ = std::make_shared<TlsNotes::Session>();
  std::vector<std::weak_ptr<Stream>> streams_;  ///< for stop()
  bool stopped_ = false;
  std::optional<bool> last_was_v6_;  ///< the family that worked is tried first
};

}  // namespace forager::net
