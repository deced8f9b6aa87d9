// Whether a destination is reached through a forward proxy, decided from HTTPS_PROXY and NO_PROXY
// as curl and Go do. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "net/url.h"

namespace forager::net {

/// A forward proxy that understands CONNECT, spoken to in plain HTTP (TLS to the destination goes
/// through it untouched).
struct Proxy {
  std::string host;
  std::uint16_t port = 80;
  Secret basic;  ///< base64(user:password), percent-decoded before; empty: none
  std::string endpoint() const { return endpoint_of(host, port); }
};

/// `setting`: [http://][user:password@]host[:port], port 80 unless given. https:// and socks are
/// refused in words. The fault never repeats the user info.
Result<Proxy> parse_proxy(std::string_view setting);

/// True where `no_proxy` (comma list: `*`, host or .suffix, IP, CIDR, each with an optional :port)
/// names this host, and always for localhost and loopback addresses. A host name matches itself and
/// its subdomains, .suffix only subdomains (Go's rules).
bool bypasses_proxy(std::string_view no_proxy, std::string_view host, std::uint16_t port);

/// nullopt: straight to the origin. Only https origins are proxied: HTTPS_PROXY is about them, and
/// CONNECT needs TLS inside.
Result<std::optional<Proxy>> choose_proxy(const Origin& origin, std::string_view https_proxy,
                                          std::string_view no_proxy);

}  // namespace forager::net
