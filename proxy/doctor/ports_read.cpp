// The half of ports.h that asks the kernel.
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <sstream>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "doctor/ports.h"
#include "net/url.h"

namespace forager::doctor {
namespace {

namespace fs = std::filesystem;

struct Fd {
  explicit Fd(int opened) : number(opened) {}
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() {
    if (number >= 0) ::close(number);
  }
  int number;
};

std::string content_of(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

using Found = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;
Found look_up(const std::string& host, std::uint16_t port, Socket kind, int flags) {
  addrinfo wanted{};
  wanted.ai_family = AF_UNSPEC;
  wanted.ai_socktype = kind == Socket::udp ? SOCK_DGRAM : SOCK_STREAM;
  wanted.ai_flags = AI_PASSIVE | AI_NUMERICSERV | flags;
  addrinfo* found = nullptr;
  const std::string at = std::to_string(port);
  if (::getaddrinfo(host.c_str(), at.c_str(), &wanted, &found) != 0) found = nullptr;
  return {found, &::freeaddrinfo};
}

/// errno of opening it just as `run` does; 0: it can be had. A family that this machine lacks is
/// left out there too, so it counts as free.
int try_inet(const Address& address) {
  const Found to = look_up(address.host, address.port, address.kind, AI_NUMERICHOST);
  if (to == nullptr) return EADDRNOTAVAIL;
  const Fd made(::socket(to->ai_family, to->ai_socktype | SOCK_CLOEXEC, 0));
  if (made.number < 0) return errno == EAFNOSUPPORT ? 0 : errno;
  const int on = 1;
  if (address.kind == Socket::tcp)
    ::setsockopt(made.number, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (to->ai_family == AF_INET6)
    ::setsockopt(made.number, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  return ::bind(made.number, to->ai_addr, to->ai_addrlen) == 0 ? 0 : errno;
}

/// Whoever answers there holds it; a socket without anybody behind it is replaced by `run`.
int try_unix(const std::string& path) {
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  if (path.size() >= sizeof at.sun_path) return ENAMETOOLONG;
  std::memcpy(at.sun_path, path.data(), path.size());
  const Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (probe.number < 0) return errno;
  if (::connect(probe.number, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0)
    return EADDRINUSE;
  const int error = errno;
  struct stat is{};
  if (error != ENOENT && ::lstat(path.c_str(), &is) == 0 && !S_ISSOCK(is.st_mode)) return ENOTSOCK;
  const std::string parent = fs::path(path).parent_path().string();
  const char* const directory = parent.empty() ? "." : parent.c_str();
  return ::faccessat(AT_FDCWD, directory, W_OK | X_OK, AT_EACCESS) == 0 ? 0 : errno;
}

std::optional<std::uint64_t> inode_of(const Address& address) {
  if (address.kind == Socket::local) return unix_holder(content_of("/proc/net/unix"), address.path);
  const std::string name = address.kind == Socket::udp ? "/proc/net/udp" : "/proc/net/tcp";
  const std::string table = content_of(name) + content_of(name + "6");
  if (address.kind == Socket::tcp) {
    if (const auto listens = holder_in(rows_of(table, true), address)) return listens;
    // a connection from that port keeps it too
  }
  return holder_in(rows_of(table, false), address);
}

bool has_open(const fs::path& process, const std::string& socket) {
  std::error_code ec;
  for (fs::directory_iterator at(process / "fd", ec), end; !ec && at != end; at.increment(ec)) {
    std::error_code gone;
    if (fs::read_symlink(at->path(), gone) == socket) return true;
  }
  return false;
}

/// Goes through all processes that we may look into.
Holder holder_of(std::uint64_t inode) {
  const std::string socket = fmt::format("socket:[{}]", inode);
  std::error_code ec;
  for (fs::directory_iterator at("/proc", ec), end; !ec && at != end; at.increment(ec)) {
    const std::string name = at->path().filename().string();
    if (name.find_first_not_of("0123456789") != name.npos || !has_open(at->path(), socket))
      continue;
    Holder made;
    made.pid = static_cast<pid_t>(std::strtol(name.c_str(), nullptr, 10));
    made.name = content_of((at->path() / "comm").string());
    if (made.name.ends_with('\n')) made.name.pop_back();
    std::error_code hidden;
    const std::string binary = fs::read_symlink(at->path() / "exe", hidden).filename().string();
    // behind an update the kernel says "forager (deleted)"
    made.forager = binary == "forager" || binary.starts_with("forager (");
    return made;
  }
  return {};
}

void add_inet(std::vector<Address>& to, Socket kind, const std::string& host, std::uint16_t port,
              const std::string& setting) {
  to.push_back({kind, net::endpoint_of(host, port), host, port, {}, setting});
}

void add(std::vector<Address>& to, Socket kind, const config::Listen& listen,
         const std::string& setting) {
  if (listen.off) return;
  if (!listen.unix_path.empty()) {
    to.push_back({Socket::local, "unix:" + listen.unix_path, {}, 0, listen.unix_path, setting});
    return;
  }
  if (listen.port == 0) return;
  if (listen.host == "localhost") {
    add_inet(to, kind, "127.0.0.1", listen.port, setting);
    add_inet(to, kind, "::1", listen.port, setting);
    return;
  }
  const Found found = look_up(listen.host, listen.port, kind, 0);
  if (found == nullptr) {  // try_inet says that it is nobody's
    add_inet(to, kind, listen.host, listen.port, setting);
  }
  for (const addrinfo* at = found.get(); at != nullptr; at = at->ai_next) {
    std::array<char, NI_MAXHOST> host{};
    if (::getnameinfo(at->ai_addr, at->ai_addrlen, host.data(), host.size(), nullptr, 0,
                      NI_NUMERICHOST) == 0)
      add_inet(to, kind, host.data(), listen.port, setting);
  }
  if (listen.all_interfaces) add_inet(to, kind, "::", listen.port, setting);
}

/// A machine without IPv6 has no ::1: `run` leaves that out, and so do we.
bool left_out(const Address& address, int error) {
  return error == EADDRNOTAVAIL && (address.host == "::1" || address.host == "::");
}

}  // namespace

std::vector<Address> addresses_of(const config::Config& from) {
  std::vector<Address> made;
  add(made, Socket::tcp, from.otlp_http, "FORAGER_OTLP_HTTP_LISTEN");
  add(made, Socket::tcp, from.otlp_grpc, "FORAGER_OTLP_GRPC_LISTEN");
  add(made, Socket::tcp, from.admin, "FORAGER_ADMIN_LISTEN");
  add(made, Socket::udp, from.xray_daemon, "FORAGER_XRAY_DAEMON_LISTEN");
  add(made, Socket::tcp, from.xray_daemon, "FORAGER_XRAY_DAEMON_LISTEN");
  return made;
}

std::vector<Finding> look_at_ports(const config::Config& from) {
  std::vector<Finding> found;
  for (const Address& address : addresses_of(from)) {
    const int error = address.kind == Socket::local ? try_unix(address.path) : try_inet(address);
    if (left_out(address, error)) continue;
    std::optional<Holder> holder;
    if (error == EADDRINUSE) {
      const auto inode = inode_of(address);
      holder = inode ? holder_of(*inode) : Holder{};
    }
    found.push_back(judge_port(address, error, holder));
  }
  return found;
}

}  // namespace forager::doctor
