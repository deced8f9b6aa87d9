// Opens the X-Ray daemon's port: UDP for segments and TCP for sampling, on the same number, as the
// SDKs expect it.
#pragma once

#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>

#include "base/result.h"
#include "config/config.h"

namespace forager::receive {

struct XrayPort {
  boost::asio::ip::udp::socket udp;
  boost::asio::ip::tcp::acceptor tcp;
  std::string name;              ///< "127.0.0.1:2000"
  std::size_t buffer_bytes = 0;  ///< what the kernel gave of what was asked for
};

/// One for each address of `listen`; "localhost" is 127.0.0.1 and, where this machine has it, ::1.
/// The fault names the address, why, and the fix; then nothing stays bound.
Result<std::vector<XrayPort>> bind_xray(const boost::asio::any_io_executor& io,
                                        const config::Listen& listen);

/// Datagrams that the kernel dropped since the socket was opened, because its buffer was full.
std::uint64_t kernel_drops(boost::asio::ip::udp::socket& socket);

}  // namespace forager::receive
