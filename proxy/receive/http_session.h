// One connection of an app: reads requests one after the other, hands their bodies to the door,
// writes the answers. Sockets are non-blocking and waited for by readiness, so an idle connection
// holds no buffer, and a request that has arrived costs two reads and a write without a detour
// through the scheduler.
#pragma once

#include <string>
#include <string_view>
#include <unordered_set>
#include <variant>
#include <vector>

#include <boost/asio/generic/stream_protocol.hpp>

#include "base/async.h"
#include "receive/http.h"
#include "receive/http_reply.h"
#include "receive/http_rules.h"

namespace forager::receive {

class HttpSession;
using Socket = asio::generic::stream_protocol::socket;

/// What the sessions of one receiver share. Held by each, since a session may outlive the receiver.
struct HttpPort {
  HttpPort(HttpSettings s, const asio::any_io_executor& io, admit::Door& d)
      : settings(std::move(s)), executor(io), door(d), gate(io), watch(io) {}
  HttpSettings settings;
  asio::any_io_executor executor;
  admit::Door& door;
  Gate gate;
  HttpCounters counters;
  bool draining = false;
  bool closed = false;
  asio::steady_timer watch;  ///< of the deadlines; cancelled with the last session
  bool watching = false;
  std::size_t serving = 0;
  std::size_t open_requests = 0;
  Time last_request_began{};
  std::unordered_set<HttpSession*> sessions;
  /// Where bytes land that aren't known to be a body; its content is good until the next wait.
  std::vector<char> scratch = std::vector<char>(64U * 1024U);
};

/// Serves a connection to its end, or answers it 503 when there are too many.
asio::awaitable<void> serve(std::shared_ptr<HttpPort> port, Socket socket);

/// Lets connections whose deadline has passed go on with `late`, while there are any: one timer for
/// all of them.
asio::awaitable<void> watch_deadlines(std::shared_ptr<HttpPort> port);

class HttpSession {
 public:
  HttpSession(HttpPort& port, Socket socket);
  HttpSession(const HttpSession&) = delete;
  HttpSession& operator=(const HttpSession&) = delete;
  ~HttpSession();

  /// False: one connection too many, or no memory for it; only `refuse` is left.
  bool open();
  asio::awaitable<void> run();
  asio::awaitable<void> refuse();
  void check_deadline(Time now);
  void stop();

 private:
  enum class Heard : std::uint8_t {
    request,
    gone,
    late,
    too_large,
    malformed,
    no_room,
    http2,
    tls
  };
  enum class How : std::uint8_t { some, end, reset, late };
  struct Received {
    How how = How::some;
    std::size_t bytes = 0;
  };
  struct Body {
    Buffer bytes;
    Budget::Charge charge;
  };
  struct Gone {};
  using BodyRead = std::variant<Body, Turned, Gone>;

  bool charge_carried();
  /// Reads in a row before others get their turn.
  static constexpr std::size_t bytes_a_turn = 512U * 1024U;

  void arm(Duration after);
  void disarm();
  asio::awaitable<bool> ready(Socket::wait_type what);
  asio::awaitable<Received> receive(asio::mutable_buffer into);
  asio::awaitable<bool> send(std::string_view bytes);

  asio::awaitable<Heard> read_head(HeadParser& parser);
  Heard judge_head(HeadParser& parser);
  asio::awaitable<void> answer_bad_head(Heard heard);
  asio::awaitable<bool> serve_request(HeadParser& parser);
  asio::awaitable<BodyRead> read_body(HeadParser& parser, Signal signal);
  asio::awaitable<BodyRead> read_sized(std::uint64_t length, Signal signal);
  asio::awaitable<BodyRead> read_chunked(HeadParser& parser, Signal signal);
  std::optional<Turned> feed_chunks(HeadParser& parser, GrowingBody& growing, std::string_view came,
                                    Signal signal);
  BodyRead broken(How how, Signal signal, std::size_t got);
  Turned no_room(Signal signal);
  asio::awaitable<bool> answer(HeadParser& parser, Take take, admit::Outcome outcome);
  asio::awaitable<bool> answer_turned(HeadParser& parser, Turned turned);
  asio::awaitable<void> discard(std::uint64_t bytes);
  asio::awaitable<void> linger();

  HttpPort& port_;
  Socket socket_;
  Budget::Charge charge_;
  std::string carry_;  ///< received and not yet used: part of a header, the start of a body, the
                       ///< next request
  Time deadline_ = Time::max();
  bool late_ = false;
  bool fresh_ = true;  ///< no request yet
};

}  // namespace forager::receive
