#include "export/exporter.h"

#include <spdlog/spdlog.h>

#include "base/compress.h"

namespace forager::exporter {
namespace {

using std::chrono::steady_clock;
using std::chrono::system_clock;

/// After the disk would not give a body.
constexpr std::chrono::seconds disk_pause{1};
constexpr std::string_view key_unknown_words =
    "the key of these records is not known: they wait until it is set, or an app sends it again";
constexpr const char* disk_words = "the disk doesn't give what is to be sent";

/// Pure, for the pool.
Chain compressed(destination::Codec codec, const Chain& raw) {
  switch (codec) {
    case destination::Codec::zstd:
      return Chain(Slice(zstd_of(raw)));
    case destination::Codec::gzip:
      return Chain(Slice(gzip_of(raw)));
    case destination::Codec::none:
      break;
  }
  return raw;
}

/// Memory that belongs to the encoded body alone: uncompressed, it shares the journal's bytes.
std::size_t own_bytes(destination::Codec codec, const Chain& body) {
  return codec == destination::Codec::none ? 0 : body.size();
}

spdlog::level::level_enum level_of(LogLine::Level level) {
  switch (level) {
    case LogLine::Level::error:
      return spdlog::level::err;
    case LogLine::Level::warn:
      return spdlog::level::warn;
    case LogLine::Level::info:
      break;
  }
  return spdlog::level::info;
}

}  // namespace

Exporter::Exporter(asio::any_io_executor executor, asio::thread_pool& pool, Delivery& delivery,
                   const destination::Destination& destination, net::Transport& transport,
                   CredentialsOf credentials_of, Budget& budget, ExporterSettings settings)
    : executor_(executor),
      pool_(pool),
      delivery_(delivery),
      destination_(destination),
      transport_(transport),
      credentials_of_(std::move(credentials_of)),
      budget_(budget),
      settings_(settings),
      changed_(executor),
      progressed_(executor),
      gate_(executor),
      log_(std::string(destination.name())) {
  delivery_.on_wake([this] { wake(); });
}

Exporter::~Exporter() { delivery_.on_wake({}); }

void Exporter::wake() {
  changed_.notify_all();
  progressed_.notify_all();
}

void Exporter::stop() {
  stopping_ = true;
  transport_.stop();
  wake();
}

asio::awaitable<void> Exporter::run() {
  while (!stopping_) {
    const Next next = delivery_.next(steady_clock::now());
    if (Attempt* const* const due = std::get_if<Attempt*>(&next)) {
      auto task = attempt(*due, gate_.enter());
      spawn(executor_, std::move(task), "a request of an exporter");
      continue;
    }
    if (const Load* const body = std::get_if<Load>(&next)) {
      std::vector<journal::Position> wanted{body->position};
      const bool had = co_await settings_.load(std::move(wanted));
      if (!had) {
        co_await changed_.wait_until(steady_clock::now() + disk_pause);
      }
      continue;
    }
    const Time until = std::get<Wait>(next).until;
    co_await changed_.wait_until(until);
  }
  co_await gate_.drained(Time::max());
}

asio::awaitable<bool> Exporter::drained(Time deadline) {
  delivery_.drain();
  wake();
  while (!delivery_.drained() && steady_clock::now() < deadline) {
    co_await progressed_.wait_until(deadline);
  }
  co_return delivery_.drained();
}

/// `what` is the delivery's, and good until it is told how it ended.
asio::awaitable<void> Exporter::attempt(Attempt* what, Gate::Pass /*inside*/) {
  const AttemptId id = what->id;
  const auto credentials = credentials_of_(what->group);
  if (!credentials && what->group != journal::own_group) {
    delivery_.key_unknown(id, steady_clock::now());
    report();
    co_return;
  }
  if (!credentials) {
    const destination::Verdict verdict = destination::Park{
        settings_.no_credentials ? settings_.no_credentials() : std::string(key_unknown_words)};
    delivery_.answered(id, verdict, steady_clock::now());
    report();
    co_return;
  }
  if (!what->encoded) {
    const bool loaded = co_await load(*what);
    if (!loaded) co_return;
    co_await encode(*what);
  }
  const Answered answer = co_await exchange(*what, *credentials);
  if (answer) {
    if (looks_inside(*answer)) {
      const bool loaded = co_await load(*what);
      if (!loaded) co_return;
    }
    const auto* park = std::get_if<destination::Park>(&*answer);
    if (park != nullptr && park->stale_credentials && settings_.stale_credentials) {
      settings_.stale_credentials();
    }
    delivery_.answered(id, *answer, steady_clock::now());
  } else {
    delivery_.failed(id, answer.error(), steady_clock::now());
  }
  report();
  return_memory();
}

/// One request and its verdict. What must be made at the destination first is made, and the same
/// sent again, once.
asio::awaitable<Exporter::Answered> Exporter::exchange(const Attempt& what,
                                                       const destination::Credentials& with) {
  bool prepared = false;
  bool clock_set = false;
  for (;;) {
    net::Request request = destination_.encode(*what.encoded);
    destination_.sign(request, what.signal, with, skew_.adjusted(system_clock::now()));
    net::Answer answer = co_await transport_.send(std::move(request), settings_.send_timeout);
    if (!answer) co_return answer.error();
    ++answers_[answer->status];
    if (skew_.learn(*answer, system_clock::now()) && !clock_set &&
        destination::blames_clock(*answer)) {
      clock_set = true;  // its own time, from now on
      continue;
    }
    auto verdict = judged(what, *answer);
    auto* needs = std::get_if<destination::Prepare>(&verdict);
    if (needs == nullptr) co_return verdict;
    if (prepared) co_return destination::Verdict(destination::Retry{{}, std::move(needs->why)});
    prepared = true;
    Answered made = co_await prepare(std::move(*needs), what.signal, with);
    if (!made || !std::holds_alternative<destination::Delivered>(*made)) co_return made;
  }
}

destination::Verdict Exporter::judged(const Attempt& what, const net::Response& answer) const {
  return destination_.judge_in_lane(answer, what.signal, what.codec, what.lane,
                                    skew_.adjusted(system_clock::now()));
}

/// Delivered: all of it is there now.
asio::awaitable<Exporter::Answered> Exporter::prepare(destination::Prepare what, Signal signal,
                                                      const destination::Credentials& with) {
  for (net::Request& request : what.requests) {
    destination_.sign(request, signal, with, skew_.adjusted(system_clock::now()));
    net::Answer answer = co_await transport_.send(std::move(request), settings_.send_timeout);
    if (!answer) co_return answer.error();
    ++answers_[answer->status];
    auto verdict = destination_.prepared(*answer, system_clock::now());
    if (!std::holds_alternative<destination::Delivered>(verdict)) co_return verdict;
  }
  co_return destination::Verdict(destination::Delivered{});
}

/// What a burst or an outage has left behind in malloc goes back to the system once it is
/// delivered.
void Exporter::return_memory() {
  if (held_.fell(budget_.used())) asio::post(pool_, return_free_memory);
}

/// False: the delivery was told, `what` is no more.
asio::awaitable<bool> Exporter::load(Attempt& what) {
  auto missing = delivery_.missing(what);
  if (missing.empty()) co_return true;
  const bool asked = co_await settings_.load(std::move(missing));
  if (delivery_.missing(what).empty()) co_return true;
  const Time now = steady_clock::now();
  if (asked) {
    delivery_.unreadable(what.id, now);
  } else {
    delivery_.failed(what.id, net::TransportError{net::TransportError::Kind::reset, disk_words},
                     now);
  }
  report();
  co_return false;
}

asio::awaitable<void> Exporter::encode(Attempt& what) {
  destination::Encoded made{what.signal, what.codec, what.items,   {},
                            what.lane,   what.step,  what.squeezed};
  Chain raw = delivery_.raw_body(what);
  if (raw.size() < settings_.inline_bytes || what.codec == destination::Codec::none) {
    made.body = compressed(what.codec, raw);
  } else {
    auto work = [codec = what.codec, from = std::move(raw)] { return compressed(codec, from); };
    made.body = co_await offload(pool_, std::move(work));
  }
  what.encoded_charge = budget_.take_anyway(own_bytes(what.codec, made.body));
  what.encoded = std::move(made);
}

/// After each answer: what changed goes to the log.
void Exporter::report() {
  if (stopping_) return;  // what stop() ended is no news
  const Time now = steady_clock::now();
  std::uint64_t quarantined = 0;
  std::uint64_t rejected = 0;
  if (settings_.book != nullptr) {
    for (const Signal s : all_signals) {
      for (const auto& reason : ledger::reasons()) {
        // not what is there now: one that is refused again after a replay is news
        if (reason.state == ledger::State::quarantined)
          quarantined += settings_.book->ever(s, reason.reason);
      }
      rejected += settings_.book->count(s, ledger::State::rejected);
    }
  }
  for (const LogLine& line : log_.update(delivery_.state(), quarantined, rejected, now)) {
    spdlog::log(level_of(line.level), line.text);
  }
}

}  // namespace forager::exporter
