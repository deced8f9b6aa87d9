#include "net/proxy.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <cstring>

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

namespace forager::net {
namespace {

/// An IPv4 address as its IPv6-mapped form, so that one comparison serves both.
using Address = std::array<unsigned char, 16>;
constexpr std::size_t v4_offset = 12;

std::optional<Address> parse_address(std::string_view text) {
  const std::string terminated(text);
  Address made{};
  if (inet_pton(AF_INET6, terminated.c_str(), made.data()) == 1) return made;
  made[10] = made[11] = 0xff;
  if (inet_pton(AF_INET, terminated.c_str(), made.data() + v4_offset) == 1) return made;
  return std::nullopt;
}

bool is_v4(const Address& a) {
  return std::all_of(a.begin(), a.begin() + 10, [](unsigned char c) { return c == 0; }) &&
         a[10] == 0xff && a[11] == 0xff;
}

bool is_loopback(const Address& a) {
  if (is_v4(a)) return a[v4_offset] == 127;
  return a[15] == 1 && std::all_of(a.begin(), a.end() - 1, [](unsigned char c) { return c == 0; });
}

bool same_prefix(const Address& a, const Address& b, unsigned bits) {
  const std::size_t whole = bits / 8;
  if (!std::equal(a.begin(), a.begin() + whole, b.begin())) return false;
  const unsigned rest = bits % 8;
  if (rest == 0) return true;
  const auto mask = static_cast<unsigned>(0xff00U >> rest) & 0xffU;
  return (a[whole] & mask) == (b[whole] & mask);
}

bool in_network(std::string_view cidr, std::size_t slash, const Address& address) {
  const auto network = parse_address(cidr.substr(0, slash));
  if (!network || is_v4(*network) != is_v4(address)) return false;
  unsigned bits = 0;
  const std::string_view digits = cidr.substr(slash + 1);
  const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (ec != std::errc{} || end != digits.data() + digits.size()) return false;
  if (bits > (is_v4(address) ? 32U : 128U)) return false;
  return same_prefix(*network, address, bits + (is_v4(address) ? 96U : 0U));
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool names_host(std::string_view entry, std::string_view host) {
  const bool only_below = entry.starts_with('.') || entry.starts_with("*.");
  if (entry.starts_with('*')) entry.remove_prefix(1);
  if (entry.starts_with('.')) entry.remove_prefix(1);
  if (entry.ends_with('.')) entry.remove_suffix(1);
  if (entry.empty()) return false;
  if (!only_below && host == entry) return true;
  return host.size() > entry.size() && host.ends_with(entry) &&
         host[host.size() - entry.size() - 1] == '.';
}

/// One entry of NO_PROXY as host and port (0: any); brackets of an IPv6 address are gone. nullopt:
/// not to be understood.
struct Entry {
  std::string_view host;
  std::string_view port;
};
std::optional<Entry> split(std::string_view entry) {
  if (entry.starts_with('[')) {
    const std::size_t close = entry.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    const std::string_view rest = entry.substr(close + 1);
    if (!rest.empty() && rest.front() != ':') return std::nullopt;
    return Entry{entry.substr(1, close - 1), rest.empty() ? rest : rest.substr(1)};
  }
  const std::size_t colon = entry.find(':');
  const bool one_colon =
      colon != std::string_view::npos && entry.find(':', colon + 1) == std::string_view::npos;
  if (!one_colon) return Entry{entry, {}};
  return Entry{entry.substr(0, colon), entry.substr(colon + 1)};
}

bool matches(std::string_view raw, std::string_view host, std::uint16_t port,
             const std::optional<Address>& address) {
  std::string entry(raw);
  std::transform(entry.begin(), entry.end(), entry.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (entry == "*") return true;
  if (const std::size_t slash = entry.find('/'); slash != std::string::npos) {
    return address && in_network(entry, slash, *address);
  }
  const auto parts = split(entry);
  if (!parts || (!parts->port.empty() && parts->port != std::to_string(port))) return false;
  if (const auto wanted = parse_address(parts->host)) return address && *wanted == *address;
  return !address && names_host(parts->host, host);
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// base64 of the percent-decoded user info, in one buffer that is wiped.
Secret basic_of(std::string_view user_info) {
  std::string plain;
  plain.reserve(user_info.size());  // no copy is left behind by growing
  for (std::size_t i = 0; i < user_info.size(); ++i) {
    const bool escaped = user_info[i] == '%' && i + 2 < user_info.size() &&
                         hex_digit(user_info[i + 1]) >= 0 && hex_digit(user_info[i + 2]) >= 0;
    plain += escaped
                 ? static_cast<char>(hex_digit(user_info[i + 1]) * 16 + hex_digit(user_info[i + 2]))
                 : user_info[i];
    if (escaped) i += 2;
  }
  std::string coded(4 * ((plain.size() + 2) / 3) + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(coded.data()),
                                   reinterpret_cast<const unsigned char*>(plain.data()),
                                   static_cast<int>(plain.size()));
  coded.resize(static_cast<std::size_t>(size));
  OPENSSL_cleanse(plain.data(), plain.size());
  return Secret(std::move(coded));
}

}  // namespace

Result<Proxy> parse_proxy(std::string_view setting) {
  setting = trimmed(setting);
  if (const std::size_t scheme_end = setting.find("://"); scheme_end != std::string_view::npos) {
    const std::string_view scheme = setting.substr(0, scheme_end);
    if (scheme != "http" && scheme != "HTTP") {
      return fault(
          fmt::format("HTTPS_PROXY: a proxy spoken to by {} is not supported; use http://host:port "
                      "(what goes to the destination is encrypted all the same)",
                      scheme));
    }
    setting.remove_prefix(scheme_end + 3);
  }
  Proxy made;
  if (const std::size_t at = setting.rfind('@'); at != std::string_view::npos) {
    made.basic = basic_of(setting.substr(0, at));
    setting.remove_prefix(at + 1);
  }
  while (setting.ends_with('/')) setting.remove_suffix(1);
  const auto where = parse_host_port(setting);
  if (!where)
    return fault(
        fmt::format("HTTPS_PROXY: {}; write http://[user:password@]host:port", where.error().what));
  made.host = where->host;
  made.port = where->port != 0 ? where->port : 80;
  return made;
}

bool bypasses_proxy(std::string_view no_proxy, std::string_view host, std::uint16_t port) {
  if (host.ends_with('.')) host.remove_suffix(1);
  const auto address = parse_address(host);
  if (host == "localhost" || host.ends_with(".localhost") || (address && is_loopback(*address)))
    return true;
  while (!no_proxy.empty()) {
    const std::size_t comma = no_proxy.find(',');
    const std::string_view entry = trimmed(no_proxy.substr(0, comma));
    if (!entry.empty() && matches(entry, host, port, address)) return true;
    if (comma == std::string_view::npos) break;
    no_proxy.remove_prefix(comma + 1);
  }
  return false;
}

Result<std::optional<Proxy>> choose_proxy(const Origin& origin, std::string_view https_proxy,
                                          std::string_view no_proxy) {
  if (!origin.tls || trimmed(https_proxy).empty()) return std::optional<Proxy>{};
  if (bypasses_proxy(no_proxy, origin.host, origin.port)) return std::optional<Proxy>{};
  auto proxy = parse_proxy(https_proxy);
  if (!proxy) return proxy.error();
  return std::optional<Proxy>(std::move(*proxy));
}

}  // namespace forager::net
