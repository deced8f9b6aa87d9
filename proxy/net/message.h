// What goes over the wire to a destination and what comes back: plain values, no I/O.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/secret.h"

namespace forager::net {

/// One header. Values that are credentials are Secret, so a request can be printed without leaking
/// one.
struct Header {
  std::string name;
  std::string value;
};

/// An HTTP/1.1 request to a destination's fixed origin. `body` is sent as it is (already
/// compressed).
struct Request {
  std::string method = "POST";
  std::string target = "/";  ///< path and query, never a secret
  std::vector<Header> headers;
  std::vector<std::pair<std::string, Secret>> secret_headers;
  Chain body;
};

struct Response {
  int status = 0;
  std::vector<Header> headers;
  std::string body;  ///< at most what the transport was told to read (4 MiB, PROTOCOLS 1.3)

  /// First header of that name, compared without case.
  std::optional<std::string_view> header(std::string_view name) const {
    const auto same = [](char a, char b) {
      const auto lower = [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
      };
      return lower(a) == lower(b);
    };
    for (const Header& h : headers) {
      if (std::equal(h.name.begin(), h.name.end(), name.begin(), name.end(), same)) return h.value;
    }
    return std::nullopt;
  }
};

/// Why no response came. All of these are retried; the words are for the log and for /status.
struct TransportError {
  enum class Kind { resolve, connect, proxy, tls, timeout, reset, protocol, stopped };
  Kind kind = Kind::connect;
  std::string what;  ///< with host, port and the fix where one is known; never a header or a body
};

}  // namespace forager::net
