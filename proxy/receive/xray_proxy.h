// The TCP side of the X-Ray daemon: the two calls with which the SDKs ask for sampling rules and
// targets, forwarded to X-Ray with our signature (PROTOCOLS 3.4). Nothing else is forwarded: this
// is no open proxy. Connections, what they ask and what they are answered are charged to the
// budget.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <variant>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "admit/door.h"
#include "base/async.h"
#include "net/message.h"

namespace forager::receive {

/// Signs and sends to X-Ray; what it answers goes to the SDK. Empty: X-Ray is not configured.
using XrayAnswer = std::variant<net::Response, net::TransportError>;
using XrayForward = std::function<asio::awaitable<XrayAnswer>(net::Request)>;

struct XrayProxyOptions {
  std::size_t connections = 32;         ///< one more closes the one that was idle longest
  std::size_t body_bytes = 64U << 10U;  ///< an SDK reports 25 rules at once, of some 200 bytes
  std::chrono::milliseconds read_timeout{10'000};
  std::chrono::milliseconds idle_timeout{120'000};
};

/// What the connections share; held by each, since one may outlive who made it. io thread.
class XrayProxy : public std::enable_shared_from_this<XrayProxy> {
 public:
  /// `door`: for memory alone. `answers`: counted by status. Both belong to who made this, until
  /// stop().
  XrayProxy(asio::any_io_executor io, admit::Door& door, XrayForward forward,
            std::map<int, std::uint64_t>& answers, XrayProxyOptions options = {});
  XrayProxy(const XrayProxy&) = delete;
  XrayProxy& operator=(const XrayProxy&) = delete;
  ~XrayProxy();

  /// Until the acceptor is closed.
  asio::awaitable<void> accept(asio::ip::tcp::acceptor& acceptor);
  /// Closes idle connections; the others end with their answer.
  void stop();
  /// After stop(): what is charged for those that haven't ended, before the budget goes.
  void give_back_memory();
  std::size_t connections() const;

 private:
  struct Session;
  struct Heard;
  asio::awaitable<void> serve(std::shared_ptr<Session> session);
  asio::awaitable<bool> exchange(Session& session);
  asio::awaitable<Heard> hear(Session& session);
  asio::awaitable<Heard> hear_body(Session& session);
  asio::awaitable<XrayAnswer> ask(net::Request request);
  asio::awaitable<void> refuse(asio::ip::tcp::socket socket, std::string message);
  bool make_room();
  bool charge(Session& session, std::size_t bytes);

  asio::any_io_executor io_;
  admit::Door& door_;
  XrayForward forward_;
  std::map<int, std::uint64_t>* answers_;
  XrayProxyOptions options_;
  std::list<std::shared_ptr<Session>> sessions_;  ///< oldest first
  std::size_t refusing_ = 0;
  bool stopped_ = false;
};

}  // namespace forager::receive
