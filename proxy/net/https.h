// Transport over the network: HTTP/1.1 with or without TLS to one origin, on kept-alive
// connections. Used by export, and by whoever asks a vendor's or AWS's endpoint something.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <vector>

#include "base/async.h"
#include "base/budget.h"
#include "net/connector.h"
#include "net/request_head.h"
#include "net/transport.h"

namespace forager::net {

struct HttpsSettings {
  Duration connect_timeout = std::chrono::seconds(10);  ///< each address, and the TLS handshake
  Duration idle_limit =
      std::chrono::seconds(50);  ///< below the 60 s after which load balancers close
  Duration age_limit = std::chrono::minutes(
      5);  ///< then another address may be better; each lives 80 to 100 % of it
  std::size_t response_limit = std::size_t{4}
                               << 20U;  ///< PROTOCOLS 1.3; what is longer is cut, the status counts
  Budget* budget = nullptr;             ///< charged for connections and answers, where given
  std::uint32_t seed = 1;               ///< spreads the ages
};

/// For the log, /status and metrics.
struct HttpsCounts {
  std::uint64_t connects = 0;  ///< connections opened
  std::uint64_t resumed = 0;   ///< of them by a TLS session
  std::uint64_t reused = 0;    ///< exchanges on a kept-alive connection
  std::uint64_t stale = 0;  ///< exchanges repeated because a kept-alive connection had been closed
  std::uint64_t sent_bytes = 0;  ///< header and body
};

/// io thread. Outlives its calls of `send`; `tls` outlives it.
class HttpsTransport final : public Transport {
 public:
  HttpsTransport(asio::any_io_executor executor, Origin origin, std::optional<Proxy> proxy,
                 Tls& tls, HttpsSettings settings = {});
  ~HttpsTransport() override;

  asio::awaitable<Answer> send(Request request, Duration timeout) override;
  void refresh() override;
  void begin_anew() override;
  void stop() override;
  const HttpsCounts& counts() const { return counts_; }
  std::size_t idle() const;  ///< connections kept alive and unused

 private:
  using Connection = std::shared_ptr<Stream>;
  struct Exchange;
  struct Pool;
  asio::awaitable<void> exchange(Exchange& with);
  asio::awaitable<Opened> open(Time deadline);
  Connection take_idle();
  void give_back(Connection stream, std::uint64_t generation);
  TransportError wire_error(const Exchange& with) const;

  asio::any_io_executor executor_;
  Connector connector_;
  HttpsSettings settings_;
  std::minstd_rand random_;
  std::shared_ptr<Pool> pool_;  ///< shared with its timer only
  HttpsCounts counts_;
};

}  // namespace forager::net
