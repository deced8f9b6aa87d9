// The seam to the network: one destination's origin behind one call. Two real implementations:
// HTTPS and the in-process hive.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/system/result.hpp>

#include "base/time.h"
#include "net/message.h"

namespace forager::net {

[[noreturn]] inline void throw_exception_from_error(const TransportError& error,
                                                    const boost::source_location& /*where*/) {
  throw std::runtime_error(error.what);
}

using Answer = boost::system::result<Response, TransportError>;

/// Lives on the io thread. `send` may be called again while earlier calls run; each takes a
/// connection of its own.
class Transport {
 public:
  Transport() = default;
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;
  virtual ~Transport() = default;
  /// One exchange, from connect to the last byte of the answer, within `timeout`.
  virtual boost::asio::awaitable<Answer> send(Request request, Duration timeout) = 0;
  /// Forget pooled connections (credentials or addresses changed); exchanges under way go on.
  virtual void refresh() {}
  /// The same, and nothing is resumed: certificates have changed.
  virtual void begin_anew() { refresh(); }
  /// End exchanges under way with Kind::stopped and refuse new ones: for the end of the process.
  virtual void stop() {}
};

}  // namespace forager::net
