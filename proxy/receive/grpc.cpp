#include "receive/grpc.h"

#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>
#include <grpc/support/log.h>
#include <grpcpp/resource_quota.h>
#include <spdlog/spdlog.h>

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
    return new EndedCall({grpc::StatusCode::UNIMPLEMENTED,
                          fmt::format("unknown method {}; Forager takes Export of OTLP's trace, "
                                      "metrics and logs services",
                                      method)});
  }
  GrpcShared& shared_;
};

/// gRPC does not say why it can't bind; the system does. 0: the address is free.
int bind_errno(bool v6, const std::string& host, std::uint16_t port) {
  const int fd = ::socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  int result = 0;
  if (v6) {
    ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    sockaddr_in6 to{};
    to.sin6_family = AF_INET6;
    to.sin6_port = htons(port);
    if (::inet_pton(AF_INET6, host.c_str(), &to.sin6_addr) == 1) {
      result = ::bind(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0 ? 0 : errno;
    }
  } else {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    if (::inet_pton(AF_INET, host.c_str(), &to.sin_addr) == 1) {
      result = ::bind(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0 ? 0 : errno;
    }
  }
  if (result == 0 && ::listen(fd, 1) != 0) result = errno;
  ::close(fd);
  return result;
}

Fault bind_fault(const std::string& address, int error) {
  return fault(
      fmt::format("OTLP/gRPC cannot listen on {}: {}; another process (perhaps another Forager or "
                  "a Collector) may have "
                  "the port: stop it, or set FORAGER_OTLP_GRPC_LISTEN to another address or to off",
                  address, error != 0 ? std::strerror(error) : "gRPC refused the address"));
}

Result<std::vector<std::string>> addresses_of(const GrpcSettings& settings) {
  if (!settings.unix_path.empty()) return std::vector<std::string>{"unix:" + settings.unix_path};
  std::vector<std::string> all;
  const auto add = [&](const std::string& host) -> int {
    const bool v6 = host.find(':') != std::string::npos;
    const int error = bind_errno(v6, host, settings.port);
    if (error == 0)
      all.push_back(v6 ? fmt::format("[{}]:{}", host, settings.port)
                       : fmt::format("{}:{}", host, settings.port));
    return error;
  };
  const std::string first = settings.host == "localhost" ? "127.0.0.1" : settings.host;
  if (const int error = add(first); error != 0) {
    return bind_fault(fmt::format("{}:{}", first, settings.port), error);
  }
  if (settings.host == "localhost" && settings.port != 0) {
    // no IPv6 on this machine is fine; somebody else's port is not
    if (const int error = add("::1"); error == EADDRINUSE || error == EACCES) {
      return bind_fault(fmt::format("[::1]:{}", settings.port), error);
    }
  }
  return all;
}

void log_of_grpc(gpr_log_func_args* args) {
  if (args->severity == GPR_LOG_SEVERITY_DEBUG) return;
  spdlog::debug("grpc: {}", args->message);
}

}  // namespace

struct GrpcReceiver::Server {
  GrpcShared shared;
  Service service{shared};
  std::unique_ptr<grpc::Server> server;
  std::vector<std::string> bound;
};

GrpcReceiver::GrpcReceiver(std::unique_ptr<Server> server) : server_(std::move(server)) {}
GrpcReceiver::~GrpcReceiver() = default;

Result<std::unique_ptr<GrpcReceiver>> GrpcReceiver::start(const GrpcSettings& settings,
                                                          boost::asio::any_io_executor io,
                                                          admit::Door& door) {
  gpr_set_log_function(log_of_grpc);
  auto addresses = addresses_of(settings);
  if (!addresses) return addresses.error();

  auto made = std::make_unique<Server>();
  made->shared.io = std::move(io);
  made->shared.door = &door;

  grpc::ServerBuilder builder;
  std::vector<int> ports(addresses->size(), 0);
  for (std::size_t i = 0; i < addresses->size(); ++i) {
    builder.AddListeningPort((*addresses)[i], grpc::InsecureServerCredentials(), &ports[i]);
  }
  builder.RegisterCallbackGenericService(&made->service);
  builder.SetMaxReceiveMessageSize(static_cast<int>(settings.request_limit));
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
    const std::string& address = (*addresses)[i];
    if (!made->server || ports[i] == 0) return bind_fault(address, 0);
    const bool is_unix = !settings.unix_path.empty();
    made->bound.push_back(
        is_unix ? address : fmt::format("{}:{}", address.substr(0, address.rfind(':')), ports[i]));
  }
  return std::unique_ptr<GrpcReceiver>(new GrpcReceiver(std::move(made)));
}

const std::vector<std::string>& GrpcReceiver::bound() const { return server_->bound; }
void GrpcReceiver::begin_drain() {
  server_->shared.serving.store(false, std::memory_order_relaxed);
}
std::size_t GrpcReceiver::open_requests() const { return server_->shared.open; }
Time GrpcReceiver::last_request_began() const { return server_->shared.last_began; }
void GrpcReceiver::close(std::chrono::system_clock::time_point deadline) {
  server_->server->Shutdown(deadline);
  server_->server->Wait();
}

}  // namespace forager::receive
