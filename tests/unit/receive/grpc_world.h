// A real GrpcReceiver with its io thread, and a client over gRPC's generic stub that sends any
// bytes: what the tests of OTLP/gRPC stand on.
#pragma once

#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include "base/async.h"
#include "receive/grpc.h"
#include "unit/receive/io_world.h"

namespace forager::receive {

inline GrpcSettings at_any_grpc_port() {
  GrpcSettings settings;
  settings.host = "127.0.0.1";
  settings.port = 0;
  settings.request_limit = 1U << 20U;
  return settings;
}

/// `DoorType` is made on the io_context's executor.
template <class DoorType>
class GrpcWorld : public IoWorld {
 public:
  explicit GrpcWorld(const GrpcSettings& settings = at_any_grpc_port())
      : door(io.get_executor()), work_(io.get_executor()) {
    auto started = GrpcReceiver::start(settings, io.get_executor(), door);
    if (!started) throw std::runtime_error(started.error().what);
    receiver = *std::move(started);
    thread_ = std::thread([this] { io.run(); });
  }
  ~GrpcWorld() {
    if (receiver) close(std::chrono::seconds(5));
    work_.reset();
    thread_.join();
  }
  GrpcWorld(const GrpcWorld&) = delete;
  GrpcWorld& operator=(const GrpcWorld&) = delete;

  void close(std::chrono::milliseconds grace) {
    receiver->close(std::chrono::system_clock::now() + grace);
  }
  std::uint64_t answers(grpc::StatusCode code) {
    return on_io([&] { return receiver->counters().answers.at(static_cast<std::size_t>(code)); });
  }
  const std::string& address() const { return receiver->bound().at(0); }

  DoorType door;
  std::unique_ptr<GrpcReceiver> receiver;

 private:
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::thread thread_;
};

struct GrpcAnswer {
  grpc::Status status;
  std::string body;
  grpc::StatusCode code() const { return status.error_code(); }
};

/// One call whose messages are sent and received step by step; each step waits for the one before.
class GrpcCall {
 public:
  GrpcCall(grpc::GenericStub& stub, const std::string& method,
           std::chrono::milliseconds limit = std::chrono::seconds(10)) {
    context.set_deadline(std::chrono::system_clock::now() + limit);
    method_ = method;
    stub_ = &stub;
  }
  GrpcCall(const GrpcCall&) = delete;
  GrpcCall& operator=(const GrpcCall&) = delete;
  ~GrpcCall() {
    if (call_ && !finished_) {
      context.TryCancel();
      finish();
    }
    queue_.Shutdown();
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) {
    }
  }

  bool start() {
    call_ = stub_->PrepareCall(&context, method_, &queue_);
    call_->StartCall(this);
    return step();
  }
  bool send(const std::string& message) {
    const grpc::Slice slice(message);
    const grpc::ByteBuffer buffer(&slice, 1);
    call_->Write(buffer, this);
    return step();
  }
  bool half_close() {
    call_->WritesDone(this);
    return step();
  }
  /// nullopt: no message came, finish() says why.
  std::optional<std::string> receive() {
    grpc::ByteBuffer buffer;
    call_->Read(&buffer, this);
    if (!step()) return std::nullopt;
    std::vector<grpc::Slice> slices;
    if (!buffer.Dump(&slices).ok()) return std::nullopt;
    std::string all;
    for (const grpc::Slice& slice : slices)
      all.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
    return all;
  }
  grpc::Status finish() {
    grpc::Status status;
    call_->Finish(&status, this);
    step();
    finished_ = true;
    return status;
  }

  grpc::ClientContext context;

 private:
  bool step() {
    void* tag = nullptr;
    bool ok = false;
    return queue_.Next(&tag, &ok) && ok;
  }
  grpc::GenericStub* stub_;
  std::string method_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
  bool finished_ = false;
};

class GrpcClient {
 public:
  explicit GrpcClient(const std::string& address) : stub_(channel(address)) {}

  using Metadata = std::vector<std::pair<std::string, std::string>>;
  GrpcAnswer ask(const std::string& method, const std::string& message,
                 const Metadata& metadata = {},
                 grpc_compression_algorithm compression = GRPC_COMPRESS_NONE,
                 std::chrono::milliseconds limit = std::chrono::seconds(10)) {
    GrpcCall call(stub_, method, limit);
    call.context.set_compression_algorithm(compression);
    for (const auto& [name, value] : metadata) call.context.AddMetadata(name, value);
    GrpcAnswer answer;
    if (call.start() && call.send(message) && call.half_close()) {
      answer.body = call.receive().value_or("");
    }
    answer.status = call.finish();
    return answer;
  }
  grpc::GenericStub& stub() { return stub_; }

 private:
  static std::shared_ptr<grpc::Channel> channel(const std::string& address) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
    arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
  }
  grpc::GenericStub stub_;
};

}  // namespace forager::receive
