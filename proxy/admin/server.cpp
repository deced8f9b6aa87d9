#include "admin/server.h"

#include <algorithm>
#include <cstring>
#include <list>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_static_buffer.hpp>
#include <boost/beast/http.hpp>
#include <spdlog/spdlog.h>

#include "admin/bind.h"
#include "admin/pages.h"
#include "base/async.h"

namespace forager::admin {

namespace {

namespace beast = boost::beast;
namespace http = beast::http;
using asio::generic::stream_protocol;
using Stream = beast::basic_stream<stream_protocol>;  // TCP and unix sockets in one instantiation
using Parser = http::request_parser<http::empty_body>;
using Answer = http::response<http::string_body>;

constexpr std::size_t header_max = 8U << 10U;
constexpr auto accept_pause = std::chrono::milliseconds(100);
constexpr auto hang_up_time = std::chrono::milliseconds(500);

std::string_view view(boost::beast::string_view from) { return {from.data(), from.size()}; }

std::optional<std::string_view> only(const http::fields& fields, http::field name) {
  const auto [first, last] = fields.equal_range(name);
  if (first == last || std::next(first) != last) return std::nullopt;
  return view(first->value());
}

/// "null" stands for more than one Origin: refused like any other that isn't ours.
std::optional<std::string_view> origin_of(const http::fields& fields) {
  if (fields.count(http::field::origin) > 1) return "null";
  return only(fields, http::field::origin);
}

bool has_body(const Parser& parser) {
  return parser.chunked() || parser.content_length().value_or(0) != 0;
}

Answer answer_of(Page page, bool is_head, bool keep_alive) {
  Answer made;
  made.version(11);
  made.result(static_cast<unsigned>(page.status));
  made.set(http::field::content_type, page.content_type);
  for (const auto& [name, value] : guard_headers())
    made.set(boost::beast::string_view(name.data(), name.size()),
             boost::beast::string_view(value.data(), value.size()));
  if (!page.allow.empty()) made.set(http::field::allow, page.allow);
  made.keep_alive(keep_alive);
  made.content_length(page.body.size());
  if (!is_head) made.body() = std::move(page.body);
  return made;
}

/// Sent when the request itself can't be read.
Answer refusal_of(const beast::error_code& error) {
  Page page{400, "text/plain; charset=utf-8", "This is no HTTP/1.1 request.\n", {}};
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    page.status = 431;
    page.body = "The headers are too long.\n";
  }
  return answer_of(std::move(page), false, false);
}

/// From this machine.
bool is_local(const stream_protocol::socket& socket) {
  boost::system::error_code error;
  const auto peer = socket.remote_endpoint(error);
  if (error) return false;
  const auto* address = static_cast<const sockaddr*>(peer.data());
  if (address->sa_family == AF_UNIX) return true;
  if (address->sa_family == AF_INET) {
    sockaddr_in four{};
    std::memcpy(&four, address, std::min(sizeof four, peer.size()));
    return asio::ip::address_v4(ntohl(four.sin_addr.s_addr)).is_loopback();
  }
  if (address->sa_family != AF_INET6) return false;
  sockaddr_in6 six{};
  std::memcpy(&six, address, std::min(sizeof six, peer.size()));
  asio::ip::address_v6::bytes_type bytes;
  std::memcpy(bytes.data(), &six.sin6_addr, bytes.size());
  const asio::ip::address_v6 found(bytes);
  if (!found.is_v4_mapped()) return found.is_loopback();
  return asio::ip::make_address_v4(asio::ip::v4_mapped, found).is_loopback();
}

struct Session {
  explicit Session(stream_protocol::socket socket) : stream(std::move(socket)) {}
  Stream stream;
  bool idle = true;
};

/// The connection ended or was closed here; there is nobody to answer.
bool is_end(const beast::error_code& error) {
  return error == http::error::end_of_stream || error == http::error::partial_message ||
         (error && error.category() != http::make_error_code(http::error::bad_method).category());
}

/// Closes so that the last answer arrives: what the peer still sends is read for a moment, since
/// closing over it would reset.
asio::awaitable<void> hang_up(Stream& stream) {
  boost::system::error_code ignored;
  stream.socket().shutdown(asio::socket_base::shutdown_send, ignored);
  stream.expires_after(hang_up_time);
  char waste[512];
  const auto sink = asio::buffer(waste);
  for (;;) {
    const auto [error, size] = co_await stream.async_read_some(sink, use_tuple);
    if (error) break;
  }
  stream.close();
}

}  // namespace

struct AdminServer::State {
  State(asio::any_io_executor ex, AdminSource from, ServerOptions with)
      : executor(std::move(ex)), source(std::move(from)), options(std::move(with)) {}

  /// The session may begin; closes the one that has been idle longest when there are too many.
  bool admit(const std::shared_ptr<Session>& session);
  void remove(const std::shared_ptr<Session>& session) { sessions.remove(session); }
  Answer respond(const Parser& parser, bool local, bool& keep_alive) const;
  void stop();
  static asio::awaitable<void> serve(std::shared_ptr<State> self, std::shared_ptr<Session> session);
  static asio::awaitable<void> session_task(std::shared_ptr<State> self,
                                            stream_protocol::socket socket);
  template <class Acceptor>
  static asio::awaitable<void> accept_task(std::shared_ptr<State> self, Acceptor& acceptor);

  asio::any_io_executor executor;
  AdminSource source;
  ServerOptions options;
  HostPolicy hosts;
  Bound bound;
  bool stopped = false;
  std::list<std::shared_ptr<Session>> sessions;  ///< oldest first
};

bool AdminServer::State::admit(const std::shared_ptr<Session>& session) {
  if (stopped) return false;
  if (sessions.size() >= options.connections) {
    const auto idle = std::ranges::find_if(sessions, [](const auto& other) { return other->idle; });
    if (idle == sessions.end()) return false;
    (*idle)->stream.close();
    sessions.erase(idle);
  }
  sessions.push_back(session);
  return true;
}

Answer AdminServer::State::respond(const Parser& parser, bool local, bool& keep_alive) const {
  const auto& request = parser.get();
  keep_alive = request.keep_alive() && !stopped;
  const bool is_head = request.method() == http::verb::head;
  if (has_body(parser)) {
    keep_alive = false;
    return answer_of({413, "text/plain; charset=utf-8", "No body is taken here.\n", {}}, is_head,
                     false);
  }
  Ask ask;
  ask.method = view(request.method_string());
  ask.target = view(request.target());
  ask.host = only(request, http::field::host);
  ask.origin = origin_of(request);
  ask.accept = view(request[http::field::accept]);
  ask.by_page = request.count("Sec-Fetch-Site") != 0;
  ask.local = local;
  return answer_of(answer(ask, source, hosts), is_head, keep_alive);
}

asio::awaitable<void> AdminServer::State::serve(std::shared_ptr<State> self,
                                                std::shared_ptr<Session> session) {
  Stream& stream = session->stream;
  beast::flat_static_buffer<header_max> buffer;
  bool keep_alive = true;
  const bool local = is_local(stream.socket());
  stream.expires_after(self->options.header_timeout);
  while (keep_alive && !self->stopped) {
    Parser parser;
    parser.header_limit(header_max);
    session->idle = true;
    const auto [read_error, read] =
        co_await http::async_read_header(stream, buffer, parser, use_tuple);
    session->idle = false;
    if (self->stopped || is_end(read_error)) break;
    const Answer answer =
        read_error ? refusal_of(read_error) : self->respond(parser, local, keep_alive);
    keep_alive = keep_alive && !read_error;
    stream.expires_after(self->options.write_timeout);
    const auto [write_error, written] = co_await http::async_write(stream, answer, use_tuple);
    if (write_error) break;
    stream.expires_after(self->options.idle_timeout);
  }
  co_await hang_up(stream);
}

asio::awaitable<void> AdminServer::State::session_task(std::shared_ptr<State> self,
                                                       stream_protocol::socket socket) {
  const auto session = std::make_shared<Session>(std::move(socket));
  if (!self->admit(session)) co_return;
  try {
    co_await serve(self, session);
  } catch (const std::exception& error) {
    spdlog::error("a request to the admin port failed: {}", error.what());
  }
  self->remove(session);
}

template <class Acceptor>
asio::awaitable<void> AdminServer::State::accept_task(std::shared_ptr<State> self,
                                                      Acceptor& acceptor) {
  asio::steady_timer pause(self->executor);
  while (!self->stopped) {
    stream_protocol::socket socket(self->executor);
    const auto [error] = co_await acceptor.async_accept(socket, use_tuple);
    if (self->stopped) co_return;
    if (error) {  // out of descriptors, or the peer is gone already
      pause.expires_after(accept_pause);
      co_await pause.async_wait(use_tuple);
      continue;
    }
    spawn(self->executor, session_task(self, std::move(socket)), "admin session");
  }
}

void AdminServer::State::stop() {
  if (std::exchange(stopped, true)) return;
  boost::system::error_code ignored;
  for (auto& acceptor : bound.tcp) acceptor.close(ignored);
  for (auto& acceptor : bound.local) {
    unlink(acceptor.local_endpoint(ignored).path().c_str());
    acceptor.close(ignored);
  }
  for (const auto& session : sessions) {  // the others are writing their last answer
    if (session->idle) session->stream.close();
  }
}

AdminServer::AdminServer(asio::any_io_executor executor, AdminSource source, ServerOptions options)
    : state_(std::make_shared<State>(std::move(executor), std::move(source), std::move(options))) {}

AdminServer::~AdminServer() { state_->stop(); }

Result<void> AdminServer::start(const config::Listen& listen) {
  if (listen.off) return {};
  auto bound = bind_listen(state_->executor, listen);
  if (!bound) return bound.error();
  state_->bound = std::move(*bound);
  state_->hosts.any = state_->bound.tcp.empty();
  state_->hosts.loopback_only = state_->bound.loopback_only;
  state_->hosts.names = state_->options.host_names;
  if (!listen.host.empty()) state_->hosts.names.push_back(listen.host);
  for (auto& acceptor : state_->bound.tcp) {
    spawn(state_->executor, State::accept_task(state_, acceptor), "admin listener");
  }
  for (auto& acceptor : state_->bound.local) {
    spawn(state_->executor, State::accept_task(state_, acceptor), "admin listener");
  }
  return {};
}

void AdminServer::stop() { state_->stop(); }
std::uint16_t AdminServer::port() const { return state_->bound.port; }
const std::vector<std::string>& AdminServer::addresses() const { return state_->bound.addresses; }
std::size_t AdminServer::open_connections() const { return state_->sessions.size(); }

}  // namespace forager::admin
