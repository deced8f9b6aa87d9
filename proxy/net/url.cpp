#include "net/url.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace forager::net {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

std::string lower_case(std::string_view text) {
  std::string made(text);
  std::transform(made.begin(), made.end(), made.begin(), lower);
  return made;
}

bool is_host_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_';
}

bool is_v6_char(char c) {
  return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'f') || c == ':' || c == '.';
}

/// Visible ASCII only: what can't break a request line.
bool is_path_char(char c) { return c > 0x20 && c < 0x7f; }

Result<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (ec != std::errc{} || end != text.data() + text.size() || port == 0) {
    return fault(fmt::format("'{}' is not a port from 1 to 65535", text));
  }
  return port;
}

Result<HostPort> parse_bracketed(std::string_view text) {
  const std::size_t close = text.find(']');
  if (close == std::string_view::npos) return fault("the closing ] of the address is missing");
  const std::string_view host = text.substr(1, close - 1);
  if (host.find(':') == std::string_view::npos ||
      !std::all_of(host.begin(), host.end(), is_v6_char)) {
    return fault(fmt::format("'{}' is not an IPv6 address", host));
  }
  HostPort made{lower_case(host), 0};
  const std::string_view rest = text.substr(close + 1);
  if (rest.empty()) return made;
  if (rest.front() != ':') return fault("after ] only :port may follow");
  const auto port = parse_port(rest.substr(1));
  if (!port) return port.error();
  made.port = *port;
  return made;
}

}  // namespace

std::string endpoint_of(std::string_view host, std::uint16_t port) {
  const bool v6 = host.find(':') != std::string_view::npos;
  return v6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

std::string Origin::endpoint() const { return endpoint_of(host, port); }

std::string Origin::authority() const {
  if (port != (tls ? 443 : 80)) return endpoint();
  return host.find(':') == std::string::npos ? host : fmt::format("[{}]", host);
}

Result<HostPort> parse_host_port(std::string_view text) {
  if (text.empty()) return fault("the host is empty");
  if (text.front() == '[') return parse_bracketed(text);
  const std::size_t colon = text.find(':');
  const bool bare_v6 =
      colon != std::string_view::npos && text.find(':', colon + 1) != std::string_view::npos;
  if (bare_v6) {
    if (!std::all_of(text.begin(), text.end(), is_v6_char)) {
      return fault(fmt::format("'{}' is neither host:port nor an IPv6 address", text));
    }
    return HostPort{lower_case(text), 0};
  }
  const std::string_view host = text.substr(0, colon);
  if (host.empty()) return fault("the host is empty");
  if (!std::all_of(host.begin(), host.end(), is_host_char)) {
    return fault(fmt::format("'{}' has a character that no host name has", host));
  }
  HostPort made{lower_case(host), 0};
  if (colon == std::string_view::npos) return made;
  const auto port = parse_port(text.substr(colon + 1));
  if (!port) return port.error();
  made.port = *port;
  return made;
}

Result<Origin> parse_origin(std::string_view text) {
  const std::size_t scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos) {
    const std::size_t at = text.rfind('@');  // what stands before it may be a password
    const std::string_view shown = at == std::string_view::npos ? text : text.substr(at + 1);
    return fault(fmt::format("'{}' is not a URL: write https://host", shown));
  }
  const std::string scheme = lower_case(text.substr(0, scheme_end));
  if (scheme != "https" && scheme != "http") {
    return fault(fmt::format("the scheme '{}' is not known: use https or http", scheme));
  }
  Origin made;
  made.tls = scheme == "https";
  const std::string_view rest = text.substr(scheme_end + 3);
  const std::size_t slash = rest.find_first_of("/?#");
  const std::string_view authority = rest.substr(0, slash);
  if (authority.find('@') != std::string_view::npos) {
    return fault("a URL must not hold user:password; give credentials in their own setting");
  }
  const auto where = parse_host_port(authority);
  if (!where) return fault(fmt::format("in '{}': {}", text, where.error().what));
  made.host = where->host;
  made.port = where->port != 0 ? where->port : static_cast<std::uint16_t>(made.tls ? 443 : 80);
  if (slash == std::string_view::npos) return made;
  std::string_view path = rest.substr(slash);
  if (path.find_first_of("?#") != std::string_view::npos) {
    return fault(fmt::format("in '{}': a query or fragment has no meaning here",
                             text.substr(0, text.find_first_of("?#"))));
  }
  if (!std::all_of(path.begin(), path.end(), is_path_char)) {
    return fault("the path of the URL has a space, a control or a non-ASCII character");
  }
  while (path.ends_with('/')) path.remove_suffix(1);
  made.prefix = path;
  return made;
}

}  // namespace forager::net
