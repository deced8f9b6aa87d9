// Receives OTLP/gRPC: the three Export methods and grpc.health.v1, on gRPC's generic callback
// service. gRPC's threads only take slices and post; decisions happen on the io thread behind
// admit::Door. Messages are never decoded and, when compressed, never inflated here: the door does
// that under its limit (a gzip bomb would otherwise be inflated by gRPC before anybody could refuse
// it).
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "admit/door.h"
#include "base/result.h"
#include "base/time.h"

namespace forager::receive {

struct GrpcSettings {
  /// "localhost": 127.0.0.1 and, where there is one, ::1. gRPC takes 0.0.0.0 for all families, so
  /// it means [::] too where there is IPv6.
  std::string host = "localhost";
  std::uint16_t port = 4317;  ///< 0: the system chooses, on 127.0.0.1 alone for localhost
  std::string unix_path;      ///< instead of host and port
  std::size_t request_limit = 64U << 20U;  ///< bytes of one message as received
  std::size_t buffer_bytes = 64U << 20U;   ///< what gRPC may hold in all before we see it
};

/// Since the start; for metrics. What gRPC refuses itself is not among them: deflate
/// (UNIMPLEMENTED), what isn't HTTP/2, metadata over 16 KiB.
struct GrpcCounters {
  std::uint64_t calls = 0;  ///< Export and unknown methods; not health
  /// By google.rpc.Code. CANCELLED: the message didn't come whole, or was over the limit.
  std::array<std::uint64_t, 17> answers{};
};
/// "OK", "RESOURCE_EXHAUSTED"...
std::string_view grpc_code_name(std::size_t code);

/// Everything but `close` belongs to the io thread.
class GrpcReceiver {
 public:
  /// Binds and serves at once. The fault names the address, why, and the fix. `io` must run for
  /// calls to be answered.
  static Result<std::unique_ptr<GrpcReceiver>> start(const GrpcSettings& settings,
                                                     boost::asio::any_io_executor io,
                                                     admit::Door& door);
  GrpcReceiver(const GrpcReceiver&) = delete;
  GrpcReceiver& operator=(const GrpcReceiver&) = delete;
  ~GrpcReceiver();

  /// "127.0.0.1:4317" and so on: what really listens.
  const std::vector<std::string>& bound() const;
  /// Health says NOT_SERVING from now on, to its watchers too; calls are still taken (DESIGN,
  /// invariant 12).
  void begin_drain();
  std::size_t open_requests() const;
  Time last_request_began() const;
  const GrpcCounters& counters() const;
  /// Ends the server: health watchers at once, other calls that are open at `deadline` are
  /// cancelled. Blocks: never call it on the io
  /// thread, which must go on running (STYLE 7.3: it deadlocks there).
  void close(std::chrono::system_clock::time_point deadline);

 private:
  struct Server;
  explicit GrpcReceiver(std::unique_ptr<Server> server);
  std::unique_ptr<Server> server_;
};

}  // namespace forager::receive
