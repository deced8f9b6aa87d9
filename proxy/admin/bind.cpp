#include "admin/bind.h"

#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/ip/v6_only.hpp>
#include <fmt/format.h>

namespace forager::admin {

namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using local = asio::local::stream_protocol;
using boost::system::error_code;

constexpr int port_tries = 16;

std::string text_of(const tcp::endpoint& at) {
  const bool six = at.address().is_v6();
  return fmt::format("{}{}{}:{}", six ? "[" : "", at.address().to_string(), six ? "]" : "",
                     at.port());
}

error_code open_at(tcp::acceptor& acceptor, const tcp::endpoint& at) {
  error_code error;
  acceptor.open(at.protocol(), error);
  if (error) return error;
  acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error && at.address().is_v6()) acceptor.set_option(asio::ip::v6_only(true), error);
  if (!error) acceptor.bind(at, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  return error;
}

Fault cannot_bind(std::string_view at, const error_code& error) {
  const bool taken = error == asio::error::address_in_use;
  return fault(
      fmt::format("can't listen at {}: {}{}; FORAGER_ADMIN_LISTEN sets another address, or off", at,
                  error.message(), taken ? " (is another Forager running?)" : ""));
}

/// A machine without IPv6 says one of these; that is no fault.
bool no_such_family(const error_code& error) {
  return error == asio::error::address_family_not_supported ||
         error == boost::system::errc::address_not_available;
}

Result<std::vector<asio::ip::address>> addresses_of(const asio::any_io_executor& executor,
                                                    const std::string& host) {
  if (host == "localhost") {
    return std::vector<asio::ip::address>{asio::ip::address_v4::loopback(),
                                          asio::ip::address_v6::loopback()};
  }
  error_code error;
  const auto literal = asio::ip::make_address(host, error);
  if (!error) return std::vector{literal};
  tcp::resolver resolver(executor);
  const auto found = resolver.resolve(host, "", tcp::resolver::passive, error);
  if (error)
    return fault(fmt::format("the name {} in FORAGER_ADMIN_LISTEN has no address: {}", host,
                             error.message()));
  std::vector<asio::ip::address> all;
  for (const auto& one : found) all.push_back(one.endpoint().address());
  return all;
}

/// All addresses on one port. The first chooses it if it is 0; `again` is set when another address
/// had it already.
Result<Bound> bind_all(const asio::any_io_executor& executor, const config::Listen& listen,
                       const std::vector<asio::ip::address>& addresses, bool& again) {
  Bound bound;
  bound.port = listen.port;
  for (const auto& address : addresses) {
    const tcp::endpoint at(address, bound.port);
    tcp::acceptor acceptor(executor);
    const error_code error = open_at(acceptor, at);
    if (error && no_such_family(error) && !bound.tcp.empty()) continue;
    if (error) {
      again = listen.port == 0 && error == asio::error::address_in_use && !bound.tcp.empty();
      return cannot_bind(text_of(at), error);
    }
    const tcp::endpoint real = acceptor.local_endpoint();
    bound.port = real.port();
    bound.loopback_only = bound.loopback_only && real.address().is_loopback();
    bound.addresses.push_back(text_of(real));
    bound.tcp.push_back(std::move(acceptor));
  }
  return bound;
}

bool is_socket(const std::string& path) {
  struct stat found{};
  return lstat(path.c_str(), &found) == 0 && S_ISSOCK(found.st_mode);
}

Result<Bound> bind_unix(const asio::any_io_executor& executor, const std::string& path) {
  constexpr std::size_t path_max = 107;  // sun_path, unix(7)
  if (path.size() > path_max) {
    return fault(fmt::format("unix:{} is too long for a socket: at most {} bytes", path, path_max));
  }
  error_code error;
  local::socket probe(executor);
  probe.connect(local::endpoint(path), error);
  if (!error) return cannot_bind("unix:" + path, asio::error::address_in_use);
  if (error == asio::error::connection_refused && is_socket(path)) {
    unlink(path.c_str());  // its owner is gone
  }
  error = {};
  local::acceptor acceptor(executor);
  acceptor.open(local(), error);
  if (!error) acceptor.bind(local::endpoint(path), error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return cannot_bind("unix:" + path, error);
  Bound bound;
  bound.local.push_back(std::move(acceptor));
  bound.addresses.push_back("unix:" + path);
  return bound;
}

}  // namespace

Result<Bound> bind_listen(const asio::any_io_executor& executor, const config::Listen& listen) {
  if (!listen.unix_path.empty()) return bind_unix(executor, listen.unix_path);
  auto addresses = addresses_of(executor, listen.host);
  if (!addresses) return addresses.error();
  if (listen.all_interfaces) addresses->push_back(asio::ip::address_v6::any());
  for (int tries = 1;; ++tries) {
    bool again = false;
    auto bound = bind_all(executor, listen, *addresses, again);
    if (bound || !again || tries == port_tries) return bound;
  }
}

}  // namespace forager::admin
