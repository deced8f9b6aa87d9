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
constexpr auto accept_pause = std::chrono::milliseconds(100);

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

net::Request forwarded(const http::request<http::string_body>& from) {
  net::Request made;
  made.target = view(from.target());
  made.headers.push_back({"Content-Type", "application/json"});
  made.body = Chain(Slice(std::string(from.body())));
  return made;
}

Reply reply_of(const XrayAnswer& answer) {
  if (const auto* const error = std::get_if<net::TransportError>(&answer)) {
    // as the daemon does; the SDK then samples by the rules that it has
    spdlog::debug("the sampling rules of X-Ray can't be asked for: {}", error->what);
    return refusal(502, "X-Ray can't be reached; see the log of Forager");
  }
  const auto& from = std::get<net::Response>(answer);
  Reply made;
  made.result(static_cast<unsigned>(from.status));
  for (const std::string_view name : passed_on) {
    if (const auto value = from.header(name)) made.set(view(name), view(*value));
  }
  made.body() = from.body;
  return made;
}

}  // namespace

struct XrayProxy::Session {
  explicit Session(tcp::socket socket) : stream(std::move(socket)) {}
  Stream stream;
  beast::flat_static_buffer<header_max> buffer;
  bool idle = true;
  bool used = false;
};

XrayProxy::XrayProxy(asio::any_io_executor io, XrayForward forward,
                     std::map<int, std::uint64_t>& answers, XrayProxyOptions options)
    : io_(std::move(io)), forward_(std::move(forward)), answers_(&answers), options_(options) {}

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
    if (!make_room()) continue;
    auto session = std::make_shared<Session>(std::move(socket));
    sessions_.push_back(session);
    spawn(io_, serve(std::move(session)), "a connection of the X-Ray proxy");
  }
}

asio::awaitable<void> XrayProxy::serve(std::shared_ptr<Session> session) {
  const auto self = shared_from_this();
  bool more = true;
  while (more && !stopped_) more = co_await exchange(*session);
  boost::system::error_code ignored;
  session->stream.socket().shutdown(asio::socket_base::shutdown_send, ignored);
  sessions_.remove(session);
}

/// False: the connection has come to its end.
asio::awaitable<bool> XrayProxy::exchange(Session& session) {
  Parser parser;
  parser.header_limit(header_max);
  parser.body_limit(options_.body_bytes);
  session.idle = true;
  session.stream.expires_after(session.used ? options_.idle_timeout : options_.read_timeout);
  session.used = true;
  auto [error, size] =
      co_await http::async_read_header(session.stream, session.buffer, parser, use_tuple);
  if (!error) {
    session.idle = false;
    session.stream.expires_after(options_.read_timeout);
    if (view(parser.get()[http::field::expect]) == "100-continue") {
      static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
      co_await asio::async_write(session.stream, asio::buffer(go_on), use_tuple);
    }
    auto [body_error, body_size] =
        co_await http::async_read(session.stream, session.buffer, parser, use_tuple);
    error = body_error;
  }
  session.idle = false;
  Reply reply;
  bool keep_alive = false;
  if (error == http::error::body_limit) {
    reply = refusal(413, "the request is too large");
  } else if (error) {
    co_return false;
  } else {
    keep_alive = parser.get().keep_alive() && !stopped_;
    auto refused = objection(parser.get());
    if (!refused && !forward_)
      refused = refusal(403, "X-Ray is not among the destinations of this Forager");
    if (refused) {
      reply = std::move(*refused);
    } else {
      session.stream.expires_never();  // whoever forwards has a timeout
      net::Request request = forwarded(parser.get());
      const XrayAnswer answer = co_await forward_(std::move(request));
      reply = reply_of(answer);
    }
  }
  if (!stopped_) ++(*answers_)[static_cast<int>(reply.result_int())];
  reply.version(11);
  reply.keep_alive(keep_alive);
  reply.prepare_payload();
  session.stream.expires_after(options_.read_timeout);
  auto [write_error, written] = co_await http::async_write(session.stream, reply, use_tuple);
  co_return !write_error && keep_alive;
}

void XrayProxy::stop() {
  if (stopped_) return;
  stopped_ = true;
  for (const auto& session : sessions_) {
    if (session->idle) session->stream.close();
  }
}

}  // namespace forager::receive
