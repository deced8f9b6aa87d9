// The floor: the least a program can do that receives OTLP/HTTP, joins bodies to 1 MB, compresses
// them with zstd 1 and sends them over TLS. One epoll thread, no validation, no ledger, no retry.
// What Forager costs is measured against it.
#include <arpa/inet.h>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <netinet/tcp.h>
#include <string>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <unordered_map>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <openssl/ssl.h>
#include <zstd.h>

namespace {

constexpr std::size_t batch_bytes = 1'000'000;

int tcp_to(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) std::exit(1);
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

/// Joins, compresses, sends; waits for each answer.
class Out {
 public:
  Out(std::uint16_t port, const std::string& certificate) {
    SSL_CTX* context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_load_verify_file(context, certificate.c_str());
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    ssl_ = SSL_new(context);
    SSL_set1_host(ssl_, "localhost");
    SSL_set_fd(ssl_, tcp_to(port));
    if (SSL_connect(ssl_) != 1) std::exit(1);
    pending_.reserve(batch_bytes * 2);
    packed_.resize(ZSTD_compressBound(batch_bytes * 3));
  }
  void add(std::string_view body) {
    pending_.append(body);
    if (pending_.size() >= batch_bytes) flush();
  }
  void flush() {
    if (pending_.empty()) return;
    if (packed_.size() < ZSTD_compressBound(pending_.size()))
      packed_.resize(ZSTD_compressBound(pending_.size()));
    const std::size_t size = ZSTD_compressCCtx(zstd_, packed_.data(), packed_.size(),
                                               pending_.data(), pending_.size(), 1);
    const std::string head = fmt::format(
        "POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
        "application/x-protobuf\r\nContent-Encoding: "
        "zstd\r\nContent-Length: {}\r\n\r\n",
        size);
    SSL_write(ssl_, head.data(), static_cast<int>(head.size()));
    SSL_write(ssl_, packed_.data(), static_cast<int>(size));
    char answer[4096];
    if (SSL_read(ssl_, answer, sizeof answer) <= 0) std::exit(1);
    pending_.clear();
  }

 private:
  SSL* ssl_;
  ZSTD_CCtx* zstd_ = ZSTD_createCCtx();
  std::string pending_;
  std::string packed_;
};

struct Session {
  std::string in;
  std::size_t filled = 0;
};

void receive(int fd, Session& session, Out& out) {
  for (;;) {
    if (session.in.size() - session.filled < 65'536) session.in.resize(session.in.size() + 262'144);
    const auto got = ::recv(fd, session.in.data() + session.filled,
                            session.in.size() - session.filled, MSG_DONTWAIT);
    if (got <= 0) break;
    session.filled += static_cast<std::size_t>(got);
  }
  std::string_view left(session.in.data(), session.filled);
  for (;;) {
    const auto end = left.find("\r\n\r\n");
    const auto at = left.find("Content-Length: ");
    if (end == std::string_view::npos || at == std::string_view::npos) break;
    const std::size_t size = std::strtoul(left.data() + at + 16, nullptr, 10);
    if (left.size() < end + 4 + size) break;
    out.add(left.substr(end + 4, size));
    left.remove_prefix(end + 4 + size);
    static constexpr std::string_view ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    if (::send(fd, ok.data(), ok.size(), MSG_NOSIGNAL) < 0) return;
  }
  std::memmove(session.in.data(), left.data(), left.size());
  session.filled = left.size();
}

}  // namespace

int main(int argc, char** argv) {
  std::uint16_t to = 0;
  std::string certificate;
  CLI::App app{"The floor of Forager's bench"};
  app.add_option("--to", to, "the sink's port")->required();
  app.add_option("--certificate", certificate)->required();
  CLI11_PARSE(app, argc, argv);

  Out out(to, certificate);
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  if (::bind(listener, reinterpret_cast<sockaddr*>(&at), size) != 0 || ::listen(listener, 64) != 0)
    return 1;
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&at), &size);
  fmt::print("listening otlp/http http://127.0.0.1:{}\n", ntohs(at.sin_port));
  std::fflush(stdout);

  const int poll = ::epoll_create1(EPOLL_CLOEXEC);
  std::unordered_map<int, Session> sessions;
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = listener;
  ::epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
  for (;;) {
    epoll_event events[64];
    const int count = ::epoll_wait(poll, events, 64, 200);
    if (count == 0) out.flush();
    for (int i = 0; i < count; ++i) {
      const int fd = events[i].data.fd;
      if (fd == listener) {
        const int accepted = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        const int on = 1;
        ::setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        event.data.fd = accepted;
        ::epoll_ctl(poll, EPOLL_CTL_ADD, accepted, &event);
      } else if ((events[i].events & (EPOLLHUP | EPOLLRDHUP | EPOLLERR)) != 0) {
        sessions.erase(fd);
        ::close(fd);
      } else {
        char probe = 0;
        if (::recv(fd, &probe, 1, MSG_PEEK | MSG_DONTWAIT) == 0) {
          sessions.erase(fd);
          ::close(fd);
          continue;
        }
        receive(fd, sessions[fd], out);
      }
    }
  }
}
