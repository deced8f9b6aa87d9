#include "receive/http.h"

#include <cerrno>
#include <cstring>
#include <filesystem>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "base/async.h"
#include "receive/http_session.h"

namespace forager::receive {

using Acceptor = asio::basic_socket_acceptor<asio::generic::stream_protocol>;

struct HttpListener {
  explicit HttpListener(const asio::any_io_executor& io) : acceptor(io) {}
  Acceptor acceptor;
  std::string name;
  std::uint16_t tcp_port = 0;
  std::string unix_path;
};

namespace {

using asio::generic::stream_protocol;
using asio::ip::tcp;
using boost::system::error_code;

constexpr int backlog = 1024;

std::string text_of(const tcp::endpoint& at) {
  const std::string address = at.address().to_string();
  return at.address().is_v6() ? fmt::format("[{}]:{}", address, at.port())
                              : fmt::format("{}:{}", address, at.port());
}

Fault bind_fault(std::string_view where, const error_code& ec) {
  std::string_view fix = "check FORAGER_OTLP_HTTP_LISTEN";
  if (ec == asio::error::address_in_use) {
    fix =
        "another process has it (another Forager or Collector?): stop that one, or set "
        "FORAGER_OTLP_HTTP_LISTEN";
  } else if (ec == asio::error::access_denied) {
    fix =
        "ports below 1024 and foreign directories need privileges: set FORAGER_OTLP_HTTP_LISTEN to "
        "another place";
  } else if (ec.value() == EADDRNOTAVAIL) {
    fix =
        "this machine has no such address: set FORAGER_OTLP_HTTP_LISTEN to one it has, or to "
        "localhost";
  }
  return fault(fmt::format("OTLP/HTTP can't listen on {}: {}; {}", where, ec.message(), fix));
}

/// Opens, binds and listens. SO_REUSEADDR for a quick restart, never SO_REUSEPORT: a second Forager
/// on the port must fail loudly.
error_code open_at(Acceptor& acceptor, const stream_protocol::endpoint& at, bool v6) {
  error_code ec;
  acceptor.open(at.protocol(), ec);
  if (!ec && at.protocol().family() != AF_UNIX)
    acceptor.set_option(Acceptor::reuse_address(true), ec);
  if (!ec && v6) acceptor.set_option(asio::ip::v6_only(true), ec);
  if (!ec) acceptor.bind(at, ec);
  if (!ec) acceptor.listen(backlog, ec);
  if (!ec) acceptor.non_blocking(true, ec);
  if (ec) {
    error_code ignored;
    acceptor.close(ignored);
  }
  return ec;
}

/// The addresses of a host name, "localhost" without asking anybody.
Result<std::vector<asio::ip::address>> addresses_of(const std::string& host,
                                                    const asio::any_io_executor& io) {
  if (host == "localhost") {
    return std::vector<asio::ip::address>{asio::ip::address_v4::loopback(),
                                          asio::ip::address_v6::loopback()};
  }
  error_code ec;
  const std::string bare =
      host.starts_with('[') && host.ends_with(']') ? host.substr(1, host.size() - 2) : host;
  const asio::ip::address literal = asio::ip::make_address(bare, ec);
  if (!ec) return std::vector<asio::ip::address>{literal};
  tcp::resolver resolver(io);
  const auto found = resolver.resolve(host, "", tcp::resolver::passive, ec);
  if (ec) {
    return fault(
        fmt::format("OTLP/HTTP can't listen on {}: {}; use an address of this machine or localhost "
                    "in FORAGER_OTLP_HTTP_LISTEN",
                    host, ec.message()));
  }
  std::vector<asio::ip::address> addresses;
  for (const auto& entry : found) addresses.push_back(entry.endpoint().address());
  return addresses;
}

asio::awaitable<void> accept_loop(std::shared_ptr<HttpPort> port,
                                  std::shared_ptr<HttpListener> listener) {
  asio::steady_timer pause(port->executor);
  while (!port->closed) {
    auto [ec, socket] = co_await listener->acceptor.async_accept(use_tuple);
    if (port->closed || ec == asio::error::operation_aborted) co_return;
    if (ec) {
      // of the client (aborted before it was accepted) or of the system (no descriptors): the
      // latter needs a pause
      if (ec == asio::error::connection_aborted) continue;
      if (port->counters.accept_errors++ == 0) {
        spdlog::warn("OTLP/HTTP can't accept a connection: {}; raise the limit of open files",
                     ec.message());
      }
      pause.expires_after(std::chrono::milliseconds(100));
      co_await pause.async_wait(use_tuple);
      continue;
    }
    error_code ignored;
    socket.non_blocking(true, ignored);
    socket.set_option(tcp::no_delay(true), ignored);  // not for unix sockets
    spawn(port->executor, serve(port, std::move(socket)), "a connection of OTLP/HTTP");
    if (port->watching) continue;
    port->watching = true;
    spawn(port->executor, watch_deadlines(port), "the deadlines of OTLP/HTTP");
  }
}

/// A file left behind by a process that is gone may be replaced; one that answers may not.
error_code open_unix(Acceptor& acceptor, const asio::any_io_executor& io, const std::string& path) {
  const asio::local::stream_protocol::endpoint at(path);
  error_code ec = open_at(acceptor, at, false);
  if (ec != asio::error::address_in_use) return ec;
  asio::local::stream_protocol::socket probe(io);
  error_code refused;
  probe.connect(at, refused);
  std::error_code ignored;
  if (refused != asio::error::connection_refused || !std::filesystem::is_socket(path, ignored)) {
    return ec;  // a plain file refuses too, and isn't ours to take
  }
  std::filesystem::remove(path, ignored);
  return open_at(acceptor, at, false);
}

}  // namespace

HttpReceiver::HttpReceiver(std::shared_ptr<HttpPort> port) : port_(std::move(port)) {}

HttpReceiver::~HttpReceiver() { close(); }

Result<std::unique_ptr<HttpReceiver>> HttpReceiver::start(HttpSettings settings,
                                                          asio::any_io_executor io,
                                                          admit::Door& door) {
  const std::vector<config::Listen> wanted = settings.listen;
  auto port = std::make_shared<HttpPort>(std::move(settings), io, door);
  std::unique_ptr<HttpReceiver> made(new HttpReceiver(std::move(port)));
  for (const config::Listen& at : wanted) {
    if (at.off) continue;
    if (auto listening = made->listen(at); !listening) return listening.error();
  }
  for (const auto& listener : made->listeners_) {
    spawn(io, accept_loop(made->port_, listener), "the listener of OTLP/HTTP");
  }
  return made;
}

Result<void> HttpReceiver::listen(const config::Listen& at) {
  const asio::any_io_executor& io = port_->executor;
  if (!at.unix_path.empty()) {
    auto listener = std::make_shared<HttpListener>(io);
    listener->name = "unix:" + at.unix_path;
    if (at.unix_path.size() > 107)
      return fault("OTLP/HTTP can't listen on " + listener->name +
                   ": the path has more than 107 bytes; use a shorter one");
    const error_code ec = open_unix(listener->acceptor, io, at.unix_path);
    if (ec) return bind_fault(listener->name, ec);
    listener->unix_path = at.unix_path;
    // the app runs as another user; the directory says who may come
    std::error_code ignored;
    std::filesystem::permissions(at.unix_path, std::filesystem::perms(0666), ignored);
    listeners_.push_back(std::move(listener));
    return {};
  }
  auto addresses = addresses_of(at.host, io);
  if (!addresses) return addresses.error();
  if (at.all_interfaces) addresses->push_back(asio::ip::address_v6::any());
  std::uint16_t number = at.port;
  bool any = false;
  for (const asio::ip::address& address : *addresses) {
    auto listener = std::make_shared<HttpListener>(io);
    const tcp::endpoint endpoint(address, number);
    const error_code ec = open_at(listener->acceptor, endpoint, address.is_v6());
    // a container without IPv6, or (port 0) one whose chosen number is taken there
    const bool spare = any && (at.host == "localhost" || at.all_interfaces) &&
                       (ec.value() == EADDRNOTAVAIL || ec.value() == EAFNOSUPPORT || at.port == 0);
    if (ec && spare) continue;
    if (ec) return bind_fault(text_of(endpoint), ec);
    tcp::endpoint real;
    const auto local = listener->acceptor.local_endpoint();
    std::memcpy(real.data(), local.data(), local.size());
    listener->tcp_port = number = real.port();
    listener->name = text_of(real);
    listeners_.push_back(std::move(listener));
    any = true;
  }
  return {};
}

std::vector<std::string> HttpReceiver::bound() const {
  std::vector<std::string> names;
  for (const auto& listener : listeners_) names.push_back(listener->name);
  return names;
}

std::vector<std::uint16_t> HttpReceiver::bound_ports() const {
  std::vector<std::uint16_t> ports;
  for (const auto& listener : listeners_) {
    if (listener->unix_path.empty()) ports.push_back(listener->tcp_port);
  }
  return ports;
}

void HttpReceiver::begin_drain() { port_->draining = true; }
std::size_t HttpReceiver::open_requests() const { return port_->open_requests; }
Time HttpReceiver::last_request_began() const { return port_->last_request_began; }
std::size_t HttpReceiver::open_connections() const { return port_->sessions.size(); }
const HttpCounters& HttpReceiver::counters() const { return port_->counters; }

void HttpReceiver::close() {
  if (port_->closed) return;
  port_->closed = true;
  for (const auto& listener : listeners_) {
    error_code ignored;
    listener->acceptor.close(ignored);
    std::error_code gone;
    if (!listener->unix_path.empty()) std::filesystem::remove(listener->unix_path, gone);
  }
  for (HttpSession* const session : port_->sessions) session->stop();
}

asio::awaitable<void> HttpReceiver::drained(Time deadline) {
  co_await port_->gate.drained(deadline);
}

}  // namespace forager::receive
