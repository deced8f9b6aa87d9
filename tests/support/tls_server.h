// A server that does what a test tells it, connection by connection: plain or TLS, on an ephemeral
// loopback port, with threads and blocking calls of its own, so that nothing of it shares code with
// the client under test.
#pragma once

#include <arpa/inet.h>
#include <atomic>
#include <csignal>
#include <functional>
#include <mutex>
#include <netinet/in.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/time.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include <openssl/ssl.h>

#include "support/certificates.h"

namespace forager::test {

/// One accepted connection. Reads give up after 10 s, so that a failing test ends.
class Peer {
 public:
  Peer(int fd, SSL* ssl, int number) : fd_(fd), ssl_(ssl), number_(number) {}
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer() { close(); }

  int number() const { return number_; }  ///< 0 for the first connection
  /// TLS from now on (a proxy test answers CONNECT in plain first). False: the handshake failed.
  bool start_tls(SSL_CTX* context) {
    ssl_ = SSL_new(context);
    SSL_set_fd(ssl_, fd_);
    return SSL_accept(ssl_) == 1;
  }
  std::string read_some() {
    std::string bytes(65536, '\0');
    const auto size = static_cast<int>(bytes.size());
    const auto got = ssl_ != nullptr ? SSL_read(ssl_, bytes.data(), size)
                                     : static_cast<int>(::recv(fd_, bytes.data(), bytes.size(), 0));
    bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return bytes;
  }
  /// Header and the body its Content-Length promises; empty: the client is gone.
  std::string read_request() {
    std::size_t wanted = std::string::npos;
    while (pending_.size() < wanted) {
      const std::size_t head_end = pending_.find("\r\n\r\n");
      if (head_end != std::string::npos) {
        wanted = head_end + 4;
        const std::size_t length = pending_.find("Content-Length: ");
        if (length < head_end) wanted += std::stoul(pending_.substr(length + 16));
        if (pending_.size() >= wanted) break;
      }
      const std::string more = read_some();
      if (more.empty()) return {};
      pending_ += more;
    }
    std::string request = pending_.substr(0, wanted);
    pending_.erase(0, wanted);
    return request;
  }
  void write(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent =
          ssl_ != nullptr ? SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()))
                          : static_cast<int>(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL));
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  void reply(int status, std::string_view body = {}, std::string_view headers = {}) {
    write("HTTP/1.1 " + std::to_string(status) + " Text\r\nContent-Length: " +
          std::to_string(body.size()) + "\r\n" + std::string(headers) + "\r\n" + std::string(body));
  }
  /// Returns once the client has closed its side.
  void wait_closed() {
    while (!read_some().empty()) continue;
  }
  bool resumed() const { return ssl_ != nullptr && SSL_session_reused(ssl_) == 1; }
  std::string sni() const {
    const char* const name = SSL_get_servername(ssl_, TLSEXT_NAMETYPE_host_name);
    return name != nullptr ? name : "";
  }
  /// With close_notify.
  void close() {
    if (ssl_ != nullptr) SSL_shutdown(ssl_);
    cut();
  }
  /// TCP's end without TLS's.
  void cut() {
    if (ssl_ != nullptr) SSL_free(std::exchange(ssl_, nullptr));
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  /// RST.
  void reset() {
    const linger now{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    cut();
  }

 private:
  int fd_;
  SSL* ssl_;
  int number_;
  std::string pending_;
};

/// A server's side of TLS.
class ServerTls {
 public:
  explicit ServerTls(const Identity& identity) : context_(SSL_CTX_new(TLS_server_method())) {
    SSL_CTX_use_certificate(context_, identity.certificate.get());
    SSL_CTX_use_PrivateKey(context_, identity.key.get());
  }
  ServerTls(const ServerTls&) = delete;
  ServerTls& operator=(const ServerTls&) = delete;
  ~ServerTls() { SSL_CTX_free(context_); }
  SSL_CTX* get() const { return context_; }
  /// Clients must show a certificate that `authority` has signed.
  void ask_for_certificates(const std::string& authority_file) {
    SSL_CTX_load_verify_file(context_, authority_file.c_str());
    SSL_CTX_set_verify(context_, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }

 private:
  SSL_CTX* context_;
};

class Server {
 public:
  using Script = std::function<void(Peer&)>;
  /// `tls` null: plain. The script runs for each connection in a thread of its own; on its return
  /// the connection is closed.
  Server(const ServerTls* tls, Script script)
      : tls_(tls), script_(std::move(script)), listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    std::signal(SIGPIPE, SIG_IGN);  // SSL_write here raises it
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0) std::abort();
    ::listen(listener_, 64);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() {
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    for (std::thread& t : threads_) t.join();
    ::close(listener_);
  }
  std::uint16_t port() const { return port_; }
  int connections() const { return connections_; }

 private:
  void accept_all() {
    while (true) {
      const int fd = ::accept(listener_, nullptr, nullptr);
      if (fd < 0) return;
      const int number = connections_++;
      threads_.emplace_back([this, fd, number] { serve(fd, number); });
    }
  }
  void serve(int fd, int number) {
    const timeval patience{10, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    Peer peer(fd, nullptr, number);
    if (tls_ != nullptr && !peer.start_tls(tls_->get())) {
      peer.cut();
      return;
    }
    script_(peer);
  }

  const ServerTls* tls_;
  Script script_;
  int listener_;
  std::uint16_t port_ = 0;
  std::atomic<int> connections_ = 0;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace forager::test
