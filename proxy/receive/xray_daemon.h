// Stands in for the X-Ray daemon, for apps that use the AWS X-Ray SDKs (PROTOCOLS 3.4): segments
// come in by UDP and go through the door like all else, sampling rules are asked for by TCP. UDP
// has no answer: what the door doesn't take is counted as refused there, and that is all.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "admit/door.h"
#include "base/result.h"
#include "base/time.h"
#include "config/config.h"
#include "receive/xray_batch.h"
#include "receive/xray_proxy.h"

namespace forager::receive {

struct XrayDaemonSettings {
  config::Listen listen;
  bool segments_as_spans = false;  ///< make spans of them too, for all destinations but X-Ray
  XrayProxyOptions proxy{};
};

/// Lives on the io thread. The door and its budget outlive it until `drained`.
class XrayDaemon {
 public:
  /// Binds UDP and TCP and serves at once. The fault names the address, why, and the fix.
  static Result<std::unique_ptr<XrayDaemon>> start(XrayDaemonSettings settings,
                                                   asio::any_io_executor io, admit::Door& door,
                                                   XrayForward forward);
  XrayDaemon(const XrayDaemon&) = delete;
  XrayDaemon& operator=(const XrayDaemon&) = delete;
  ~XrayDaemon();

  /// "127.0.0.1:2000", each for UDP and TCP.
  std::vector<std::string> bound() const;
  /// Bytes the kernel gives each socket; small ones lose datagrams of a busy app.
  std::size_t buffer_bytes() const;
  const XrayCounters& counters() const;
  /// Datagrams that came while the socket's buffer was full.
  std::uint64_t kernel_drops() const;
  std::size_t open_connections() const;
  /// Records that are with the door.
  std::size_t open_requests() const;
  /// When the last datagram came; the clock's epoch before the first.
  Time last_request_began() const;
  /// Takes what still waits in the sockets, then closes them. Idempotent.
  void close();
  /// After `close`: returns when the door has answered for the last record, or at `deadline`.
  asio::awaitable<void> drained(Time deadline);

 private:
  struct State;
  explicit XrayDaemon(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
};

}  // namespace forager::receive
