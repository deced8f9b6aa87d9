// The gRPC side of one call: reactors whose callbacks come on gRPC's threads and only post; what
// they decide, they decide on the io thread, where they are deleted too. Internal to receive/.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>

#include <boost/asio/any_io_executor.hpp>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>

#include "admit/door.h"
#include "base/time.h"
#include "otlp/signal.h"
#include "receive/grpc.h"

namespace forager::receive {

class HealthCall;

/// What calls share. gRPC's threads use `io` alone; the rest belongs to the io thread. Kept alive
/// by what OnDone has posted, which may run after the receiver is gone.
struct GrpcShared : std::enable_shared_from_this<GrpcShared> {
  boost::asio::any_io_executor io;
  admit::Door* door = nullptr;
  std::size_t open = 0;
  Time last_began{};
  bool serving = true;
  bool closing = false;  ///< watchers are sent away
  GrpcCounters counters;
  std::unordered_set<HealthCall*> watchers;

  void count(grpc::StatusCode code) { ++counters.answers[static_cast<std::size_t>(code)]; }
};

/// One unary Export: reads one message, hands it to the io thread, answers once. A second message
/// of the same call is never read. Deletes itself when gRPC is done with it.
class ExportCall final : public grpc::ServerGenericBidiReactor {
 public:
  ExportCall(GrpcShared& shared, grpc::GenericCallbackServerContext& context, Signal signal);

  // For the io thread, until it has answered: exactly once.
  Signal signal() const { return signal_; }
  /// The received bytes moved into one buffer of their size and that headroom; the message is let
  /// go.
  Buffer take_body(std::size_t headroom);
  std::size_t body_size() const { return message_.Length(); }
  /// First value of a metadata key (lower case).
  std::optional<std::string> metadata(std::string_view key) const;
  void answer(std::string_view reply);
  void refuse(const admit::Refused& why);

 private:
  void OnReadDone(bool ok) override;
  void OnDone() override;

  GrpcShared& shared_;
  grpc::GenericCallbackServerContext& context_;
  Signal signal_;
  bool without_message_ = false;
  grpc::ByteBuffer message_;
  grpc::ByteBuffer reply_;
};

/// A call that ends with a status as soon as the io thread has counted it: unknown methods.
class EndedCall final : public grpc::ServerGenericBidiReactor {
 public:
  EndedCall(GrpcShared& shared, grpc::Status status);

 private:
  void OnDone() override { delete this; }
};

/// grpc.health.v1 Check (one answer) and Watch (an answer now and after each change, until the
/// client goes or the receiver is closed).
class HealthCall final : public grpc::ServerGenericBidiReactor {
 public:
  HealthCall(GrpcShared& shared, bool watch);

  // io thread
  /// `serving` or `closing` has changed.
  void look_again();

 private:
  enum class Health : char { unset = 0, serving = 1, not_serving = 2, service_unknown = 3 };
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  void asked(bool ok);
  void written(bool ok);
  Health health() const;
  void finish(grpc::Status status);

  GrpcShared& shared_;
  const bool watch_;
  bool known_ = false;     ///< the service that was asked for is one of ours
  bool answered_ = false;  ///< the request was read and is good
  bool writing_ = false;
  bool finished_ = false;
  Health said_ = Health::unset;
  grpc::ByteBuffer message_;
  grpc::ByteBuffer reply_;
  char reply_bytes_[2] = {'\x08', '\0'};  ///< HealthCheckResponse{1 status} (PROTOCOLS 1.7)
};

}  // namespace forager::receive
