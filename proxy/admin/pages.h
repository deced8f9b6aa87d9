// From a request of the admin port to its answer, without a socket: checks, routes, and what every
// answer carries.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "admin/host_check.h"
#include "admin/source.h"

namespace forager::admin {

/// The parts of a request that decide its answer.
struct Ask {
  std::string_view method;
  std::string_view target;               ///< path and query
  std::optional<std::string_view> host;  ///< nullopt: none, or more than one
  std::optional<std::string_view> origin;
  std::string_view accept;
  bool by_page = false;  ///< a browser's page asks: it says so in Sec-Fetch-Site
  bool local = true;     ///< from this machine: over loopback or a unix socket
};

struct Page {
  int status = 200;
  std::string content_type;
  std::string body;
  std::string allow;  ///< methods, for 405 alone
};

/// Never throws for input.
Page answer(const Ask& ask, const AdminSource& source, const HostPolicy& hosts);

/// Sent with every answer: no script, no frame, no cache, no guessing of types, no reading from
/// other origins.
std::vector<std::pair<std::string_view, std::string_view>> guard_headers();

}  // namespace forager::admin
