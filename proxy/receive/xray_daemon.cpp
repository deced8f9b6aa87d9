#include "receive/xray_daemon.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <sys/mman.h>
#include <sys/socket.h>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "receive/xray_bind.h"

namespace forager::receive {
namespace {

using boost::system::error_code;

/// Datagrams of one system call.
constexpr unsigned at_once = 16;
/// Of one record: more only make later ones wait.
constexpr std::size_t record_bytes = 256U << 10U;
/// Read for one record at most, whatever is kept of it: a flood of bad or unsampled datagrams would
/// hold up everybody else for ever.
constexpr std::size_t read_bytes = 2 * record_bytes;
/// What a datagram costs beside its bytes.
constexpr std::size_t datagram_cost = 256;
/// For what waits at the end; an app may go on sending.
constexpr std::chrono::milliseconds closing_time{500};
/// With the door at the same time; then the kernel's buffer has to do.
constexpr std::size_t records_waiting = 256;
/// What the datagrams of one system call may become, at the worst: each hands in all bodies.
constexpr std::size_t records_a_call = std::size_t{at_once + 1} * (signal_count + 2);
static_assert(records_a_call < records_waiting);
/// The daemon writes a line for each bad datagram; an app that sends nothing else would fill the
/// disk.
constexpr std::chrono::seconds line_each{10};

Time now() { return std::chrono::steady_clock::now(); }

/// Room for the datagrams of one call. Pages that no datagram has reached yet take no memory.
class Slots {
 public:
  Slots() : bytes_(std::size_t{at_once} * xray_datagram_max) {
    for (unsigned i = 0; i < at_once; ++i) {
      parts_[i] = {bytes_.data() + std::size_t{i} * xray_datagram_max, xray_datagram_max};
      messages_[i].msg_hdr.msg_iov = &parts_[i];
      messages_[i].msg_hdr.msg_iovlen = 1;
    }
  }
  static constexpr std::size_t memory() { return std::size_t{at_once} * xray_datagram_max; }
  /// How many came; 0: none waits.
  unsigned receive(int socket) {
    const int got = ::recvmmsg(socket, messages_.data(), at_once, MSG_DONTWAIT, nullptr);
    return got > 0 ? static_cast<unsigned>(got) : 0;
  }
  std::string_view datagram(unsigned i) const {
    return {static_cast<const char*>(parts_[i].iov_base), messages_[i].msg_len};
  }

 private:
  Buffer bytes_;
  std::array<iovec, at_once> parts_{};
  std::array<mmsghdr, at_once> messages_{};
};

}  // namespace

struct XrayDaemon::State : std::enable_shared_from_this<State> {
  State(XrayDaemonSettings with, const asio::any_io_executor& executor, admit::Door& at,
        XrayForward forward)
      : settings(std::move(with)),
        io(executor),
        door(at),
        gate(executor),
        fewer(executor),
        batch(
            settings.segments_as_spans, std::min(record_bytes, door.request_limit()),
            [this](std::size_t bytes) { return door.extend(charge, charge.bytes() + bytes); },
            counters),
        proxy(std::make_shared<XrayProxy>(executor, door, std::move(forward), counters.answers,
                                          settings.proxy)) {}

  static asio::awaitable<void> listen(std::shared_ptr<State> self, XrayPort& port);
  bool busy() const { return gate.inside() + records_a_call > records_waiting; }
  bool take_waiting(XrayPort& port);
  void take(std::string_view datagram);
  void hand_in();
  void hand_in(Signal signal, std::string_view body, bool made_of_segments);
  static asio::awaitable<void> admit(std::shared_ptr<State> self, Gate::Pass pass,
                                     admit::Offer offer, std::uint64_t datagrams);
  void note_malformed(std::string_view why);
  void note_drops();
  void close();

  XrayDaemonSettings settings;
  asio::any_io_executor io;
  admit::Door& door;
  Gate gate;
  Event fewer;  ///< records with the door
  XrayCounters counters;
  Slots slots;
  Budget::Charge charge;
  XrayBatch batch;
  std::shared_ptr<XrayProxy> proxy;
  std::vector<XrayPort> ports;
  Time last_datagram{};
  Time last_line{};
  std::uint64_t unsaid = 0;  ///< malformed ones since the last line
  std::uint64_t drops_said = 0;
  std::uint64_t drops_closed = 0;  ///< of sockets that are closed
  bool closing = false;            ///< the last is taken, however much is with the door
  bool closed = false;
};

asio::awaitable<void> XrayDaemon::State::listen(std::shared_ptr<State> self, XrayPort& port) {
  while (!self->closed) {
    const auto [error] = co_await port.udp.async_wait(asio::socket_base::wait_read, use_tuple);
    if (error || self->closed) co_return;
    bool more = true;
    while (more && !self->closed) {
      while (self->busy() && !self->closed) co_await self->fewer.wait();
      if (self->closed) co_return;
      more = self->take_waiting(port);
      self->hand_in();
      self->note_drops();
      // others get their turn in between
      if (more) co_await asio::post(self->io, asio::use_awaitable);
    }
  }
}

/// As many as make a record. True: there may be more.
bool XrayDaemon::State::take_waiting(XrayPort& port) {
  std::size_t read = 0;
  while (batch.bytes() < record_bytes && read < read_bytes && (closing || !busy())) {
    const unsigned came = slots.receive(port.udp.native_handle());
    if (came != 0) last_datagram = now();
    for (unsigned i = 0; i < came; ++i) {
      read += slots.datagram(i).size() + datagram_cost;
      take(slots.datagram(i));
    }
    if (came < at_once) return false;
  }
  return true;
}

void XrayDaemon::State::take(std::string_view datagram) {
  using Kind = XrayBatch::Taken::Kind;
  if (!batch.fits(datagram.size())) hand_in();
  const XrayBatch::Taken taken = batch.take(datagram);
  switch (taken.kind) {
    case Kind::good:
      break;
    case Kind::malformed:
      door.book_refusal(taken.signal, ledger::Reason::malformed);
      note_malformed(taken.why);
      break;
    case Kind::no_room:
      ++counters.refused;
      door.turn_away(taken.signal, admit::Refused::Kind::busy, {});
      break;
    case Kind::no_spans_of_it:
      door.turn_away(taken.signal, admit::Refused::Kind::busy, {});
      break;
  }
}

void XrayDaemon::State::note_malformed(std::string_view why) {
  ++unsaid;
  const Time at = now();
  if (last_line != Time{} && at - last_line < line_each) return;
  last_line = at;
  spdlog::warn("X-Ray daemon: a datagram is dropped: {}{}", why,
               unsaid > 1 ? fmt::format(" ({} since the last such line)", unsaid) : std::string());
  unsaid = 0;
}

/// Said once each time their number has doubled.
void XrayDaemon::State::note_drops() {
  std::uint64_t drops = 0;
  for (XrayPort& port : ports) drops += receive::kernel_drops(port.udp);
  if (drops == 0 || drops < 2 * drops_said) return;
  drops_said = drops;
  spdlog::warn(
      "X-Ray daemon: the kernel has dropped {} datagrams since its buffer of {} KiB was full: a "
      "higher net.core.rmem_max allows for a larger one",
      drops, ports.front().buffer_bytes / 1024);
}

void XrayDaemon::State::hand_in() {
  for (const Signal signal : all_signals) hand_in(signal, batch.body(signal), false);
  const std::string_view spans = batch.spans();
  const std::size_t cut = batch.spans_without_last();
  hand_in(Signal::traces, spans.substr(0, cut), true);
  hand_in(Signal::traces, spans.substr(cut), true);
  batch.clear();
}

void XrayDaemon::State::hand_in(Signal signal, std::string_view body, bool made_of_segments) {
  if (body.empty()) return;
  const std::uint64_t datagrams = made_of_segments ? 0 : batch.datagrams(signal);
  const std::size_t headroom = door.headroom();
  auto room = door.room(body.size() + headroom);
  if (!room) {
    counters.refused += datagrams;
    door.turn_away(signal, admit::Refused::Kind::busy, {});
    return;
  }
  admit::Offer offer;
  offer.signal = signal;
  offer.body = Buffer(body.size(), headroom);
  std::memcpy(offer.body.data(), body.data(), body.size());
  offer.charge = std::move(*room);
  offer.answered = false;
  if (made_of_segments) offer.not_for = "xray";
  spawn(io, admit(shared_from_this(), gate.enter(), std::move(offer), datagrams),
        "a record of X-Ray segments");
}

/// `pass` is taken when this is spawned, so that what hasn't begun yet is counted, too.
asio::awaitable<void> XrayDaemon::State::admit(std::shared_ptr<State> self, Gate::Pass pass,
                                               admit::Offer offer, std::uint64_t datagrams) {
  {
    const Gate::Pass inside = std::move(pass);
    const admit::Outcome outcome = co_await self->door.admit(std::move(offer));
    if (std::holds_alternative<admit::Refused>(outcome)) self->counters.refused += datagrams;
  }
  self->fewer.notify_all();
}

void XrayDaemon::State::close() {
  if (closed) return;
  closing = true;
  const Time until = now() + closing_time;
  for (XrayPort& port : ports) {
    bool more = true;
    while (more && port.udp.is_open() && now() < until) {
      more = take_waiting(port);
      hand_in();
    }
  }
  note_drops();
  closed = true;
  proxy->stop();
  for (XrayPort& port : ports) {
    drops_closed += receive::kernel_drops(port.udp);
    error_code ignored;
    port.udp.close(ignored);
    port.tcp.close(ignored);
  }
  fewer.notify_all();
}

Result<std::unique_ptr<XrayDaemon>> XrayDaemon::start(XrayDaemonSettings settings,
                                                      asio::any_io_executor io, admit::Door& door,
                                                      XrayForward forward) {
  auto ports = bind_xray(io, settings.listen);
  if (!ports) return ports.error();
  auto charge = door.room(Slots::memory());
  if (!charge)
    return fault(
        "there is no memory for the X-Ray daemon's port: raise FORAGER_MEMORY_LIMIT, or leave "
        "FORAGER_XRAY_DAEMON_LISTEN out");
  auto state = std::make_shared<State>(std::move(settings), io, door, std::move(forward));
  state->ports = std::move(*ports);
  state->charge = std::move(*charge);
  for (XrayPort& port : state->ports) {
    spawn(io, State::listen(state, port), "the X-Ray daemon's port");
    spawn(io, state->proxy->accept(port.tcp), "the X-Ray proxy");
  }
  return std::unique_ptr<XrayDaemon>(new XrayDaemon(std::move(state)));
}

XrayDaemon::~XrayDaemon() {
  state_->close();
  // tasks that haven't ended hold the state, and the budget may be gone when they do
  state_->proxy->give_back_memory();
  state_->charge.release();
}

std::vector<std::string> XrayDaemon::bound() const {
  std::vector<std::string> names;
  for (const XrayPort& port : state_->ports) names.push_back(port.name);
  return names;
}

std::size_t XrayDaemon::buffer_bytes() const { return state_->ports.front().buffer_bytes; }
const XrayCounters& XrayDaemon::counters() const { return state_->counters; }
std::size_t XrayDaemon::open_connections() const { return state_->proxy->connections(); }
std::size_t XrayDaemon::open_requests() const { return state_->gate.inside(); }
Time XrayDaemon::last_request_began() const { return state_->last_datagram; }

std::uint64_t XrayDaemon::kernel_drops() const {
  std::uint64_t drops = state_->drops_closed;
  for (XrayPort& port : state_->ports) drops += receive::kernel_drops(port.udp);
  return drops;
}

void XrayDaemon::close() { state_->close(); }

asio::awaitable<void> XrayDaemon::drained(Time deadline) {
  co_await state_->gate.drained(deadline);
}

}  // namespace forager::receive
