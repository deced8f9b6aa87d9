#include "receive/grpc_bind.h"

#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <optional>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <fmt/format.h>

namespace forager::receive {
namespace {

class Probe {
 public:
  explicit Probe(int family) : fd_(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;
  ~Probe() {
    if (fd_ >= 0) ::close(fd_);
  }
  int fd() const { return fd_; }

 private:
  int fd_;
};

/// What the system says to that address; 0: it is free, or the host is a name (gRPC resolves it).
int bind_errno(const std::string& host, std::uint16_t port) {
  const bool v6 = host.find(':') != std::string::npos;
  const Probe probe(v6 ? AF_INET6 : AF_INET);
  if (probe.fd() < 0) return errno;
  const int on = 1;
  ::setsockopt(probe.fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in6 six{};
  six.sin6_family = AF_INET6;
  six.sin6_port = htons(port);
  sockaddr_in four{};
  four.sin_family = AF_INET;
  four.sin_port = htons(port);
  if (v6) ::setsockopt(probe.fd(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  void* const into = v6 ? static_cast<void*>(&six.sin6_addr) : static_cast<void*>(&four.sin_addr);
  if (::inet_pton(v6 ? AF_INET6 : AF_INET, host.c_str(), into) != 1) return 0;
  const auto* const at =
      v6 ? reinterpret_cast<const sockaddr*>(&six) : reinterpret_cast<const sockaddr*>(&four);
  const socklen_t size = v6 ? sizeof six : sizeof four;
  if (::bind(probe.fd(), at, size) != 0 || ::listen(probe.fd(), 1) != 0) return errno;
  return 0;
}

std::string text_of(const std::string& host, std::uint16_t port) {
  return host.find(':') != std::string::npos ? fmt::format("[{}]:{}", host, port)
                                             : fmt::format("{}:{}", host, port);
}

/// A machine without IPv6 says one of these; that is no fault.
bool no_such_family(int error) { return error == EADDRNOTAVAIL || error == EAFNOSUPPORT; }

/// 0: nobody answers there, and what was left behind is gone.
int unix_errno(const std::string& path) {
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  if (path.size() >= sizeof at.sun_path) return ENAMETOOLONG;
  std::memcpy(at.sun_path, path.c_str(), path.size() + 1);
  const auto* const address = reinterpret_cast<const sockaddr*>(&at);
  {
    const Probe caller(AF_UNIX);
    if (::connect(caller.fd(), address, sizeof at) == 0) return EADDRINUSE;
    if (errno != ECONNREFUSED && errno != ENOENT) return errno;
    struct stat found{};
    if (::lstat(path.c_str(), &found) == 0) {
      if (!S_ISSOCK(found.st_mode)) return EEXIST;
      ::unlink(path.c_str());  // its owner is gone
    }
  }
  const Probe probe(AF_UNIX);
  if (::bind(probe.fd(), address, sizeof at) != 0) return errno;
  ::unlink(path.c_str());
  return 0;
}

}  // namespace

Fault grpc_bind_fault(const std::string& address, int error) {
  std::string_view fix = "check FORAGER_OTLP_GRPC_LISTEN";
  if (error == EADDRINUSE) {
    fix =
        "another process has it (another Forager or Collector?): stop that one, or set "
        "FORAGER_OTLP_GRPC_LISTEN to another address or to off";
  } else if (error == EACCES || error == EPERM) {
    fix =
        "ports below 1024 and foreign directories need privileges: set FORAGER_OTLP_GRPC_LISTEN to "
        "another place";
  } else if (error == EADDRNOTAVAIL) {
    fix =
        "this machine has no such address: set FORAGER_OTLP_GRPC_LISTEN to one it has, or to "
        "localhost";
  } else if (error == EEXIST) {
    fix = "something that is no socket is there: set FORAGER_OTLP_GRPC_LISTEN to another path";
  } else if (error == ENAMETOOLONG) {
    fix = "a socket's path has at most 107 bytes: set FORAGER_OTLP_GRPC_LISTEN to a shorter one";
  }
  return fault(fmt::format("OTLP/gRPC can't listen on {}: {}; {}", address,
                           error != 0 ? std::strerror(error) : "gRPC refused the address", fix));
}

Result<GrpcAddresses> grpc_addresses(const GrpcSettings& settings) {
  GrpcAddresses found;
  if (!settings.unix_path.empty()) {
    found.ask.push_back("unix:" + settings.unix_path);
    if (const int error = unix_errno(settings.unix_path); error != 0) {
      return grpc_bind_fault(found.ask[0], error);
    }
    return found;
  }
  const std::string first = settings.host == "localhost" ? "127.0.0.1" : settings.host;
  if (const int error = bind_errno(first, settings.port); error != 0) {
    return grpc_bind_fault(text_of(first, settings.port), error);
  }
  found.ask.push_back(text_of(first, settings.port));
  const bool local = settings.host == "localhost" && settings.port != 0;
  if (!local && first != "0.0.0.0") return found;
  const std::string second = local ? "::1" : "::";
  // no IPv6 on this machine is fine; somebody else's port is not
  if (const int error = bind_errno(second, settings.port); error == 0) {
    (local ? found.ask : found.also).push_back(text_of(second, settings.port));
  } else if (!no_such_family(error)) {
    return grpc_bind_fault(text_of(second, settings.port), error);
  }
  return found;
}

}  // namespace forager::receive
