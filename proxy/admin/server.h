// The admin port: serves the pages of admin/pages.h over HTTP/1.1 on loopback. Small on purpose: a
// request is a few headers, an answer a string, and nothing it does can hold up or fail the
// telemetry beside it.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "admin/source.h"
#include "base/result.h"
#include "config/config.h"

namespace forager::admin {

struct ServerOptions {
  std::vector<std::string>
      host_names;  ///< answered to beside those of HostPolicy and the configured host
  std::size_t connections =
      32;  ///< one more closes the one that has been idle longest, or is closed itself
  std::chrono::milliseconds header_timeout{5'000};
  std::chrono::milliseconds write_timeout{10'000};
  std::chrono::milliseconds idle_timeout{30'000};
};

/// io thread. Destroying it is stopping it: what still runs then belongs to itself and ends at its
/// next step.
class AdminServer {
 public:
  AdminServer(boost::asio::any_io_executor executor, AdminSource source,
              ServerOptions options = {});
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;
  ~AdminServer();

  /// Binds and begins to serve. `off` is success without an address. The fault names address,
  /// reason and setting.
  Result<void> start(const config::Listen& listen);
  /// Closes listeners and connections, removes a unix socket. May be called again.
  void stop();

  std::uint16_t port() const;                         ///< 0 when off or on a unix socket
  const std::vector<std::string>& addresses() const;  ///< as bound
  std::size_t open_connections() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace forager::admin
