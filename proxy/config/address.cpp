// The values that name places: listeners, endpoints, proxies, browser origins.
#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "config/values.h"

namespace forager::config {
namespace {

constexpr std::string_view listen_fix =
    "is not an address to listen at; write host:port such as localhost:4318, :4318 for all "
    "interfaces, unix:/path, or off";

std::optional<std::uint16_t> port_of(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return port;
}

bool is_host(std::string_view text) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
  };
  return !text.empty() && std::ranges::all_of(text, fits);
}

bool is_ipv6(std::string_view text) {
  return text.find(':') != std::string_view::npos &&
         text.find_first_not_of("0123456789abcdefABCDEF:.%") == std::string_view::npos;
}

struct Authority {
  std::string_view host;  ///< IPv6 without brackets
  std::string_view port;  ///< without the colon
  bool has_port = false;
};

/// "host", "host:port", "[v6]", "[v6]:port"; nothing if it is none of them. The port isn't looked
/// at.
std::optional<Authority> split_authority(std::string_view text) {
  Authority made;
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == std::string_view::npos || !is_ipv6(text.substr(1, close - 1))) return std::nullopt;
    made.host = text.substr(1, close - 1);
    text.remove_prefix(close + 1);
    if (text.empty()) return made;
    if (!text.starts_with(':')) return std::nullopt;
    made.port = text.substr(1);
    made.has_port = true;
    return made;
  }
  const auto colon = text.find(':');
  made.host = text.substr(0, colon);
  if (colon != std::string_view::npos) {
    made.port = text.substr(colon + 1);
    made.has_port = true;
  }
  if (!made.host.empty() && !is_host(made.host)) return std::nullopt;
  return made;
}

/// The fault of "host[:port]" in a URL, or nothing.
std::optional<Fault> wrong_authority(std::string_view text) {
  const auto authority = split_authority(text);
  if (!authority || authority->host.empty()) {
    return fault("has no valid host name; write it as https://host or https://host:port");
  }
  if (authority->has_port && port_of(authority->port).value_or(0) == 0) {
    return fault("has no valid port; a port is a number from 1 to 65535");
  }
  return std::nullopt;
}

struct Url {
  std::string_view scheme;
  std::string_view authority;
  std::string_view rest;
};

std::optional<Url> split_url(std::string_view text) {
  const auto colon = text.find("://");
  if (colon == std::string_view::npos) return std::nullopt;
  Url made;
  made.scheme = text.substr(0, colon);
  text.remove_prefix(colon + 3);
  const auto end = std::min(text.find_first_of("/?#"), text.size());
  made.authority = text.substr(0, end);
  made.rest = text.substr(end);
  return made;
}

}  // namespace

Result<Listen> parse_listen(std::string_view text) {
  if (text == "off") return Listen{true, {}, 0, {}, false};
  if (text.starts_with("unix:")) {
    const auto path = text.substr(5);
    if (!path.starts_with('/')) {
      return fault("needs an absolute path; write unix:/path, such as unix:/run/forager/otlp.sock");
    }
    // sockaddr_un holds 108 bytes with the terminating zero (unix(7)).
    if (path.size() > 107) return fault("is too long for a unix socket; use at most 107 bytes");
    return Listen{false, {}, 0, std::string(path), false};
  }
  if (text.find("://") != std::string_view::npos) {
    return fault("is a URL; write only host:port, such as localhost:4318");
  }
  if (const auto port = port_of(text)) {
    return fault(fmt::format(
        "has no host; write localhost:{0} for this machine or :{0} for all interfaces", *port));
  }
  if (!text.starts_with('[') && std::ranges::count(text, ':') > 1) {
    return fault("is an IPv6 address without brackets; write [::1]:4318");
  }
  const auto authority = split_authority(text);
  if (!authority || (authority->host.empty() && text.starts_with('['))) {
    return fault(std::string(listen_fix));
  }
  if (!authority->has_port) return fault(fmt::format("{}", listen_fix));
  const auto port = port_of(authority->port);
  if (!port) return fault("has no valid port; a port is a number from 0 (any free one) to 65535");
  if (authority->host.empty()) return Listen{false, "0.0.0.0", *port, {}, true};
  return Listen{false, std::string(authority->host), *port, {}, false};
}

std::string format_listen(const Listen& listen) {
  if (listen.off) return "off";
  if (!listen.unix_path.empty()) return "unix:" + listen.unix_path;
  if (listen.all_interfaces) return fmt::format(":{}", listen.port);
  const bool v6 = listen.host.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", v6 ? "[" : "", listen.host, v6 ? "]" : "", listen.port);
}

Result<std::string> parse_endpoint(std::string_view text) {
  const auto url = split_url(text);
  if (!url || (url->scheme != "https" && url->scheme != "http")) {
    return fault("is not an http or https URL; write it as https://host or https://host:port");
  }
  if (url->authority.find('@') != std::string_view::npos) {
    return fault(
        "has a user name in it; credentials don't belong into a URL; set them by their own "
        "setting");
  }
  if (auto wrong = wrong_authority(url->authority)) return *wrong;
  if (url->rest.find_first_of("?#") != std::string_view::npos) {
    return fault("has a query or a fragment; write only https://host");
  }
  if (url->rest.find_first_of(" \t\r\n\\\"<>") != std::string_view::npos) {
    return fault("has a character in it that no URL has; write only https://host");
  }
  for (const auto* path : {"/v1/traces", "/v1/metrics", "/v1/logs"}) {
    if (url->rest.find(path) != std::string_view::npos) {
      return fault(fmt::format("has {} in it, which Forager adds by itself; leave it out", path));
    }
  }
  const auto end = text.find_last_not_of('/');
  return std::string(text.substr(0, end + 1));
}

Result<Listen> parse_admin_url(std::string_view text) {
  const auto url = split_url(text);
  if (!url || url->scheme != "http" || (!url->rest.empty() && url->rest != "/")) {
    return fault(
        "is not an address to ask; write http://host:port, such as http://localhost:13133");
  }
  if (auto wrong = wrong_authority(url->authority)) return *wrong;
  const auto authority = split_authority(url->authority);
  const auto port = authority->has_port ? port_of(authority->port) : std::uint16_t{80};
  return Listen{false, std::string(authority->host), port.value_or(0), {}, false};
}

Result<std::string> parse_proxy(std::string_view text) {
  const auto full = split_url(text) ? std::string(text) : fmt::format("http://{}", text);
  const auto url = split_url(full);
  if (url->scheme != "http") {
    return fault("is not an http proxy; write http://host:port (what goes through it is TLS)");
  }
  const auto at = url->authority.rfind('@');
  const auto host = at == std::string_view::npos ? url->authority : url->authority.substr(at + 1);
  if (auto wrong = wrong_authority(host)) return *wrong;
  if (!url->rest.empty() && url->rest != "/") {
    return fault("has a path; write only http://host:port");
  }
  return full.substr(0, full.size() - url->rest.size());
}

std::string without_userinfo(std::string_view url) {
  const auto begin = url.find("://");
  const auto from = begin == std::string_view::npos ? 0 : begin + 3;
  const auto at = url.rfind('@');  // a raw password may hold any of :/?#
  if (at == std::string_view::npos || at < from) return std::string(url);
  return fmt::format("{}[secret]{}", url.substr(0, from), url.substr(at));
}

Result<std::vector<std::string>> parse_origins(std::string_view text) {
  auto origins = split_list(text);
  for (const std::string& origin : origins) {
    const auto url = split_url(origin);
    const bool fits = url && (url->scheme == "http" || url->scheme == "https") &&
                      url->rest.empty() && url->authority.find('@') == std::string_view::npos &&
                      !wrong_authority(url->authority);
    if (!fits && origin != "*") {
      return fault(
          "is not a list of browser origins; write them as https://app.example.com or "
          "http://localhost:3000, at commas, without a path, or * for every one");
    }
  }
  return origins;
}

}  // namespace forager::config
