#include "receive/xray_bind.h"

#include <array>
#include <cerrno>
#include <linux/sock_diag.h>
#include <sys/socket.h>

#include <boost/asio/ip/v6_only.hpp>
#include <fmt/format.h>

namespace forager::receive {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using asio::ip::udp;
using boost::system::error_code;

/// A second of a busy app; the kernel gives net.core.rmem_max of it, or all to who may ask for it.
constexpr int buffer_wanted = 8 << 20;
/// With port 0 the number that UDP got may be taken for TCP.
constexpr int port_tries = 16;

std::string text_of(const udp::endpoint& at) {
  const std::string address = at.address().to_string();
  return at.address().is_v6() ? fmt::format("[{}]:{}", address, at.port())
                              : fmt::format("{}:{}", address, at.port());
}

Fault bind_fault(std::string_view protocol, std::string_view where, const error_code& ec) {
  std::string_view fix = "check FORAGER_XRAY_DAEMON_LISTEN";
  if (ec == asio::error::address_in_use) {
    fix =
        "another process has it (the X-Ray daemon itself, or another Forager?): stop that one, or "
        "set FORAGER_XRAY_DAEMON_LISTEN, and AWS_XRAY_DAEMON_ADDRESS of the app with it";
  } else if (ec.value() == EADDRNOTAVAIL) {
    fix = "this machine has no such address: set FORAGER_XRAY_DAEMON_LISTEN to one it has";
  }
  return fault(fmt::format("the X-Ray daemon's port can't be opened at {} ({}): {}; {}", where,
                           protocol, ec.message(), fix));
}

error_code open_udp(udp::socket& socket, const udp::endpoint& at) {
  error_code ec;
  socket.open(at.protocol(), ec);
  if (!ec && at.address().is_v6()) socket.set_option(asio::ip::v6_only(true), ec);
  if (!ec) {
    // by force past the system's limit, which root in its own network may
    if (::setsockopt(socket.native_handle(), SOL_SOCKET, SO_RCVBUFFORCE, &buffer_wanted,
                     sizeof buffer_wanted) != 0)
      ::setsockopt(socket.native_handle(), SOL_SOCKET, SO_RCVBUF, &buffer_wanted,
                   sizeof buffer_wanted);
    socket.bind(at, ec);
  }
  if (!ec) socket.non_blocking(true, ec);
  return ec;
}

error_code open_tcp(tcp::acceptor& acceptor, const tcp::endpoint& at) {
  error_code ec;
  acceptor.open(at.protocol(), ec);
  if (!ec) acceptor.set_option(tcp::acceptor::reuse_address(true), ec);
  if (!ec && at.address().is_v6()) acceptor.set_option(asio::ip::v6_only(true), ec);
  if (!ec) acceptor.bind(at, ec);
  if (!ec) acceptor.listen(asio::socket_base::max_listen_connections, ec);
  return ec;
}

Result<std::vector<asio::ip::address>> addresses_of(const asio::any_io_executor& io,
                                                    const config::Listen& listen) {
  using Addresses = std::vector<asio::ip::address>;
  if (!listen.unix_path.empty())
    return fault(
        "the X-Ray daemon's port is UDP and TCP, not a unix socket: set FORAGER_XRAY_DAEMON_LISTEN "
        "to an address, such as 127.0.0.1:2000");
  if (listen.host == "localhost")
    return Addresses{asio::ip::address_v4::loopback(), asio::ip::address_v6::loopback()};
  error_code ec;
  const std::string& host = listen.host;
  const auto literal = asio::ip::make_address(
      host.starts_with('[') && host.ends_with(']') ? host.substr(1, host.size() - 2) : host, ec);
  Addresses all{literal};
  if (ec) {
    udp::resolver resolver(io);
    const auto found = resolver.resolve(host, "", udp::resolver::passive, ec);
    if (ec)
      return fault(fmt::format("the name {} in FORAGER_XRAY_DAEMON_LISTEN has no address: {}", host,
                               ec.message()));
    all.clear();
    for (const auto& one : found) all.push_back(one.endpoint().address());
  }
  if (listen.all_interfaces) all.push_back(asio::ip::address_v6::any());
  return all;
}

std::size_t buffer_of(udp::socket& socket) {
  error_code ignored;
  asio::socket_base::receive_buffer_size size;
  socket.get_option(size, ignored);
  return static_cast<std::size_t>(std::max(0, size.value()));
}

/// Both on one number. `again`: TCP hasn't got the number that the system chose for UDP.
Result<XrayPort> open_at(const asio::any_io_executor& io, const asio::ip::address& address,
                         std::uint16_t number, error_code& why, bool& again) {
  XrayPort made{udp::socket(io), tcp::acceptor(io), {}};
  why = open_udp(made.udp, udp::endpoint(address, number));
  if (why) return bind_fault("UDP", text_of(udp::endpoint(address, number)), why);
  const udp::endpoint real = made.udp.local_endpoint();
  why = open_tcp(made.tcp, tcp::endpoint(address, real.port()));
  again = why == asio::error::address_in_use && number == 0;
  if (why) return bind_fault("TCP", text_of(real), why);
  made.name = text_of(real);
  made.buffer_bytes = buffer_of(made.udp);
  return made;
}

}  // namespace

Result<std::vector<XrayPort>> bind_xray(const asio::any_io_executor& io,
                                        const config::Listen& listen) {
  const auto addresses = addresses_of(io, listen);
  if (!addresses) return addresses.error();
  std::vector<XrayPort> ports;
  std::uint16_t number = listen.port;
  int tries = 0;
  for (std::size_t i = 0; i < addresses->size();) {
    error_code why;
    bool again = false;
    auto opened = open_at(io, (*addresses)[i], number, why, again);
    if (opened) {
      number = opened->udp.local_endpoint().port();
      ports.push_back(std::move(*opened));
    } else if (again && ++tries < port_tries) {
      continue;
    } else if (const bool spare =
                   !ports.empty() && (why.value() == EADDRNOTAVAIL || why.value() == EAFNOSUPPORT ||
                                      listen.port == 0);
               !spare) {
      return opened.error();  // a second address may be missing: a container without IPv6
    }
    ++i;
  }
  return ports;
}

std::uint64_t kernel_drops(udp::socket& socket) {
  // as SO_RXQ_OVFL tells with the next datagram, but also when no other comes
  std::array<std::uint32_t, SK_MEMINFO_VARS> memory{};
  socklen_t size = sizeof memory;
  if (!socket.is_open() ||
      ::getsockopt(socket.native_handle(), SOL_SOCKET, SO_MEMINFO, memory.data(), &size) != 0)
    return 0;
  return memory[SK_MEMINFO_DROPS];
}

}  // namespace forager::receive
