// Where a destination lives: the parts of http(s)://host[:port][/prefix], checked once so that
// nothing behind can be surprised.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace forager::net {

struct Origin {
  bool tls = true;
  std::string host;  ///< lower case, an IPv6 address without its brackets
  std::uint16_t port = 443;
  std::string prefix;  ///< path before the request's own, without a trailing slash; usually empty

  /// host:port as the Host header has it: no default port, IPv6 in brackets.
  std::string authority() const;
  /// host:port, always with the port: for CONNECT and for messages.
  std::string endpoint() const;
};

/// Refuses, with the reason and `text` without user info: other schemes, credentials in the URL, a
/// query or fragment, a bad port.
Result<Origin> parse_origin(std::string_view text);

/// "host:port" with IPv6 in brackets.
std::string endpoint_of(std::string_view host, std::uint16_t port);

/// Splits host[:port], [v6]:port and bare v6; the port stays 0 where none is given. The host is
/// lower case, without brackets.
struct HostPort {
  std::string host;
  std::uint16_t port = 0;
};
Result<HostPort> parse_host_port(std::string_view text);

}  // namespace forager::net
