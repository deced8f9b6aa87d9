// A real HttpReceiver on a thread of its own, and a blocking client that sends any bytes: what the
// tests of OTLP/HTTP stand on.
#pragma once

#include <arpa/inet.h>
#include <future>
#include <map>
#include <memory>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "base/async.h"
#include "receive/http.h"
#include "unit/receive/io_world.h"

namespace forager::receive {

/// Answers what it is told and remembers what it got. io thread.
class FakeDoor final : public admit::Door {
 public:
  struct Got {
    Signal signal;
    otlp::Encoding encoding;
    ContentCoding coding;
    std::string body;
    std::size_t charged;
    std::string key;
    std::string dataset;
    std::size_t headroom;
  };
  explicit FakeDoor(const asio::any_io_executor& io) : released(io) {}

  asio::awaitable<admit::Outcome> admit(admit::Offer offer) override {
    got.push_back({offer.signal, offer.encoding, offer.coding, std::string(offer.body.view()),
                   offer.charge.bytes(), offer.key ? std::string(offer.key->reveal()) : "-",
                   offer.dataset.value_or("-"), offer.body.headroom()});
    while (hold) co_await released.wait();
    co_return outcome;
  }
  admit::Refused turn_away(Signal, admit::Refused::Kind kind, std::string message) override {
    turned_away.push_back(kind);
    return {kind, message.empty() ? "no room" : std::move(message), std::chrono::seconds(7)};
  }
  void book_refusal(Signal, ledger::Reason reason) override { booked.push_back(reason); }
  std::optional<Budget::Charge> room(std::size_t bytes) override { return budget.take(bytes); }
  std::size_t headroom() const override { return room_in_front; }
  std::size_t request_limit() const override { return limit; }

  std::size_t limit = 1U << 20U;
  std::size_t room_in_front = 0;
  Budget budget{64U << 20U};
  admit::Outcome outcome = admit::Accepted{};
  bool hold = false;
  Event released;
  std::vector<Got> got;
  std::vector<admit::Refused::Kind> turned_away;
  std::vector<ledger::Reason> booked;
};

inline config::Listen at_any_port(const std::string& host = "127.0.0.1") {
  config::Listen listen;
  listen.host = host;
  return listen;
}

/// `DoorType` is made on the io_context's executor.
template <class DoorType = FakeDoor>
class World : public IoWorld {
 public:
  template <class... Arguments>
  explicit World(HttpSettings settings, Arguments&&... arguments)
      : door(io.get_executor(), std::forward<Arguments>(arguments)...), work_(io.get_executor()) {
    if (settings.listen.empty()) settings.listen.push_back(at_any_port());
    auto started = HttpReceiver::start(std::move(settings), io.get_executor(), door);
    if (!started) throw std::runtime_error(started.error().what);
    receiver = *std::move(started);
    thread_ = std::thread([this] { io.run(); });
  }
  World() : World(HttpSettings{}) {}
  ~World() {
    asio::post(io, [this] {
      receiver->close();
      work_.reset();
    });
    thread_.join();
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  std::uint16_t port() const { return receiver->bound_ports().at(0); }

  DoorType door;
  std::unique_ptr<HttpReceiver> receiver;

 private:
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::thread thread_;
};

struct Answer {
  int status = 0;                                  ///< 0: the connection ended without one
  std::multimap<std::string, std::string> fields;  ///< names as sent
  std::string body;
  std::string field(const std::string& name) const {
    const auto found = fields.find(name);
    return found == fields.end() ? "" : found->second;
  }
};

class Client {
 public:
  explicit Client(std::uint16_t port) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    open(AF_INET, reinterpret_cast<const sockaddr*>(&at), sizeof at);
  }
  explicit Client(const std::string& unix_path) {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    unix_path.copy(at.sun_path, sizeof at.sun_path - 1);
    open(AF_UNIX, reinterpret_cast<const sockaddr*>(&at), sizeof at);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() { close(); }

  bool connected() const { return connected_; }
  /// False: the other side doesn't take it any more.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  void half_close() { ::shutdown(socket_, SHUT_WR); }
  void reset() {
    const linger now{1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
  }
  void close() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }
  /// The next answer; without a body after HEAD.
  Answer answer(bool bodiless = false) {
    Answer got;
    while (in_.find("\r\n\r\n") == std::string::npos) {
      if (!more()) return got;
    }
    const std::size_t end = in_.find("\r\n\r\n");
    std::string head = in_.substr(0, end + 2);
    in_.erase(0, end + 4);
    got.status = std::stoi(head.substr(9, 3));
    head.erase(0, head.find("\r\n") + 2);
    while (!head.empty()) {
      const std::size_t line = head.find("\r\n");
      const std::size_t colon = head.find(": ");
      got.fields.emplace(head.substr(0, colon), head.substr(colon + 2, line - colon - 2));
      head.erase(0, line + 2);
    }
    const std::string length = got.field("Content-Length");
    const std::size_t size = length.empty() || bodiless ? 0 : std::stoul(length);
    while (in_.size() < size) {
      if (!more()) return got;
    }
    got.body = in_.substr(0, size);
    in_.erase(0, size);
    return got;
  }
  Answer ask(std::string_view bytes) {
    send(bytes);
    return answer();
  }
  /// Everything until the other side closes; then whether it did (and didn't merely keep still).
  bool ended() {
    while (more()) {
    }
    return end_;
  }

 private:
  void open(int family, const sockaddr* at, socklen_t size) {
    socket_ = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval patience{5, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    connected_ = ::connect(socket_, at, size) == 0;
  }
  bool more() {
    char bytes[4096];
    const ssize_t n = ::recv(socket_, bytes, sizeof bytes, 0);
    if (n == 0 || (n < 0 && errno == ECONNRESET)) end_ = true;
    if (n <= 0) return false;
    in_.append(bytes, static_cast<std::size_t>(n));
    return true;
  }
  int socket_ = -1;
  bool connected_ = false;
  bool end_ = false;
  std::string in_;
};

inline std::string post(std::string_view body, std::string_view more_fields = {},
                        std::string_view path = "/v1/traces",
                        std::string_view type = "application/x-protobuf") {
  std::string request = "POST " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\n";
  if (!type.empty()) request += "Content-Type: " + std::string(type) + "\r\n";
  request +=
      "Content-Length: " + std::to_string(body.size()) + "\r\n" + std::string(more_fields) + "\r\n";
  return request + std::string(body);
}

}  // namespace forager::receive
