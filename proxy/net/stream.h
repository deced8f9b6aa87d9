// One TCP connection, plain or TLS, behind calls that are no templates. OpenSSL works on the socket
// directly: no second copy of the bytes and no 70 KiB of buffers a connection, as Asio's own TLS
// stream has.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <boost/asio/ip/tcp.hpp>

#include "base/async.h"
#include "base/budget.h"
#include "net/socket_bio.h"
#include "net/tls.h"

namespace forager::net {

/// io thread, held by shared_ptr: the timer may still look for it after its owner is gone. One read
/// and one write at a time, not both.
class Stream : public std::enable_shared_from_this<Stream> {
 public:
  explicit Stream(const asio::any_io_executor& executor) : socket_(executor), timer_(executor) {}
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream();

  struct Io {
    boost::system::error_code ec;  ///< timed_out when armed and late; eof when the peer closed
    std::size_t bytes = 0;
  };

  asio::awaitable<boost::system::error_code> connect(asio::ip::tcp::endpoint to);
  /// After it everything is encrypted. Empty: done; else why not, in words (empty `ec`) or as a
  /// code.
  struct Handshake {
    boost::system::error_code ec;
    std::string what;
    bool unknown_issuer = false;
  };
  asio::awaitable<Handshake> handshake(SSL_CTX* context, const std::string& host,
                                       std::shared_ptr<TlsNotes::Session> session);
  asio::awaitable<Io> read_some(std::span<char> into);
  /// All pieces in order; small neighbours share a TLS record. `bytes` is what was handed to the
  /// kernel.
  asio::awaitable<Io> write_all(std::span<const std::string_view> pieces);

  /// What waits longer than until `deadline` fails as timed_out, and the connection is of no use
  /// any more.
  void arm(Time deadline);
  void disarm();
  bool timed_out() const { return timed_out_; }
  /// TLS ended without close_notify: an answer that ends with the connection may have been cut.
  bool cut_off() const { return cut_off_; }
  bool resumed() const { return ssl_ != nullptr && SSL_session_reused(ssl_.get()) == 1; }
  /// Nothing to read and not closed: what an idle connection is to be before it is used again.
  bool is_quiet();
  /// For `forager doctor`: version and certificate after the handshake; nullptr: plain.
  const SSL* tls() const { return ssl_.get(); }
  /// Whatever waits fails with operation_aborted; nothing more is possible.
  void abort() { drop(); }
  /// Says goodbye (close_notify) without waiting, and closes.
  void close();

  Time expires{};  ///< its age limit; both set by the pool
  Time idle_since{};
  Budget::Charge charge;

 private:
  enum class Want { nothing, read, write };
  struct Step {
    Want want = Want::nothing;
    boost::system::error_code ec;
    std::size_t bytes = 0;
  };
  Step tls_step(int result, std::size_t bytes);
  Step try_read(std::span<char> into);
  Step try_write(std::span<const std::string_view> pieces, std::size_t skip);
  Step try_write_tls(std::string_view bytes);
  asio::awaitable<boost::system::error_code> wait(Want want);
  asio::awaitable<Io> write_plain(std::span<const std::string_view> pieces);
  asio::awaitable<Io> write_tls(std::span<const std::string_view> pieces);
  boost::system::error_code closed_code() const;
  void drop();

  asio::ip::tcp::socket socket_;
  asio::steady_timer timer_;
  Time deadline_ = Time::max();
  Wire wire_;
  TlsNotes notes_;
  Ssl ssl_;
  bool timed_out_ = false;
  bool cut_off_ = false;
};

}  // namespace forager::net
