// How a session reads the body of a request: straight to where it stays, charged before it is read.
#include <algorithm>
#include <cstring>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <fmt/format.h>

#include "receive/http_session.h"

namespace forager::receive {
namespace {

namespace http = boost::beast::http;
using boost::system::error_code;

/// Of a body that was only announced so far, what is reserved: a Content-Length is a promise, and
/// promises must not use up the budget. Larger bodies grow by doubling with what really arrives.
constexpr std::size_t reserved_at_once = std::size_t{128} << 10U;

constexpr std::string_view continue_reply = "HTTP/1.1 100 Continue\r\n\r\n";

/// Bodies of others that are on disk are let go for it: only the door does that, so what it gives
/// is given back at once, for the charge to take.
bool grow(admit::Door& door, Budget::Charge& charge, std::size_t bytes) {
  if (charge.resize(bytes)) return true;
  if (const auto made = door.room(bytes - charge.bytes()); !made) return false;
  return charge.resize(bytes);
}

}  // namespace

asio::awaitable<HttpSession::BodyRead> HttpSession::read_body(HeadParser& parser, Signal signal) {
  const Head& head = parser.head();
  arm(port_.settings.body_timeout);
  if (!head.chunked) {
    const std::uint64_t length = *head.length;
    if (head.expects_continue && length > 0 && carry_.empty() && port_.door.room(length)) {
      const bool sent = co_await send(continue_reply);
      if (!sent) co_return Gone{};
      arm(port_.settings.body_timeout);
    }
    co_return co_await read_sized(length, signal);
  }
  if (head.expects_continue && carry_.empty()) {
    const bool sent = co_await send(continue_reply);
    if (!sent) co_return Gone{};
    arm(port_.settings.body_timeout);
  }
  co_return co_await read_chunked(parser, signal);
}

asio::awaitable<HttpSession::BodyRead> HttpSession::read_sized(std::uint64_t length,
                                                               Signal signal) {
  const std::size_t begin =
      std::min<std::size_t>(length, std::max(reserved_at_once, carry_.size()));
  const std::size_t headroom = port_.door.headroom();
  auto charge = port_.door.room(begin + headroom);
  if (!charge) co_return no_room(signal);
  Body body{Buffer(begin, headroom), std::move(*charge)};
  std::size_t have = std::min<std::size_t>(carry_.size(), length);
  std::memcpy(body.bytes.data(), carry_.data(), have);
  carry_.erase(0, have);
  std::size_t turn = 0;
  while (have < length) {
    if (have == body.bytes.size()) {
      const std::size_t grown = std::min<std::size_t>(length, 2 * have);
      // old and new are there at once while the bytes move
      if (!grow(port_.door, body.charge, have + grown + 2 * headroom)) {
        Turned turned = no_room(signal);
        turned.body_begun = true;
        co_return turned;
      }
      body.bytes.resize(grown);
      body.charge.resize(body.bytes.capacity());
    }
    const asio::mutable_buffer into(body.bytes.data() + have, body.bytes.size() - have);
    const Received got = co_await receive(into);
    if (got.how != How::some) co_return broken(got.how, signal, have);
    have += got.bytes;
    turn += got.bytes;
    if (turn < bytes_a_turn) continue;
    turn = 0;
    co_await asio::post(socket_.get_executor(), asio::use_awaitable);
  }
  co_return std::move(body);
}

asio::awaitable<HttpSession::BodyRead> HttpSession::read_chunked(HeadParser& parser,
                                                                 Signal signal) {
  auto charge = port_.door.room(0);
  if (!charge) co_return no_room(signal);
  GrowingBody growing(port_.door.request_limit(), std::move(*charge));
  parser.collect(&growing);
  parser.eager(true);
  std::optional<Turned> turned = feed_chunks(parser, growing, {}, signal);
  std::size_t turn = 0;
  while (!turned && !parser.is_done()) {
    const asio::mutable_buffer into(port_.scratch.data(), port_.scratch.size());
    const Received got = co_await receive(into);
    if (got.how != How::some) co_return broken(got.how, signal, growing.size());
    turned = feed_chunks(parser, growing, {port_.scratch.data(), got.bytes}, signal);
    turn += got.bytes;
    if (turn < bytes_a_turn) continue;
    turn = 0;
    co_await asio::post(socket_.get_executor(), asio::use_awaitable);
  }
  if (turned) co_return *std::move(turned);
  Body body{growing.take_body(), growing.take_charge()};
  co_return std::move(body);
}

/// What came goes from the scratch straight into the body; only what can't be used yet is carried.
std::optional<Turned> HttpSession::feed_chunks(HeadParser& parser, GrowingBody& growing,
                                               std::string_view came, Signal signal) {
  const bool carried = !carry_.empty();
  if (carried) {
    carry_.append(came);
    came = carry_;
  }
  if (came.empty()) return std::nullopt;
  // asked for, so that bodies that are on disk are let go; taken by what really is appended
  if (const std::size_t more = growing.wants(came.size()); more != 0) port_.door.room(more);
  error_code ec;
  const std::size_t used = parser.put(asio::buffer(came.data(), came.size()), ec);
  if (growing.stopped() == GrowingBody::Stop::no_room) {
    Turned turned = no_room(signal);
    turned.body_begun = true;
    return turned;
  }
  Turned turned{.status = 400, .body_begun = true};
  if (growing.stopped() == GrowingBody::Stop::too_large) {
    turned.status = 413;
    turned.reason = ledger::Reason::too_large;
    turned.message = fmt::format(
        "the request has more than {} bytes, the limit (FORAGER_REQUEST_LIMIT); send smaller "
        "batches",
        port_.door.request_limit());
    return turned;
  }
  if ((ec && ec != http::error::need_more) ||
      (!parser.is_done() && came.size() - used > HeadParser::limit)) {
    turned.reason = ledger::Reason::malformed;
    turned.message = "the chunks of the request are malformed";
    return turned;
  }
  if (carried) {
    carry_.erase(0, used);
  } else {
    carry_.assign(came.substr(used));
  }
  return std::nullopt;
}

HttpSession::BodyRead HttpSession::broken(How how, Signal signal, std::size_t got) {
  if (how == How::late) {
    ++port_.counters.timeouts;
    Turned turned{.status = 408, .body_begun = true};
    turned.reason = ledger::Reason::aborted_upload;
    turned.message = fmt::format("the body took too long; {} bytes of it came", got);
    return turned;
  }
  ++port_.counters.aborted_uploads;
  if (how == How::reset) {
    port_.door.book_refusal(signal, ledger::Reason::aborted_upload);
    return Gone{};
  }
  Turned turned{.status = 400,
                .body_begun = true};  // the client may have closed its half only, and read
  turned.reason = ledger::Reason::aborted_upload;
  turned.message = fmt::format("the body ended after {} bytes, before its announced end", got);
  return turned;
}

Turned HttpSession::no_room(Signal signal) {
  admit::Refused refused = port_.door.turn_away(signal, admit::Refused::Kind::busy, "");
  Turned turned{.status = status_of(refused.kind)};
  turned.message = std::move(refused.message);
  turned.retry_after = refused.retry_after;
  return turned;  // booked already: no reason here
}

}  // namespace forager::receive
