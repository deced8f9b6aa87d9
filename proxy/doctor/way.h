// The way to one destination, step by step: name, connection, proxy, TLS; the first broken one is
// named. Each step is taken with the code that delivers.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "base/async.h"
#include "doctor/finding.h"
#include "net/message.h"
#include "net/proxy.h"
#include "net/tls.h"
#include "net/url.h"

namespace forager::doctor {

/// What is walked.
struct Way {
  std::string named;  ///< the destination
  net::Origin origin;
  std::optional<net::Proxy> proxy{};
  std::string setting;     ///< that names the endpoint
  std::string ca_setting;  ///< that names a CA for it
};

struct Walked {
  std::vector<Finding> findings;
  bool arrived = false;  ///< no step failed
};

/// `url` as the destination has it; the setting by the destination's name.
Result<Way> way_to(std::string_view named, std::string_view url, std::string_view https_proxy,
                   std::string_view no_proxy);

/// io thread. At most `patience` for each step. `tls` outlives it.
asio::awaitable<Walked> walk(asio::any_io_executor executor, Way way, net::Tls& tls,
                             Duration patience);

// Pure, for tests.

/// `error`: in words, of the look-up of `host`.
Finding judge_name_failure(const Way& way, std::string_view host, std::string_view error,
                           bool late);
/// Of CONNECT or TLS.
Finding judge_opening(const Way& way, const net::TransportError& error);
/// No encryption: fine on this machine, and a danger to keys elsewhere.
Finding judge_plain(const Way& way);

}  // namespace forager::doctor
