#include "receive/http_reply.h"

#include <array>

#include <fmt/format.h>

namespace forager::receive {
namespace {

struct StatusFacts {
  int status;
  std::string_view reason;
  int grpc_code;
};
// 429 and 503 alone are retried by OTLP clients (PROTOCOLS 1.4); the others end the request
constexpr std::array<StatusFacts, 16> statuses{{{200, "OK", 0},
                                                {204, "No Content", 0},
                                                {400, "Bad Request", 3},
                                                {401, "Unauthorized", 16},
                                                {404, "Not Found", 5},
                                                {405, "Method Not Allowed", 12},
                                                {408, "Request Timeout", 4},
                                                {411, "Length Required", 3},
                                                {413, "Content Too Large", 8},
                                                {415, "Unsupported Media Type", 3},
                                                {417, "Expectation Failed", 3},
                                                {429, "Too Many Requests", 8},
                                                {431, "Request Header Fields Too Large", 3},
                                                {500, "Internal Server Error", 13},
                                                {501, "Not Implemented", 12},
                                                {503, "Service Unavailable", 14}}};

const StatusFacts& facts_of(int status) {
  for (const StatusFacts& f : statuses) {
    if (f.status == status) return f;
  }
  return facts_of(500);
}

std::string_view connection_field(Keep keep) {
  switch (keep) {
    case Keep::implied:
      return {};
    case Keep::said:
      return "Connection: keep-alive\r\n";
    case Keep::close:
      return "Connection: close\r\n";
  }
  return {};
}

}  // namespace

std::string render(const Reply& reply, std::string_view body) {
  const StatusFacts& f = facts_of(reply.status);
  std::string out = fmt::format("HTTP/1.1 {} {}\r\n", f.status, f.reason);
  if (!reply.content_type.empty()) {
    fmt::format_to(std::back_inserter(out), "Content-Type: {}\r\nContent-Length: {}\r\n",
                   reply.content_type, body.size());
  }
  if (reply.retry_after) {
    fmt::format_to(std::back_inserter(out), "Retry-After: {}\r\n", reply.retry_after->count());
  }
  out.append(reply.fields).append(connection_field(reply.keep)).append("\r\n");
  if (!reply.content_type.empty() && !reply.bodiless) out.append(body);
  return out;
}

std::string_view success_reply(otlp::Encoding encoding, Keep keep) {
  static const auto prebuilt = [] {
    std::array<std::string, 6> made;
    for (const otlp::Encoding e : {otlp::Encoding::protobuf, otlp::Encoding::json}) {
      for (const Keep k : {Keep::implied, Keep::said, Keep::close}) {
        Reply reply;
        reply.content_type = otlp::content_type(e);
        reply.keep = k;
        made[static_cast<std::size_t>(e) * 3 + static_cast<std::size_t>(k)] =
            render(reply, e == otlp::Encoding::json ? "{}" : "");
      }
    }
    return made;
  }();
  return prebuilt[static_cast<std::size_t>(encoding) * 3 + static_cast<std::size_t>(keep)];
}

int status_of(admit::Refused::Kind kind) {
  switch (kind) {
    case admit::Refused::Kind::malformed:
      return 400;
    case admit::Refused::Kind::unauthenticated:
      return 401;
    case admit::Refused::Kind::too_large:
      return 413;
    case admit::Refused::Kind::busy:
      return 429;
    case admit::Refused::Kind::unavailable:
      return 503;
  }
  return 500;
}

int grpc_code_of(int status) { return facts_of(status).grpc_code; }

}  // namespace forager::receive
