// One HTTP/1.1 exchange over plain sockets, synchronous: for the commands that ask a Forager on
// this machine (healthcheck, demo). No TLS, no redirect, no keep-alive; `run` never uses it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace forager::admin {

struct PlainAddress {
  std::string host;  ///< name or address without brackets; "localhost" is 127.0.0.1, then ::1
  std::uint16_t port = 0;
  std::string unix_path;  ///< instead of host and port

  /// As in a URL: "127.0.0.1:4318", "[::1]:4318", "unix:/run/forager.sock".
  std::string text() const;
};

struct PlainRequest {
  std::string_view method = "GET";
  std::string_view target = "/";
  std::string_view content_type;  ///< of the body; empty: none
  std::string_view body;
};

struct PlainResponse {
  int status = 0;
  std::string body;  ///< at most 64 MiB
};

/// From connect to the last byte within `limit` (a name server's delay excepted). A fault says what
/// happened and where ("connection refused at 127.0.0.1:4318"); what to do about it is the caller's
/// to add.
Result<PlainResponse> plain_exchange(const PlainAddress& at, const PlainRequest& request,
                                     std::chrono::milliseconds limit);

}  // namespace forager::admin
