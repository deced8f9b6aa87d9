#include "receive/grpc.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include <climits>
#include <fmt/format.h>
#include <grpc/support/log.h>
#include <grpcpp/resource_quota.h>
#include <spdlog/spdlog.h>

#include "base/async.h"
#include "receive/grpc_bind.h"
#include "receive/grpc_call.h"

namespace forager::receive {
namespace {

/// Streams one connection may have open: more than any SDK uses, few enough that buffered messages
/// stay a number.
constexpr int concurrent_streams_max = 128;
constexpr int metadata_bytes_max = 16 * 1024;

class Service final : public grpc::CallbackGenericService {
 public:
  explicit Service(GrpcShared& shared) : shared_(shared) {}

 private:
  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    const std::string& method = context->method();
    if (const auto signal = signal_of_method(method)) {
      return new ExportCall(shared_, *context, *signal);
    }
    if (method == "/grpc.health.v1.Health/Check") return new HealthCall(shared_, false);
    if (method == "/grpc.health.v1.Health/Watch") return new HealthCall(shared_, true);
    return new EndedCall(shared_, {grpc::StatusCode::UNIMPLEMENTED,
                                   fmt::format("unknown method {}; Forager takes Export of OTLP's "
                                               "trace, metrics and logs services",
                                               method)});
  }
  GrpcShared& shared_;
};

std::string with_port(const std::string& address, int port) {
  return fmt::format("{}:{}", address.substr(0, address.rfind(':')), port);
}

void log_of_grpc(gpr_log_func_args* args) {
  if (args->severity == GPR_LOG_SEVERITY_DEBUG) return;
  spdlog::debug("grpc: {}", args->message);
}

}  // namespace

struct GrpcReceiver::Server {
  std::shared_ptr<GrpcShared> shared = std::make_shared<GrpcShared>();
  Service service{*shared};
  std::unique_ptr<grpc::Server> server;
  std::vector<std::string> bound;
};

std::string_view grpc_code_name(std::size_t code) {
  static constexpr std::array<std::string_view, 17> names{"OK",
                                                          "CANCELLED",
                                                          "UNKNOWN",
                                                          "INVALID_ARGUMENT",
                                                          "DEADLINE_EXCEEDED",
                                                          "NOT_FOUND",
                                                          "ALREADY_EXISTS",
                                                          "PERMISSION_DENIED",
                                                          "RESOURCE_EXHAUSTED",
                                                          "FAILED_PRECONDITION",
                                                          "ABORTED",
                                                          "OUT_OF_RANGE",
                                                          "UNIMPLEMENTED",
                                                          "INTERNAL",
                                                          "UNAVAILABLE",
                                                          "DATA_LOSS",
                                                          "UNAUTHENTICATED"};
  return names.at(code);
}

GrpcReceiver::GrpcReceiver(std::unique_ptr<Server> server) : server_(std::move(server)) {}
GrpcReceiver::~GrpcReceiver() = default;

Result<std::unique_ptr<GrpcReceiver>> GrpcReceiver::start(const GrpcSettings& settings,
                                                          boost::asio::any_io_executor io,
                                                          admit::Door& door) {
  gpr_set_log_function(log_of_grpc);
  const auto addresses = grpc_addresses(settings);
  if (!addresses) return addresses.error();

  auto made = std::make_unique<Server>();
  made->shared->io = std::move(io);
  made->shared->door = &door;

  grpc::ServerBuilder builder;
  std::vector<int> ports(addresses->ask.size(), 0);
  for (std::size_t i = 0; i < addresses->ask.size(); ++i) {
    builder.AddListeningPort(addresses->ask[i], grpc::InsecureServerCredentials(), &ports[i]);
  }
  builder.RegisterCallbackGenericService(&made->service);
  builder.SetMaxReceiveMessageSize(
      static_cast<int>(std::min<std::size_t>(settings.request_limit, INT_MAX)));
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);  // a second sidecar must fail loudly
  builder.AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, concurrent_streams_max);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, metadata_bytes_max);
  grpc::ResourceQuota quota("forager");
  quota.Resize(settings.buffer_bytes);
  builder.SetResourceQuota(quota);

  made->server = builder.BuildAndStart();
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const std::string& address = addresses->ask[i];
    if (!made->server || ports[i] == 0) return grpc_bind_fault(address, 0);
    if (!settings.unix_path.empty()) {
      made->bound.push_back(address);
      // the app runs as another user; the directory says who may come
      std::error_code ignored;
      std::filesystem::permissions(settings.unix_path, std::filesystem::perms(0666), ignored);
    } else {
      made->bound.push_back(with_port(address, ports[i]));
    }
  }
  for (const std::string& address : addresses->also) {
    made->bound.push_back(with_port(address, ports[0]));
  }
  return std::unique_ptr<GrpcReceiver>(new GrpcReceiver(std::move(made)));
}

const std::vector<std::string>& GrpcReceiver::bound() const { return server_->bound; }
void GrpcReceiver::begin_drain() {
  server_->shared->serving = false;
  for (HealthCall* const watcher : server_->shared->watchers) watcher->look_again();
}
const GrpcCounters& GrpcReceiver::counters() const { return server_->shared->counters; }
std::size_t GrpcReceiver::open_requests() const { return server_->shared->open; }
Time GrpcReceiver::last_request_began() const { return server_->shared->last_began; }
void GrpcReceiver::close(std::chrono::system_clock::time_point deadline) {
  asio::post(server_->shared->io, [shared = server_->shared] {
    shared->closing = true;
    for (HealthCall* const watcher : shared->watchers) watcher->look_again();
  });
  server_->server->Shutdown(deadline);
  server_->server->Wait();
}

}  // namespace forager::receive
