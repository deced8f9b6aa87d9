// A real X-Ray daemon's port on a thread of its own, for its tests.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "receive/xray_daemon.h"
#include "unit/receive/http_world.h"

namespace forager::receive {

inline constexpr std::string_view xray_header = "{\"format\":\"json\",\"version\":1}\n";

inline std::string datagram(std::string_view document) {
  return std::string(xray_header) + std::string(document);
}

/// A real XrayDaemon on a thread of its own.
template <class DoorType = FakeDoor>
class XrayWorld : public IoWorld {
 public:
  explicit XrayWorld(XrayDaemonSettings settings = {}, bool with_forward = true)
      : XrayWorld([](DoorType&) {}, std::move(settings), with_forward) {}
  /// `prepare`: what is to be so before it starts.
  explicit XrayWorld(const std::function<void(DoorType&)>& prepare,
                     XrayDaemonSettings settings = {}, bool with_forward = true)
      : door(io.get_executor()), work_(io.get_executor()) {
    prepare(door);
    settings.listen = at_any_port();
    XrayForward forward;
    if (with_forward) forward = [this](net::Request request) { return answer(std::move(request)); };
    auto started =
        XrayDaemon::start(std::move(settings), io.get_executor(), door, std::move(forward));
    if (!started) throw std::runtime_error(started.error().what);
    daemon = *std::move(started);
    const std::string name = daemon->bound().at(0);
    port = static_cast<std::uint16_t>(std::stoi(name.substr(name.rfind(':') + 1)));
    socket_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    thread_ = std::thread([this] { io.run(); });
  }
  ~XrayWorld() {
    on_io([this] {
      door_open();
      daemon->close();
      return 0;
    });
    work_.reset();
    thread_.join();
    ::close(socket_);
  }
  XrayWorld(const XrayWorld&) = delete;
  XrayWorld& operator=(const XrayWorld&) = delete;

  void send(std::string_view bytes) const {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::sendto(socket_, bytes.data(), bytes.size(), 0,
                       reinterpret_cast<const sockaddr*>(&at), sizeof at),
              static_cast<ssize_t>(bytes.size()));
  }

  DoorType door;
  std::unique_ptr<XrayDaemon> daemon;
  std::uint16_t port = 0;
  std::vector<net::Request> forwarded;
  bool throws = false;
  XrayAnswer next = net::Response{200, {{"Content-Type", "application/json"}}, "{}"};

 private:
  void door_open() {
    if constexpr (std::is_same_v<DoorType, FakeDoor>) {
      door.hold = false;
      door.released.notify_all();
    }
  }
  asio::awaitable<XrayAnswer> answer(net::Request request) {
    forwarded.push_back(std::move(request));
    if constexpr (std::is_same_v<DoorType, FakeDoor>) {
      while (door.hold) co_await door.released.wait();
    }
    if (throws) throw std::runtime_error("secret detail");
    co_return next;
  }

  asio::executor_work_guard<asio::io_context::executor_type> work_;
  int socket_ = -1;
  std::thread thread_;
};

}  // namespace forager::receive
