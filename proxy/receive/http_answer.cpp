// What a session answers, and whether its connection goes on after that.
#include <algorithm>

#include <fmt/format.h>

#include "otlp/reply.h"
#include "receive/http_session.h"

namespace forager::receive {
namespace {

using std::chrono::seconds;

// read and thrown away in order to keep the connection; above it a new connection is cheaper
constexpr std::uint64_t discard_bytes = 1U << 20U;

constexpr std::string_view http2_text =
    "this is the OTLP/HTTP port, and it speaks HTTP/1.1; gRPC is on port 4317\n";

std::string render_status(Reply reply, otlp::Encoding encoding, std::string_view message) {
  reply.content_type = otlp::content_type(encoding);
  return render(
      reply, otlp::status_body(encoding, grpc_code_of(reply.status), message, reply.retry_after));
}

}  // namespace

asio::awaitable<void> HttpSession::refuse() {
  Reply reply;
  reply.status = 503;
  reply.retry_after = seconds(1);
  reply.keep = Keep::close;
  ++port_.counters.answers[reply.status];
  const std::string bytes = render_status(
      reply, otlp::Encoding::json, "too many connections (FORAGER_CONNECTIONS); send again later");
  const bool sent = co_await send(bytes);
  if (sent) co_await linger();
}

asio::awaitable<void> HttpSession::answer_bad_head(Heard heard) {
  Reply reply;
  reply.keep = Keep::close;
  std::string bytes;
  switch (heard) {
    case Heard::request:
    case Heard::gone:
      co_return;
    case Heard::late:
      ++port_.counters.timeouts;
      reply.status = 408;
      bytes = render_status(reply, otlp::Encoding::json, "the header of the request took too long");
      break;
    case Heard::no_room:
      reply.status = 503;
      reply.retry_after = seconds(1);
      bytes = render_status(reply, otlp::Encoding::json,
                            "no memory for the header (FORAGER_MEMORY_LIMIT)");
      break;
    case Heard::too_large:
      reply.status = 431;
      bytes = render_status(
          reply, otlp::Encoding::json,
          fmt::format("the header of the request has more than {} bytes", HeadParser::limit));
      break;
    case Heard::malformed:
      reply.status = 400;
      bytes = render_status(reply, otlp::Encoding::json, "this is not an HTTP/1.1 request");
      break;
    case Heard::tls:
    case Heard::http2:
      reply.status = 400;
      reply.content_type = "text/plain";
      bytes = render(reply, heard == Heard::http2
                                ? http2_text
                                : "this port takes plain HTTP: http:// instead of https://\n");
      break;
  }
  if (heard != Heard::late) ++port_.counters.bad_headers;
  ++port_.counters.answers[reply.status];
  const bool sent = co_await send(bytes);
  if (sent) co_await linger();
}

asio::awaitable<bool> HttpSession::answer(HeadParser& parser, Take take, admit::Outcome outcome) {
  const Head& head = parser.head();
  Reply reply;
  const bool goes_on = parser.keep_alive() && !port_.draining && !port_.closed;
  reply.keep = !goes_on ? Keep::close : head.http_1_0 ? Keep::said : Keep::implied;
  const std::string fields = cors_fields(head, port_.settings.cors_origins);
  reply.fields = fields;
  reply.content_type = otlp::content_type(take.encoding);
  std::string built;
  std::string_view bytes;
  if (auto* const refused = std::get_if<admit::Refused>(&outcome)) {
    reply.status = status_of(refused->kind);
    reply.retry_after = refused->retry_after;
    built = render_status(reply, take.encoding, refused->message);
    bytes = built;
  } else if (const auto& accepted = std::get<admit::Accepted>(outcome);
             accepted.warning.empty() && fields.empty()) {
    bytes = success_reply(take.encoding, reply.keep);
  } else {
    built = render(
        reply, accepted.warning.empty()
                   ? std::string(otlp::success_body(take.encoding))
                   : otlp::partial_success_body(take.signal, take.encoding, 0, accepted.warning));
    bytes = built;
  }
  ++port_.counters.answers[reply.status];
  const bool sent = co_await send(bytes);
  if (sent && !goes_on) co_await linger();
  co_return sent&& goes_on;
}

asio::awaitable<bool> HttpSession::answer_turned(HeadParser& parser, Turned turned) {
  const Head& head = parser.head();
  if (turned.reason && turned.signal) port_.door.book_refusal(*turned.signal, *turned.reason);
  ++port_.counters.answers[turned.status];
  // the rest of the body is in the way of the next request
  const std::uint64_t length = head.length.value_or(0);
  const std::uint64_t unread = length > carry_.size() ? length - carry_.size() : 0;
  const bool goes_on = parser.keep_alive() && !port_.draining && !port_.closed &&
                       !turned.body_begun && !head.chunked && !head.transfer_unknown &&
                       !head.expects_continue && unread <= discard_bytes;
  Reply reply;
  reply.status = turned.status;
  reply.retry_after = turned.retry_after;
  reply.keep = !goes_on ? Keep::close : head.http_1_0 ? Keep::said : Keep::implied;
  reply.bodiless = head.method == Method::head;
  const std::string fields = turned.fields + cors_fields(head, port_.settings.cors_origins);
  reply.fields = fields;
  const std::string bytes =
      turned.bodiless ? render(reply, "") : render_status(reply, turned.encoding, turned.message);
  const bool sent = co_await send(bytes);
  if (!sent) co_return false;
  if (!goes_on) {
    co_await linger();
    co_return false;
  }
  carry_.erase(0, std::min<std::size_t>(carry_.size(), length));
  arm(port_.settings.body_timeout);
  co_await discard(unread);
  co_return !late_;
}

}  // namespace forager::receive
