#include "receive/http_session.h"

#include <algorithm>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/beast/http/error.hpp>
#include <spdlog/spdlog.h>

namespace forager::receive {
namespace {

namespace http = boost::beast::http;
using boost::system::error_code;
using std::chrono::seconds;

// two coroutine frames, the session, what it carries over
constexpr std::size_t connection_cost = 8U * 1024U;
// of a header and the start of a body: the rest of the body is read where it stays
constexpr std::size_t head_read = 4U * 1024U;
constexpr std::size_t refusing_max = 64;
// a body that isn't wanted is read for this long, so that its sender sees the answer and no reset,
// which SDKs retry
constexpr seconds linger_time{5};
constexpr seconds write_time{10};
constexpr std::uint64_t linger_bytes = 256U << 20U;

Time now() { return std::chrono::steady_clock::now(); }

class OpenRequest {
 public:
  explicit OpenRequest(HttpPort& port) : port_(port) {
    ++port_.open_requests;
    ++port_.counters.requests;
    port_.last_request_began = now();
  }
  OpenRequest(const OpenRequest&) = delete;
  OpenRequest& operator=(const OpenRequest&) = delete;
  ~OpenRequest() { --port_.open_requests; }

 private:
  HttpPort& port_;
};

}  // namespace

HttpSession::HttpSession(HttpPort& port, Socket socket) : port_(port), socket_(std::move(socket)) {
  port_.sessions.insert(this);
}

HttpSession::~HttpSession() {
  port_.sessions.erase(this);
  if (port_.sessions.empty()) port_.watch.cancel();
}

bool HttpSession::open() {
  if (port_.serving >= port_.settings.connections) return false;
  auto charge = port_.door.room(connection_cost);
  if (charge) charge_ = std::move(*charge);
  return charge.has_value();
}

/// A usual header is in the connection's own cost; a long one costs extra as long as it is there.
bool HttpSession::charge_carried() {
  if (carry_.capacity() > 2 * head_read && carry_.size() <= head_read) carry_.shrink_to_fit();
  const std::size_t extra = carry_.capacity() > 2 * head_read ? carry_.capacity() : 0;
  return charge_.bytes() == connection_cost + extra || charge_.resize(connection_cost + extra);
}

void HttpSession::arm(Duration after) {
  late_ = false;
  deadline_ = now() + after;
}

void HttpSession::disarm() {
  late_ = false;
  deadline_ = Time::max();
}

void HttpSession::check_deadline(Time at) {
  if (at < deadline_) return;
  deadline_ = Time::max();
  late_ = true;
  error_code ignored;
  socket_.cancel(ignored);
}

void HttpSession::stop() {
  error_code ignored;
  socket_.cancel(ignored);
}

/// False: no use to go on, `late_` says whether time was up.
asio::awaitable<bool> HttpSession::ready(Socket::wait_type what) {
  const auto [ec] = co_await socket_.async_wait(what, use_tuple);
  co_return !ec && !late_;
}

asio::awaitable<HttpSession::Received> HttpSession::receive(asio::mutable_buffer into) {
  while (true) {
    error_code ec;
    const std::size_t n = socket_.read_some(into, ec);
    if (!ec) co_return Received{How::some, n};
    if (ec == asio::error::eof) co_return Received{How::end, 0};
    if (ec != asio::error::would_block && ec != asio::error::try_again) {
      co_return Received{How::reset, 0};
    }
    const bool there = co_await ready(Socket::wait_read);
    if (!there) co_return Received{late_ ? How::late : How::reset, 0};
  }
}

asio::awaitable<bool> HttpSession::send(std::string_view bytes) {
  arm(write_time);
  while (!bytes.empty()) {
    error_code ec;
    const std::size_t n = socket_.write_some(asio::buffer(bytes.data(), bytes.size()), ec);
    bytes.remove_prefix(n);
    if (!ec) continue;
    if (ec != asio::error::would_block && ec != asio::error::try_again) co_return false;
    const bool there = co_await ready(Socket::wait_write);
    if (!there) co_return false;
  }
  disarm();
  co_return true;
}

asio::awaitable<void> HttpSession::run() {
  while (!port_.closed) {
    HeadParser parser;
    const Heard heard = co_await read_head(parser);
    if (heard != Heard::request) {
      co_await answer_bad_head(heard);
      co_return;
    }
    fresh_ = false;
    const bool goes_on = co_await serve_request(parser);
    if (!goes_on) co_return;
    if (!carry_.empty()) {
      // pipelined: others get their turn in between
      co_await asio::post(socket_.get_executor(), asio::use_awaitable);
    }
  }
}

asio::awaitable<HttpSession::Heard> HttpSession::read_head(HeadParser& parser) {
  charge_carried();
  arm(fresh_ || !carry_.empty() ? port_.settings.header_timeout : port_.settings.idle_timeout);
  bool began = !carry_.empty();
  if (!began) {
    // by readiness first: after an answer there is nothing to read yet
    const bool there = co_await ready(Socket::wait_read);
    if (!there) co_return Heard::gone;
    if (!fresh_) arm(port_.settings.header_timeout);
  }
  while (true) {
    if (!carry_.empty()) {
      const Heard heard = judge_head(parser);
      if (parser.is_header_done() || heard != Heard::request) co_return heard;
    }
    const asio::mutable_buffer into(port_.scratch.data(), head_read);
    const Received got = co_await receive(into);
    if (got.how == How::late) co_return began ? Heard::late : Heard::gone;
    if (got.how != How::some) co_return Heard::gone;
    began = true;
    carry_.append(port_.scratch.data(), got.bytes);
    if (!charge_carried()) co_return Heard::no_room;
  }
}

/// Feeds what there is. `request` with an unfinished header: more is needed.
HttpSession::Heard HttpSession::judge_head(HeadParser& parser) {
  // a client may send an empty line after a body (RFC 9112, 2.2)
  if (!parser.got_some() && carry_.starts_with("\r\n")) carry_.erase(0, 2);
  if (carry_.empty()) return Heard::request;
  error_code ec;
  const std::size_t used = parser.put(asio::buffer(carry_), ec);
  if (ec && ec != http::error::need_more) {
    if (ec == http::error::header_limit) return Heard::too_large;
    if (carry_.starts_with("PRI * HTTP/2.0")) return Heard::http2;
    const bool handshake = carry_.size() > 1 && carry_[0] == '\x16' && carry_[1] == '\x03';
    return handshake ? Heard::tls : Heard::malformed;
  }
  carry_.erase(0, used);
  return !parser.is_header_done() && carry_.size() > HeadParser::limit ? Heard::too_large
                                                                       : Heard::request;
}

asio::awaitable<bool> HttpSession::serve_request(HeadParser& parser) {
  const OpenRequest open(port_);
  auto decision = decide(parser.head(), port_.door.request_limit(), port_.settings.cors_origins);
  if (auto* const turned = std::get_if<Turned>(&decision)) {
    co_return co_await answer_turned(parser, std::move(*turned));
  }
  const Take take = std::get<Take>(decision);
  BodyRead read = co_await read_body(parser, take.signal);
  disarm();
  if (std::holds_alternative<Gone>(read)) co_return false;
  if (auto* const turned = std::get_if<Turned>(&read)) {
    turned->encoding = take.encoding;
    turned->signal = take.signal;
    co_return co_await answer_turned(parser, std::move(*turned));
  }
  admit::Offer offer;
  offer.signal = take.signal;
  offer.encoding = take.encoding;
  offer.coding = take.coding;
  offer.body = std::move(std::get<Body>(read).bytes);
  offer.charge = std::move(std::get<Body>(read).charge);
  offer.key = std::move(parser.head().key);
  offer.dataset = std::move(parser.head().dataset);
  admit::Outcome outcome = co_await port_.door.admit(std::move(offer));
  co_return co_await answer(parser, take, std::move(outcome));
}

asio::awaitable<void> HttpSession::discard(std::uint64_t bytes) {
  std::uint64_t turn = 0;
  while (bytes > 0) {
    const asio::mutable_buffer into(port_.scratch.data(),
                                    std::min<std::uint64_t>(port_.scratch.size(), bytes));
    const Received got = co_await receive(into);
    if (got.how != How::some) co_return;
    bytes -= got.bytes;
    turn += got.bytes;
    if (turn < bytes_a_turn) continue;
    turn = 0;
    co_await asio::post(socket_.get_executor(), asio::use_awaitable);
  }
}

asio::awaitable<void> HttpSession::linger() {
  error_code ec;
  socket_.shutdown(Socket::shutdown_send, ec);
  if (ec || port_.closed) co_return;
  arm(linger_time);
  co_await discard(linger_bytes);
}

asio::awaitable<void> serve(std::shared_ptr<HttpPort> port, Socket socket) {
  const Gate::Pass inside = port->gate.enter();
  ++port->counters.connections;
  HttpSession session(*port, std::move(socket));
  const bool taken = session.open();
  if (taken) ++port->serving;
  try {
    if (taken) {
      co_await session.run();
    } else {
      ++port->counters.connections_refused;
      const std::size_t refusing = port->sessions.size() - port->serving;
      if (refusing <= refusing_max) co_await session.refuse();
    }
  } catch (const std::exception& e) {
    spdlog::warn("a connection of OTLP/HTTP is closed after an unexpected error: {}", e.what());
  }
  if (taken) --port->serving;
}

asio::awaitable<void> watch_deadlines(std::shared_ptr<HttpPort> port) {
  const HttpSettings& s = port->settings;
  const auto shortest = std::min({s.header_timeout, s.body_timeout, s.idle_timeout});
  const auto step =
      std::clamp(shortest / 4, std::chrono::milliseconds(5), std::chrono::milliseconds(1000));
  while (!port->sessions.empty()) {
    port->watch.expires_after(step);
    co_await port->watch.async_wait(use_tuple);
    const Time at = now();
    for (HttpSession* const session : port->sessions) session->check_deadline(at);
  }
  port->watching = false;
}

}  // namespace forager::receive
