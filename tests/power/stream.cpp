#include "power/stream.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cctype>
#include <chrono>
#include <cstdlib>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace forager::power {
namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in made{};
  made.sin_family = AF_INET;
  made.sin_port = htons(port);
  made.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return made;
}

/// The field's value; 0 if it isn't there.
std::size_t content_length(std::string head) {
  std::transform(head.begin(), head.end(), head.begin(),
                 [](unsigned char each) { return static_cast<char>(std::tolower(each)); });
  constexpr std::string_view name = "\r\ncontent-length:";
  const std::size_t at = head.find(name);
  return at == std::string::npos ? 0 : std::strtoull(head.c_str() + at + name.size(), nullptr, 10);
}

}  // namespace

Stream::Stream(Stream&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)), pending_(std::move(other.pending_)) {}

Stream::~Stream() {
  if (socket_ >= 0) ::close(socket_);
}

bool Stream::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool Stream::read_some() {
  std::array<char, 65536> buffer;
  const ssize_t got = ::recv(socket_, buffer.data(), buffer.size(), 0);
  if (got <= 0) return false;
  pending_.append(buffer.data(), static_cast<std::size_t>(got));
  return true;
}

std::optional<Message> Stream::read() {
  constexpr std::string_view blank = "\r\n\r\n";
  std::size_t end = std::string::npos;
  while ((end = pending_.find(blank)) == std::string::npos) {
    if (!read_some()) return std::nullopt;
  }
  Message made;
  made.head = pending_.substr(0, end);
  if (made.head.find("chunked") != std::string::npos) return std::nullopt;
  pending_.erase(0, end + blank.size());
  const std::size_t length = content_length(made.head);
  while (pending_.size() < length) {
    if (!read_some()) return std::nullopt;
  }
  made.body = pending_.substr(0, length);
  pending_.erase(0, length);
  return made;
}

std::optional<Stream> connect_to(std::uint16_t port) {
  const sockaddr_in address = loopback(port);
  const auto until = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (std::chrono::steady_clock::now() < until) {
    const int made = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(made, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
      const int on = 1;
      ::setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      return Stream(made);
    }
    ::close(made);
    // until the other process listens: nothing tells when it does
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return std::nullopt;
}

int listen_on(std::uint16_t port) {
  const sockaddr_in address = loopback(port);
  const int made = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::bind(made, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return -1;
  return ::listen(made, 64) == 0 ? made : -1;
}

void say(std::string line) {
  line += '\n';
  if (::write(STDOUT_FILENO, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
    std::abort();
  }
}

}  // namespace forager::power
