// Opens what a Listen setting names. Beside the server so that its Beast translation unit stays
// about HTTP.
#pragma once

#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include "base/result.h"
#include "config/config.h"

namespace forager::admin {

struct Bound {
  std::vector<boost::asio::ip::tcp::acceptor> tcp;
  std::vector<boost::asio::local::stream_protocol::acceptor> local;
  std::vector<std::string> addresses;  ///< as bound: "127.0.0.1:13133", "unix:/run/forager.sock"
  std::uint16_t port = 0;              ///< the same for all addresses; 0 for a unix socket
  bool loopback_only = true;
};

/// "localhost" is 127.0.0.1 and, where this machine has it, ::1, on the same port. A unix socket
/// that nobody listens on any more is replaced. The fault says which address and why.
Result<Bound> bind_listen(const boost::asio::any_io_executor& executor,
                          const config::Listen& listen);

}  // namespace forager::admin
