#include "net/stream.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <sys/socket.h>
#include <sys/uio.h>

#include <climits>
#include <openssl/err.h>

#include "base/bytes.h"

namespace forager::net {
namespace {

constexpr std::size_t record_bytes = std::size_t{16} << 10U;  ///< a TLS record's largest content
constexpr std::size_t vector_entries = 64;                    ///< of one sendmsg

boost::system::error_code system_code(int error) {
  return {error, boost::system::system_category()};
}

/// Bytes on their way into one record; they may be credentials.
class Staging {
 public:
  Staging() : bytes_(record_bytes) {}
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;
  ~Staging() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }
  std::string_view view() const { return bytes_.view().substr(0, used_); }
  void clear() { used_ = 0; }
  /// How many of `from` found room.
  std::size_t add(std::string_view from) {
    const std::size_t taken = std::min(from.size(), record_bytes - used_);
    std::copy_n(from.data(), taken, bytes_.data() + used_);
    used_ += taken;
    return taken;
  }

 private:
  Buffer bytes_;
  std::size_t used_ = 0;
};

}  // namespace

Stream::~Stream() { drop(); }

boost::system::error_code Stream::closed_code() const {
  return timed_out_ ? asio::error::timed_out : asio::error::operation_aborted;
}

asio::awaitable<boost::system::error_code> Stream::connect(asio::ip::tcp::endpoint to) {
  if (timed_out_) co_return closed_code();
  auto [ec] = co_await socket_.async_connect(to, use_tuple);
  if (timed_out_) co_return closed_code();
  if (ec) co_return ec;
  socket_.non_blocking(true, ec);
  socket_.set_option(asio::ip::tcp::no_delay(true), ec);
  wire_.fd = socket_.native_handle();
  co_return boost::system::error_code{};
}

asio::awaitable<Stream::Handshake> Stream::handshake(SSL_CTX* context, const std::string& host,
                                                     std::shared_ptr<TlsNotes::Session> session) {
  notes_.session = std::move(session);
  Handshake outcome;
  ssl_ = make_client(context, host, notes_);
  BIO* const bio = ssl_ == nullptr ? nullptr : make_socket_bio(wire_);
  if (bio == nullptr) {
    outcome.what = "the TLS connection could not be set up for this host name";
    co_return outcome;
  }
  SSL_set_bio(ssl_.get(), bio, bio);
  while (true) {
    if (wire_.fd < 0) {
      outcome.ec = closed_code();
      co_return outcome;
    }
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl_.get());
    if (result == 1) break;
    const Step step = tls_step(result, 0);
    if (step.ec) {
      if (wire_.error == 0 && !wire_.eof) {
        outcome.what = tls_failure(notes_);
      } else {
        outcome.ec = step.ec;
      }
      const int verify = notes_.verify_error;
      outcome.unknown_issuer = verify == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
                               verify == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN ||
                               verify == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT;
      co_return outcome;
    }
    const auto failed = co_await wait(step.want);
    if (failed) {
      outcome.ec = failed;
      co_return outcome;
    }
  }
  const unsigned char* chosen = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &chosen, &size);
  const std::string_view protocol(reinterpret_cast<const char*>(chosen), size);
  if (size != 0 && protocol != "http/1.1") {
    outcome.what = "the server chose another protocol than http/1.1 (ALPN)";
  }
  co_return outcome;
}

Stream::Step Stream::tls_step(int result, std::size_t bytes) {
  Step step;
  if (result > 0) {
    step.bytes = bytes;
    return step;
  }
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      step.want = Want::read;
      return step;
    case SSL_ERROR_WANT_WRITE:
      step.want = Want::write;
      return step;
    case SSL_ERROR_ZERO_RETURN:
      step.ec = asio::error::eof;
      return step;
    default:
      break;
  }
  if (wire_.error != 0) {
    step.ec = system_code(wire_.error);
  } else if (wire_.eof) {
    cut_off_ = true;
    step.ec = asio::error::eof;
  } else {
    step.ec = boost::system::errc::make_error_code(boost::system::errc::protocol_error);
  }
  return step;
}

Stream::Step Stream::try_read(std::span<char> into) {
  if (ssl_ != nullptr) {
    ERR_clear_error();
    std::size_t got = 0;
    const int result = SSL_read_ex(ssl_.get(), into.data(), into.size(), &got);
    return tls_step(result, got);
  }
  Step step;
  const auto got = ::recv(wire_.fd, into.data(), into.size(), 0);
  if (got > 0) {
    step.bytes = static_cast<std::size_t>(got);
  } else if (got == 0) {
    step.ec = asio::error::eof;
  } else if (errno == EAGAIN || errno == EINTR) {
    step.want = Want::read;
  } else {
    step.ec = system_code(errno);
  }
  return step;
}

asio::awaitable<Stream::Io> Stream::read_some(std::span<char> into) {
  Io io;
  while (true) {
    if (wire_.fd < 0) {
      io.ec = closed_code();
      co_return io;
    }
    const Step step = try_read(into);
    io.ec = step.ec;
    io.bytes = step.bytes;
    if (step.want == Want::nothing) co_return io;
    io.ec = co_await wait(step.want);
    if (io.ec) co_return io;
  }
}

asio::awaitable<boost::system::error_code> Stream::wait(Want want) {
  const auto what =
      want == Want::read ? asio::ip::tcp::socket::wait_read : asio::ip::tcp::socket::wait_write;
  auto [ec] = co_await socket_.async_wait(what, use_tuple);
  if (wire_.fd < 0) co_return closed_code();
  co_return ec;
}

asio::awaitable<Stream::Io> Stream::write_all(std::span<const std::string_view> pieces) {
  if (ssl_ == nullptr) {
    co_return co_await write_plain(pieces);
  }
  co_return co_await write_tls(pieces);
}

/// One sendmsg of what follows the first `skip` bytes of `pieces`.
Stream::Step Stream::try_write(std::span<const std::string_view> pieces, std::size_t skip) {
  std::array<iovec, vector_entries> vectors{};
  std::size_t used = 0;
  for (std::string_view piece : pieces) {
    if (used == vectors.size()) break;
    piece.remove_prefix(std::exchange(skip, 0));
    if (piece.empty()) continue;
    vectors[used++] = iovec{const_cast<char*>(piece.data()), piece.size()};
  }
  msghdr message{};
  message.msg_iov = vectors.data();
  message.msg_iovlen = used;
  Step step;
  const auto sent = ::sendmsg(wire_.fd, &message, MSG_NOSIGNAL);
  if (sent >= 0) {
    step.bytes = static_cast<std::size_t>(sent);
  } else if (errno == EAGAIN || errno == EINTR) {
    step.want = Want::write;
  } else {
    step.ec = system_code(errno);
  }
  return step;
}

asio::awaitable<Stream::Io> Stream::write_plain(std::span<const std::string_view> pieces) {
  Io io;
  std::size_t skip = 0;  // of the first piece
  while (true) {
    while (!pieces.empty() && skip >= pieces.front().size()) {
      skip -= pieces.front().size();
      pieces = pieces.subspan(1);
    }
    if (pieces.empty()) co_return io;
    if (wire_.fd < 0) {
      io.ec = closed_code();
      co_return io;
    }
    const Step step = try_write(pieces, skip);
    io.ec = step.ec;
    if (io.ec) co_return io;
    skip += step.bytes;
    io.bytes += step.bytes;
    if (step.want == Want::nothing) continue;
    io.ec = co_await wait(step.want);
    if (io.ec) co_return io;
  }
}

Stream::Step Stream::try_write_tls(std::string_view bytes) {
  ERR_clear_error();
  std::size_t sent = 0;
  const int result = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &sent);
  return tls_step(result, sent);
}

asio::awaitable<Stream::Io> Stream::write_tls(std::span<const std::string_view> pieces) {
  Io io;
  Staging staging;
  std::string_view rest;  // of the piece that is under way
  std::string_view next;  // bytes for OpenSSL, the same until it took them
  while (true) {
    while (rest.empty() && !pieces.empty()) {
      rest = pieces.front();
      pieces = pieces.subspan(1);
    }
    if (next.empty() && rest.empty()) co_return io;
    if (next.empty() && rest.size() >= record_bytes) {
      next = std::exchange(rest, std::string_view());
    } else if (next.empty()) {
      staging.clear();
      while (!rest.empty()) {
        rest.remove_prefix(staging.add(rest));
        if (!rest.empty() || pieces.empty()) break;
        rest = pieces.front();
        pieces = pieces.subspan(1);
      }
      next = staging.view();
    }
    if (wire_.fd < 0) {
      io.ec = closed_code();
      co_return io;
    }
    const Step step = try_write_tls(next);
    io.ec = step.ec;
    if (io.ec) co_return io;
    io.bytes += step.bytes;
    next.remove_prefix(step.bytes);
    if (step.want == Want::nothing) continue;
    io.ec = co_await wait(step.want);
    if (io.ec) co_return io;
  }
}

void Stream::arm(Time deadline) {
  deadline_ = deadline;
  timer_.expires_at(deadline);
  timer_.async_wait([weak = weak_from_this(), deadline](const boost::system::error_code& ec) {
    const auto self = weak.lock();
    // a cancel may come too late: the deadline that holds now decides
    if (ec || self == nullptr || self->deadline_ != deadline) return;
    self->timed_out_ = true;
    self->drop();
  });
}

void Stream::disarm() {
  deadline_ = Time::max();
  timer_.cancel();
}

bool Stream::is_quiet() {
  if (wire_.fd < 0) return false;
  if (ssl_ != nullptr && SSL_pending(ssl_.get()) != 0) return false;
  char one = 0;
  const auto got = ::recv(wire_.fd, &one, 1, MSG_PEEK | MSG_DONTWAIT);
  return got < 0 && (errno == EAGAIN || errno == EINTR);
}

void Stream::close() {
  if (wire_.fd >= 0 && ssl_ != nullptr && SSL_is_init_finished(ssl_.get()) == 1 &&
      wire_.error == 0) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
  }
  drop();
}

void Stream::drop() {
  wire_.fd = -1;
  boost::system::error_code ignored;
  socket_.close(ignored);
}

}  // namespace forager::net
