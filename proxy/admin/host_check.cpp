#include "admin/host_check.h"

#include <algorithm>
#include <arpa/inet.h>

#include <boost/algorithm/string/predicate.hpp>

namespace forager::admin {

namespace {

using boost::algorithm::iequals;

struct HostName {
  std::string name;  ///< without port, brackets and the dot of the root
  bool bracketed = false;
};

/// nullopt: not a Host value at all.
std::optional<HostName> split_host(std::string_view host) {
  HostName split;
  std::string_view port;
  if (host.starts_with('[')) {
    const auto end = host.find(']');
    if (end == host.npos) return std::nullopt;
    split.bracketed = true;
    split.name = host.substr(1, end - 1);
    port = host.substr(end + 1);
  } else {
    const auto colon = std::min(host.find(':'), host.size());
    split.name = host.substr(0, colon);
    port = host.substr(colon);
    if (split.name.ends_with('.')) split.name.pop_back();
  }
  const bool port_ok = port.empty() || (port.starts_with(':') &&
                                        std::all_of(port.begin() + 1, port.end(),
                                                    [](char c) { return c >= '0' && c <= '9'; }));
  if (!port_ok || split.name.empty()) return std::nullopt;
  return split;
}

bool is_ipv4(const std::string& name) {
  in_addr address{};
  return inet_pton(AF_INET, name.c_str(), &address) == 1;
}

bool is_ipv6(const std::string& name) {
  in6_addr address{};
  return inet_pton(AF_INET6, name.c_str(), &address) == 1;
}

bool is_loopback_address(const std::string& name) {
  in6_addr six{};
  if (is_ipv4(name)) return name.starts_with("127.");
  return inet_pton(AF_INET6, name.c_str(), &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

}  // namespace

bool host_allowed(std::string_view host, const HostPolicy& policy) {
  if (policy.any) return true;
  const auto split = split_host(host);
  if (!split) return false;
  if (split->bracketed != is_ipv6(split->name)) return false;
  const auto is_it = [&](const std::string& name) { return iequals(name, split->name); };
  if (iequals(split->name, "localhost") || is_loopback_address(split->name)) return true;
  if (std::ranges::any_of(policy.names, is_it)) return true;
  if (policy.loopback_only) return false;
  return split->bracketed || is_ipv4(split->name) || split->name.find('.') == std::string::npos;
}

bool origin_allowed(std::optional<std::string_view> origin, std::string_view host) {
  constexpr std::string_view scheme = "http://";
  if (!origin) return true;
  return origin->starts_with(scheme) && iequals(origin->substr(scheme.size()), host);
}

}  // namespace forager::admin
