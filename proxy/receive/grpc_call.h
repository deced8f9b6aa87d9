// The gRPC side of one call: reactors that live on gRPC's threads until OnDone. Internal to
// receive/.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>

#include "admit/door.h"
#include "base/time.h"
#include "otlp/signal.h"

namespace forager::receive {

/// What calls share. The counters and the door belong to the io thread; `serving` is the one value
/// gRPC's threads read.
struct GrpcShared {
  boost::asio::any_io_executor io;
  admit::Door* door;
  std::size_t open = 0;
  Time last_began{};
  std::atomic<bool> serving{true};
};

/// One unary Export: reads one message, hands it to the io thread, answers once. Deletes itself
/// when gRPC is done with it.
class ExportCall final : public grpc::ServerGenericBidiReactor {
 public:
  ExportCall(GrpcShared& shared, grpc::GenericCallbackServerContext& context, Signal signal);

  Signal signal() const { return signal_; }
  /// The received bytes moved into one buffer of their size; the message is let go.
  Buffer take_body();
  std::size_t body_size() const { return message_.Length(); }
  /// First value of a metadata key (lower case).
  std::optional<std::string> metadata(std::string_view key) const;
  /// Answers; exactly once, from any thread.
  void answer(std::string_view reply);
  void refuse(const admit::Refused& why);

 private:
  void OnReadDone(bool ok) override;
  void OnDone() override { delete this; }

  GrpcShared& shared_;
  grpc::GenericCallbackServerContext& context_;
  Signal signal_;
  grpc::ByteBuffer message_;
  grpc::ByteBuffer reply_;
};

/// A call that ends at once with a status: unknown methods.
class EndedCall final : public grpc::ServerGenericBidiReactor {
 public:
  explicit EndedCall(grpc::Status status) { Finish(std::move(status)); }

 private:
  void OnDone() override { delete this; }
};

/// grpc.health.v1 Check (one answer) and Watch (an answer now; it ends when the client goes or the
/// server stops).
class HealthCall final : public grpc::ServerGenericBidiReactor {
 public:
  HealthCall(const GrpcShared& shared, bool watch);

 private:
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override { delete this; }
  void finish_once(grpc::Status status);

  const GrpcShared& shared_;
  bool watch_;
  std::atomic<bool> finished_{false};
  grpc::ByteBuffer message_;
  grpc::ByteBuffer reply_;
};

}  // namespace forager::receive
