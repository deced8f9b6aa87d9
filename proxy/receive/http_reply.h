// Answers as the bytes that go out: full success is prebuilt, everything else is put together once.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "admit/door.h"
#include "otlp/encoding.h"

namespace forager::receive {

/// What the answer says about the connection. HTTP/1.1 keeps it without a word, HTTP/1.0 only with
/// one.
enum class Keep : std::uint8_t { implied, said, close };

struct Reply {
  int status = 200;
  std::string_view content_type;  ///< empty: no body and no Content-Length (204)
  std::string_view fields;        ///< more header lines, each with its CRLF
  std::optional<std::chrono::seconds> retry_after;
  Keep keep = Keep::implied;
  bool bodiless = false;  ///< to HEAD: the length is said, the body isn't sent
};

std::string render(const Reply& reply, std::string_view body);

/// Full success (PROTOCOLS 1.4); static, so nothing is built for it.
std::string_view success_reply(otlp::Encoding encoding, Keep keep);

/// HTTP status and google.rpc.Code of a refusal at the door (PROTOCOLS 1.4).
int status_of(admit::Refused::Kind kind);
/// The google.rpc.Code that goes into the Status of an HTTP answer.
int grpc_code_of(int status);

}  // namespace forager::receive
