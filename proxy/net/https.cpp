#include "net/https.h"

#include <algorithm>
#include <span>
#include <string_view>

#include <fmt/format.h>

#include "net/response_reader.h"

namespace forager::net {
namespace {

using Kind = TransportError::Kind;
using std::chrono::steady_clock;

constexpr std::size_t read_bytes = std::size_t{16} << 10U;
constexpr std::size_t free_body_bytes = std::size_t{64}
                                        << 10U;  ///< of an answer, beyond any budget
/// What an open connection costs: OpenSSL's state, the peer's certificates, a record each way, the
/// kernel's share not counted.
constexpr std::size_t connection_bytes = std::size_t{64} << 10U;

}  // namespace

/// Idle connections, the latest last. A timer closes what nobody takes.
struct HttpsTransport::Pool : std::enable_shared_from_this<Pool> {
  explicit Pool(const asio::any_io_executor& executor, Duration limit)
      : timer(executor), idle_limit(limit) {}
  Time end_of(const Stream& s) const { return std::min(s.idle_since + idle_limit, s.expires); }
  void prune(Time now) {
    std::erase_if(idle, [&](const Connection& c) {
      if (now < end_of(*c)) return false;
      c->close();
      return true;
    });
    watch();
  }
  void clear() {
    for (const Connection& c : idle) c->close();
    idle.clear();
    timer.cancel();
  }
  /// The timer runs while there is something to close, and at most once at a time.
  void watch() {
    if (idle.empty() || watching) return;
    Time first = Time::max();
    for (const Connection& c : idle) first = std::min(first, end_of(*c));
    watching = true;
    timer.expires_at(first);
    timer.async_wait([weak = weak_from_this()](const boost::system::error_code&) {
      const auto self = weak.lock();
      if (self == nullptr) return;
      self->watching = false;
      self->prune(steady_clock::now());
    });
  }

  asio::steady_timer timer;
  Duration idle_limit;
  std::vector<Connection> idle;
  std::uint64_t generation = 0;  ///< grows with refresh(): connections of older ones are not kept
  bool watching = false;
};

/// One try on one connection.
struct HttpsTransport::Exchange {
  Exchange(Connection on, std::span<const std::string_view> what, Time until,
           std::size_t body_limit)
      : stream(std::move(on)),
        pieces(what),
        deadline(until),
        reader(ResponseReader::Kind::exchange, body_limit) {}
  Connection stream;
  std::span<const std::string_view> pieces;
  Time deadline;
  ResponseReader reader;
  Budget::Charge body_charge;
  std::string_view phase = "sending the request";
  boost::system::error_code ec;
  std::optional<Fault> protocol;
  bool sent_all = false;
};

HttpsTransport::HttpsTransport(asio::any_io_executor executor, Origin origin,
                               std::optional<Proxy> proxy, Tls& tls, HttpsSettings settings)
    : executor_(executor),
      connector_(executor, std::move(origin), std::move(proxy), tls, settings.connect_timeout),
      settings_(settings),
      random_(settings.seed),
      pool_(std::make_shared<Pool>(executor, settings.idle_limit)) {}

HttpsTransport::~HttpsTransport() { pool_->clear(); }

std::size_t HttpsTransport::idle() const { return pool_->idle.size(); }

void HttpsTransport::refresh() {
  ++pool_->generation;
  pool_->clear();
}

void HttpsTransport::begin_anew() {
  refresh();
  connector_.forget_session();
}

void HttpsTransport::stop() {
  connector_.stop();
  pool_->clear();
}

HttpsTransport::Connection HttpsTransport::take_idle() {
  const Time now = steady_clock::now();
  while (!pool_->idle.empty()) {
    Connection latest = std::move(pool_->idle.back());
    pool_->idle.pop_back();
    if (now < pool_->end_of(*latest) && latest->is_quiet()) return latest;
    latest->close();
  }
  return nullptr;
}

void HttpsTransport::give_back(Connection stream, std::uint64_t generation) {
  const Time now = steady_clock::now();
  if (generation != pool_->generation || now >= stream->expires) {
    stream->close();
    return;
  }
  stream->idle_since = now;
  pool_->idle.push_back(std::move(stream));
  pool_->watch();
}

asio::awaitable<Opened> HttpsTransport::open(Time deadline) {
  Budget::Charge charge;
  if (settings_.budget != nullptr) charge = settings_.budget->take_anyway(connection_bytes);
  Opened opened = co_await connector_.open(deadline);
  if (!opened) co_return opened;
  Stream& stream = **opened;
  stream.charge = std::move(charge);
  const double share = 0.8 + 0.2 * std::uniform_real_distribution<double>()(random_);
  stream.expires =
      steady_clock::now() + std::chrono::duration_cast<Duration>(settings_.age_limit * share);
  ++counts_.connects;
  if (stream.resumed()) ++counts_.resumed;
  co_return opened;
}

asio::awaitable<Answer> HttpsTransport::send(Request request, Duration timeout) {
  const Time deadline = steady_clock::now() + timeout;
  const auto head = head_of(connector_.origin(), request);
  if (!head) co_return TransportError{Kind::protocol, head.error().what};
  std::vector<std::string_view> pieces{head->view()};
  for (const Slice& s : request.body.slices()) pieces.push_back(s.view());

  bool fresh_only = false;
  while (true) {
    const std::uint64_t generation = pool_->generation;
    Connection stream = fresh_only ? nullptr : take_idle();
    const bool reused = stream != nullptr;
    if (!reused) {
      Opened opened = co_await open(deadline);
      if (!opened) co_return opened.error();
      stream = std::move(*opened);
    }
    Exchange one(std::move(stream), pieces, deadline, settings_.response_limit);
    co_await exchange(one);
    if (reused) ++counts_.reused;
    if (one.reader.done()) {
      if (one.sent_all && one.reader.reusable()) {
        give_back(std::move(one.stream), generation);
      } else {
        one.stream->close();
      }
      co_return one.reader.take();
    }
    one.stream->close();
    const bool stale = reused && one.ec && !one.reader.started() && !one.stream->timed_out() &&
                       !connector_.stopped();
    if (!stale) co_return wire_error(one);
    // the peer had closed it before it saw this request: once again, without telling anybody
    ++counts_.stale;
    pool_->clear();
    fresh_only = true;
  }
}

/// Writes and reads until the answer is complete or cannot be. After a failed write the answer is
/// looked for all the same: who refuses a large body says so and closes.
asio::awaitable<void> HttpsTransport::exchange(Exchange& with) {
  with.stream->arm(with.deadline);
  const auto sent = co_await with.stream->write_all(with.pieces);
  counts_.sent_bytes += sent.bytes;
  with.sent_all = !sent.ec;
  if (with.stream->timed_out()) {
    with.ec = sent.ec;
    co_return;
  }
  with.phase = "waiting for the answer";
  if (settings_.budget != nullptr) with.body_charge = settings_.budget->take_anyway(read_bytes);
  Buffer bytes(read_bytes);
  while (!with.reader.done()) {
    const auto got = co_await with.stream->read_some(bytes.span());
    if (got.ec) {
      const bool ended =
          got.ec == asio::error::eof && !with.stream->cut_off() && with.reader.close();
      if (!ended) with.ec = sent.ec ? sent.ec : got.ec;
      break;
    }
    with.phase = "reading the answer";
    with.protocol = with.reader.feed(std::string_view(bytes.data(), got.bytes));
    if (with.protocol) co_return;
    const std::size_t body = with.reader.body_bytes();
    // small answers are never cut: at a full budget that would cost the connection as well
    if (settings_.budget != nullptr && body > free_body_bytes &&
        !with.body_charge.resize(read_bytes + body)) {
      with.reader.cut();
    }
  }
  with.stream->disarm();
}

TransportError HttpsTransport::wire_error(const Exchange& with) const {
  const std::string peer = connector_.origin().endpoint();
  if (connector_.stopped()) return connector_.stopped_error();
  if (with.protocol)
    return {Kind::protocol,
            fmt::format("{}: {}; is this the right endpoint?", peer, with.protocol->what)};
  if (with.stream->timed_out())
    return {Kind::timeout, fmt::format("{}: timed out while {}", peer, with.phase)};
  if (with.ec == asio::error::eof)
    return {Kind::reset, fmt::format("{} closed the connection while {}", peer, with.phase)};
  return {Kind::reset, fmt::format("{}: the connection broke while {}: {}", peer, with.phase,
                                   with.ec.message())};
}

}  // namespace forager::net
