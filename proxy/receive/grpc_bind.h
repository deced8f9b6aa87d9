// Where OTLP/gRPC listens, asked of the system before gRPC is: gRPC doesn't say why it can't bind,
// and takes a unix socket away from whoever answers on it. Internal to receive/.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "receive/grpc.h"

namespace forager::receive {

struct GrpcAddresses {
  std::vector<std::string> ask;  ///< for gRPC: "127.0.0.1:4317", "[::1]:4317", "unix:/path"
  /// gRPC takes 0.0.0.0 (and [::]) for every family the machine has; this is what `ask` leaves out
  /// then.
  std::vector<std::string> also;
};

/// The fault names the address, why, and the fix. A port may still be lost until gRPC binds it.
Result<GrpcAddresses> grpc_addresses(const GrpcSettings& settings);

/// `error` 0: gRPC said no and the system didn't.
Fault grpc_bind_fault(const std::string& address, int error);

}  // namespace forager::receive
