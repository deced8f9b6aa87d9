// Just enough HTTP/1.1 over blocking loopback sockets for the programs inside the power-cut test's
// machine: a header, and a body as long as its Content-Length. Shares no code with Forager's own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace forager::power {

struct Message {
  std::string head;  ///< start line and fields
  std::string body;
};

/// A connected socket, closed with this object. Used by one thread.
class Stream {
 public:
  /// Takes over `socket`.
  explicit Stream(int socket) : socket_(socket) {}
  Stream(Stream&& other) noexcept;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  Stream& operator=(Stream&&) = delete;
  ~Stream();

  /// False: the peer is gone.
  bool send(std::string_view bytes);
  /// The next whole message; none: the peer is gone, or speaks in chunks.
  std::optional<Message> read();

 private:
  bool read_some();

  int socket_;
  std::string pending_;  ///< read, not yet part of a message
};

/// To 127.0.0.1; tries until somebody listens. None: nobody did for a minute.
std::optional<Stream> connect_to(std::uint16_t port);

/// A socket that listens on 127.0.0.1, or -1.
int listen_on(std::uint16_t port);

/// A line to stdout in one write, so that lines of several threads never mix. The line ends the
/// program if it can't be written: nobody would know what happens from here on.
void say(std::string line);

}  // namespace forager::power
