// Who may ask the admin port by which name. Against DNS rebinding: a page from elsewhere can make
// its own name point to 127.0.0.1, but then the browser still says that name in Host. An address,
// or a name without dots, can't be such a name.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace forager::admin {

struct HostPolicy {
  std::vector<std::string> names;  ///< beside localhost: the configured host name, others by wish
  bool loopback_only = true;       ///< bound to loopback: only loopback addresses are plausible
  bool any = false;                ///< unix socket: no browser gets there
};

/// True if the Host value (with or without port) is one this port answers to: localhost,
/// 127.0.0.0/8 and [::1], the configured names; beyond loopback also every IP address and names
/// without a dot (a service of Compose or Kubernetes).
bool host_allowed(std::string_view host, const HostPolicy& policy);

/// True if there is no Origin, or it is that of this page itself. "null" is none of ours.
bool origin_allowed(std::optional<std::string_view> origin, std::string_view host);

}  // namespace forager::admin
