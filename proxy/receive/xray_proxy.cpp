#include "receive/xray_proxy.h"

#include <algorithm>
#include <array>

#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_static_buffer.hpp>
#include <boost/beast/http.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace forager::receive {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using Stream = beast::basic_stream<tcp>;
using Parser = http::request_parser<http::string_body>;
using Reply = http::response<http::string_body>;

constexpr std::size_t header_max = 16U << 10U;
/// The buffer for headers, two coroutine frames, the session.
constexpr std::size_t connection_cost = header_max + (8U << 10U);
constexpr auto accept_pause = std::chrono::milliseconds(100);
/// Connections that are told at one time that there is no room for them; more are just closed.
constexpr std::size_t refusing_max = 8;
/// What isn't wanted is read for a while, so that its sender sees the answer and no reset.
constexpr auto linger_time = std::chrono::seconds(2);
constexpr std::size_t linger_bytes = 1U << 20U;

/// What the SDKs call, and nothing else.
constexpr std::array<std::string_view, 2> paths{"/GetSamplingRules", "/SamplingTargets"};
/// Of X-Ray's answer, what an SDK's AWS client reads.
constexpr std::array<std::string_view, 5> passed_on{"content-type", "x-amzn-requestid",
                                                    "x-amzn-errortype", "retry-after", "date"};

std::string_view view(beast::string_view from) { return {from.data(), from.size()}; }
beast::string_view view(std::string_view from) { return {from.data(), from.size()}; }

Reply refusal(int status, std::string_view message) {
  Reply made;
  made.result(static_cast<unsigned>(status));
  made.set(http::field::content_type, "application/json");
  made.body() = fmt::format(R"({{"message":"{}"}})", message);
  return made;
}

/// nullopt: it may be forwarded.
std::optional<Reply> objection(const http::request<http::string_body>& request) {
  const std::string_view target = view(request.target());
  if (std::ranges::find(paths, target) == paths.end())
    return refusal(404, "only /GetSamplingRules and /SamplingTargets are forwarded to X-Ray");
  if (request.method() != http::verb::post) {
    Reply made = refusal(405, "this is called with POST");
    made.set(http::field::allow, "POST");
    return made;
  }
  // a web page may send such a request to this machine; an SDK has no origin
  if (request.count(http::field::origin) != 0)
    return refusal(403, "web pages have no business here");
  return std::nullopt;
}

Reply too_large() { return refusal(413, "the request is too large"); }

Reply all_busy() { return refusal(503, "too many connections to this port; ask again later"); }

Reply no_room() {
  return refusal(503, "Forager has no memory for this now (FORAGER_MEMORY_LIMIT); ask again later");
}

/// The body moves.
net::Request forwarded(http::request<http::string_body>& from) {
  net::Request made;
  made.target = view(from.target());
  made.headers.push_back({"Content-Type", "application/json"});
  made.body = Chain(Slice(std::move(from.body())));
  return made;
}

Reply reply_of(XrayAnswer answer) {
  if (const auto* const error = std::get_if<net::TransportError>(&answer)) {
    // as the daemon does; the SDK then samples by the rules that it has
    spdlog::debug("the sampling rules of X-Ray can't be asked for: {}", error->what);
    return refusal(502, "X-Ray can't be reached; see the log of Forager");
  }
  auto& from = std::get<net::Response>(answer);
  Reply made;
  made.result(static_cast<unsigned>(from.status));
  for (const std::string_view name : passed_on) {
    if (const auto value = from.header(name)) made.set(view(name), view(*value));
  }
  made.body() = std::move(from.body);
  return made;
}

std::size_t size_of(const XrayAnswer& answer) {
  const auto* const response = std::get_if<net::Response>(&answer);
  return response != nullptr ? response->body.capacity() : 0;
}

/// Known at the header; in chunks it may be as large as it may, and its string twice that.
std::size_t body_cost(const Parser& parser, std::size_t most) {
  if (parser.chunked()) return 2 * most;
  const auto length = parser.content_length();
  return length ? static_cast<std::size_t>(*length) : 0;
}

asio::awaitable<void> linger(Stream& stream) {
  boost::system::error_code ignored;
  stream.socket().shutdown(asio::socket_base::shutdown_send, ignored);
  stream.expires_after(linger_time);
  std::array<char, 1024> bytes;  // NOLINT: what comes isn't looked at
  for (std::size_t read = 0; read < linger_bytes;) {
    auto [error, size] = co_await stream.async_read_some(asio::buffer(bytes), use_tuple);
    if (error) co_return;
    read += size;
  }
}

}  // namespace

struct XrayProxy::Session {
  explicit Session(tcp::socket socket) : stream(std::move(socket)) {}
  Stream stream;
  beast::flat_static_buffer<header_max> buffer;
  std::optional<Parser> parser;  ///< of the request under way
  Budget::Charge charge;
  bool idle = true;
  bool used = false;
  bool unread = false;  ///< there is more of a request than was read
};

/// A request to forward, or what it is to be answered without asking X-Ray.
struct Gone {};
struct XrayProxy::Heard {
  std::variant<Gone, Reply, net::Request> what;
};

XrayProxy::XrayProxy(asio::any_io_executor io, admit::Door& door, XrayForward forward,
                     std::map<int, std::uint64_t>& answers, XrayProxyOptions options)
    : io_(std::move(io)),
      door_(door),
      forward_(std::move(forward)),
      answers_(&answers),
      options_(options) {}

XrayProxy::~XrayProxy() = default;

std::size_t XrayProxy::connections() const { return sessions_.size(); }

bool XrayProxy::make_room() {
  if (sessions_.size() < options_.connections) return true;
  const auto idle = std::ranges::find_if(sessions_, [](const auto& one) { return one->idle; });
  if (idle == sessions_.end()) return false;
  (*idle)->stream.close();
  sessions_.erase(idle);
  return true;
}

asio::awaitable<void> XrayProxy::accept(tcp::acceptor& acceptor) {
  const auto self = shared_from_this();
  asio::steady_timer pause(io_);
  while (!stopped_ && acceptor.is_open()) {
    auto [error, socket] = co_await acceptor.async_accept(use_tuple);
    if (stopped_ || error == asio::error::operation_aborted) co_return;
    if (error == asio::error::connection_aborted) continue;
    if (error) {  // no file descriptors
      pause.expires_after(accept_pause);
      co_await pause.async_wait(use_tuple);
      continue;
    }
    std::optional<Budget::Charge> charge;
    charge = door_.room(connection_cost);
    const bool seated = charge && make_room();
    if (!seated) {
      const Reply why = charge ? all_busy() : no_room();
      charge.reset();
      if (refusing_ < refusing_max) spawn(io_, refuse(std::move(socket), why.body()), "a refusal");
      continue;
    }
    auto session = std::make_shared<Session>(std::move(socket));
    session->charge = std::move(*charge);
    sessions_.push_back(session);
    spawn(io_, serve(std::move(session)), "a connection of the X-Ray proxy");
  }
}

asio::awaitable<void> XrayProxy::serve(std::shared_ptr<Session> session) {
  const auto self = shared_from_this();
  try {
    bool more = true;
    while (more && !stopped_) more = co_await exchange(*session);
    if (session->unread) {
      co_await linger(session->stream);
    } else {
      boost::system::error_code ignored;
      session->stream.socket().shutdown(asio::socket_base::shutdown_send, ignored);
    }
  } catch (const std::exception& e) {
    spdlog::warn("a connection of the X-Ray proxy is closed after an unexpected error: {}",
                 e.what());
  }
  sessions_.remove(session);
}

/// There is no session for it, or no memory: not even its request is looked at.
asio::awaitable<void> XrayProxy::refuse(tcp::socket socket, std::string message) {
  const auto self = shared_from_this();
  const std::string text = fmt::format(
      "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"
      "Content-Length: {}\r\nConnection: close\r\n\r\n{}",
      message.size(), message);
  ++refusing_;
  if (!stopped_) ++(*answers_)[503];
  Stream stream(std::move(socket));
  stream.expires_after(linger_time);
  auto [error, size] = co_await asio::async_write(stream, asio::buffer(text), use_tuple);
  if (!error) co_await linger(stream);
  --refusing_;
}

bool XrayProxy::charge(Session& session, std::size_t bytes) {
  if (stopped_) return true;  // the door may be gone; the answer under way is the last
  return door_.extend(session.charge, connection_cost + bytes);
}

asio::awaitable<XrayAnswer> XrayProxy::ask(net::Request request) {
  try {
    co_return co_await forward_(std::move(request));
  } catch (const std::exception& e) {
    spdlog::warn("X-Ray can't be asked for sampling rules after an unexpected error: {}", e.what());
  }
  co_return net::TransportError{net::TransportError::Kind::connect, "an unexpected error"};
}

asio::awaitable<XrayProxy::Heard> XrayProxy::hear(Session& session) {
  Parser& parser = session.parser.emplace();
  parser.header_limit(header_max);
  parser.body_limit(options_.body_bytes);
  session.idle = true;
  session.stream.expires_after(session.used ? options_.idle_timeout : options_.read_timeout);
  session.used = true;
  auto [error, size] =
      co_await http::async_read_header(session.stream, session.buffer, parser, use_tuple);
  session.idle = false;
  if (error == http::error::body_limit) {
    session.unread = true;
    co_return Heard(too_large());
  }
  if (error) co_return Heard(Gone());
  co_return co_await hear_body(session);
}

asio::awaitable<XrayProxy::Heard> XrayProxy::hear_body(Session& session) {
  Parser& parser = *session.parser;
  if (!charge(session, body_cost(parser, options_.body_bytes))) {
    session.unread = true;
    co_return Heard(no_room());
  }
  session.stream.expires_after(options_.read_timeout);
  if (view(parser.get()[http::field::expect]) == "100-continue") {
    static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    co_await asio::async_write(session.stream, asio::buffer(go_on), use_tuple);
  }
  auto [error, size] = co_await http::async_read(session.stream, session.buffer, parser, use_tuple);
  if (error == http::error::body_limit) {
    session.unread = true;
    co_return Heard(too_large());
  }
  if (error) co_return Heard(Gone());
  if (auto refused = objection(parser.get())) co_return Heard(std::move(*refused));
  if (!forward_)
    co_return Heard(refusal(403, "X-Ray is not among the destinations of this Forager"));
  co_return Heard(forwarded(parser.get()));
}

/// False: the connection has come to its end.
asio::awaitable<bool> XrayProxy::exchange(Session& session) {
  Heard heard = co_await hear(session);
  if (std::holds_alternative<Gone>(heard.what)) co_return false;
  const bool wants_more = session.parser->get().keep_alive();
  Reply reply;
  if (auto* const request = std::get_if<net::Request>(&heard.what)) {
    session.stream.expires_never();  // whoever forwards has a timeout
    XrayAnswer answer = co_await ask(std::move(*request));
    reply = charge(session, size_of(answer)) ? reply_of(std::move(answer)) : no_room();
  } else {
    reply = std::get<Reply>(std::move(heard.what));
  }
  const bool keep_alive = wants_more && !session.unread && !stopped_;
  if (!stopped_) ++(*answers_)[static_cast<int>(reply.result_int())];
  reply.version(11);
  reply.keep_alive(keep_alive);
  reply.prepare_payload();
  session.stream.expires_after(options_.read_timeout);
  auto [error, size] = co_await http::async_write(session.stream, reply, use_tuple);
  reply = {};
  session.parser.reset();
  charge(session, 0);
  co_return !error && keep_alive;
}

void XrayProxy::stop() {
  if (stopped_) return;
  stopped_ = true;
  for (const auto& session : sessions_) {
    if (session->idle) session->stream.close();
  }
}

void XrayProxy::give_back_memory() {
  for (const auto& session : sessions_) session->charge.release();
}

}  // namespace forager::receive
