// Receives OTLP/HTTP (PROTOCOLS 1.1 to 1.4) on TCP and unix sockets: one coroutine a connection, a
// body read once into a buffer of its size and handed to admit::Door. What is answered to what is
// in http_rules; the connection's life is in http_session.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "admit/door.h"
#include "base/result.h"
#include "base/time.h"
#include "config/config.h"

namespace forager::receive {

struct HttpSettings {
  std::vector<config::Listen> listen;  ///< those that are `off` are left out
  std::uint32_t connections = 1024;    ///< open at once; more are answered 503 and closed
  std::chrono::milliseconds header_timeout{10'000};
  std::chrono::milliseconds body_timeout{30'000};
  std::chrono::milliseconds idle_timeout{120'000};
  std::vector<std::string> cors_origins;  ///< "*" stands for all; empty: CORS off
};

/// Since the start; for metrics. What is refused for an app's telemetry is in the ledger too.
struct HttpCounters {
  std::uint64_t connections = 0;
  std::uint64_t connections_refused = 0;  ///< over the cap, or no memory for one
  std::uint64_t accept_errors = 0;        ///< the system had no socket to give (file descriptors)
  std::uint64_t requests = 0;             ///< with a whole header
  std::map<int, std::uint64_t> answers;   ///< by status; also those to bad headers
  std::uint64_t bad_headers = 0;          ///< not HTTP/1.1, or too large
  std::uint64_t timeouts = 0;             ///< of a header or a body
  std::uint64_t aborted_uploads = 0;      ///< the body ended before its announced end
};

struct HttpPort;
struct HttpListener;

/// Lives on the io thread. The door and its budget outlive every session: run the executor until
/// `drained`, or until it is gone.
class HttpReceiver {
 public:
  /// Binds and accepts at once. The fault names the address, why, and the fix; then nothing stays
  /// bound.
  static Result<std::unique_ptr<HttpReceiver>> start(HttpSettings settings,
                                                     boost::asio::any_io_executor io,
                                                     admit::Door& door);
  HttpReceiver(const HttpReceiver&) = delete;
  HttpReceiver& operator=(const HttpReceiver&) = delete;
  ~HttpReceiver();

  /// "127.0.0.1:4318", "[::1]:4318", "unix:/path": what really listens.
  std::vector<std::string> bound() const;
  /// The TCP ports among them, in the same order.
  std::vector<std::uint16_t> bound_ports() const;
  /// From now on every answer closes its connection; requests and connections are still taken
  /// (DESIGN, invariant 12).
  void begin_drain();
  std::size_t open_requests() const;
  /// When the last header was complete; the clock's epoch before the first.
  Time last_request_began() const;
  std::size_t open_connections() const;
  const HttpCounters& counters() const;
  /// Ends listeners and connections; a request that is with the door is still answered. Idempotent.
  void close();
  /// After `close`: returns when the last connection is gone, or at `deadline`.
  boost::asio::awaitable<void> drained(Time deadline);

 private:
  explicit HttpReceiver(std::shared_ptr<HttpPort> port);
  Result<void> listen(const config::Listen& at);

  std::shared_ptr<HttpPort> port_;
  std::vector<std::shared_ptr<HttpListener>> listeners_;
};

}  // namespace forager::receive
