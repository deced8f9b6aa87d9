#include "sim/process.h"

#include <algorithm>
#include <map>
#include <utility>
#include <variant>

#include "base/compress.h"
#include "destination/hive.h"
#include "destination/honeycomb.h"
#include "sim/strict.h"

namespace forager::sim {

using ledger::Reason;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr Duration send_timeout = seconds(30);
/// Timers in a second that wake a delivery which then neither sends nor settles anything.
constexpr int fruitless_max = 20;

std::unique_ptr<destination::Destination> destination_of(const PartyPlan& plan) {
  switch (plan.kind) {
    case PartyPlan::Kind::honeycomb: {
      destination::HoneycombConfig config;
      config.batch_bytes = plan.request_bytes;
      config.routed = plan.takes;
      return std::make_unique<destination::HoneycombDestination>(std::move(config));
    }
    case PartyPlan::Kind::strict:
      return std::make_unique<StrictDestination>(plan);
    case PartyPlan::Kind::hive:
      break;
  }
  return std::make_unique<HiveLike>(plan);
}

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

std::string_view key_in(const net::Request& request) {
  return request.secret_headers.empty() ? std::string_view()
                                        : request.secret_headers.front().second.reveal();
}

}  // namespace

struct Process::Flight {
  exporter::AttemptId id = 0;
  Signal signal = Signal::traces;
  destination::Codec codec = destination::Codec::none;
  bool timed_out = false;
  bool probe = false;  ///< sent while parked
  Reply reply;
};

struct Process::Party {
  Party(Seat& at, const Around& world, journal::Journal& journal, journal::Quarantine& bin)
      : seat(at),
        destination(destination_of(at.plan)),
        delivery(
            at.plan.delivery, *destination, journal, bin,
            [&chance = world.chance] { return chance.unit(); }, world.loop.now()) {}
  Seat& seat;
  std::unique_ptr<destination::Destination> destination;
  exporter::Delivery delivery;
  bool woken = false;
  std::uint64_t timer = 0;  ///< only the last one set counts
  int fruitless = 0;        ///< since then, at most a second long
  Time fruitless_since{};
  std::uint64_t last_ticket = 0;
  std::map<std::uint64_t, Flight> flights;
};

Process::Process(Around around, std::string own_key)
    : world_(around),
      budget_(around.plan.budget),
      journal_(around.plan.journal, books_),
      quarantine_(std::size_t{1} << 29U, bin_budget_),
      keys_(around.plan.key_policy, Secret(std::move(own_key)), Secret("salt of the simulator")) {
  for (Seat& seat : world_.seats) {
    Party& party =
        *parties_.emplace_back(std::make_unique<Party>(seat, world_, journal_, quarantine_));
    party.delivery.on_wake([this, &party] { wake(party); });
    encoded_max_ += std::size_t{2} * seat.plan.delivery.concurrency *
                    std::min(world_.plan.journal.bytes_max, std::size_t{1} << 20U);
  }
}

Process::~Process() {
  *alive_ = false;
  for (const auto& party : parties_) {
    for (const auto& [ticket, flight] : party->flights) party->seat.witness->crashed(flight.reply);
  }
}

void Process::later(Duration wait, std::function<void()> what) {
  world_.loop.after(wait, [alive = alive_, run = std::move(what)] {
    if (*alive) run();
  });
}

WallTime Process::wall() const {
  return WallTime(std::chrono::hours(24 * 365 * 55)) +
         std::chrono::duration_cast<WallTime::duration>(world_.loop.now().time_since_epoch() +
                                                        world_.wall_offset);
}

void Process::offer(Signal signal, std::uint32_t app, std::string body, Number first) {
  const Time now = world_.loop.now();
  const auto items = static_cast<std::uint32_t>(world_.truths.size() - first);
  ledger::Door& door = books_.door();
  const auto refuse = [&](Reason reason) {
    door.refused(signal, reason, items);
    world_.trace(now, [&] {
      return fmt::format("app {}: {} {} refused: {}", app, items, facts(signal).items,
                         ledger::facts(reason).label);
    });
  };
  if (stopping_) return refuse(Reason::stopping);
  std::optional<Secret> key;
  if (app != 0) key = Secret(fmt::format("app-{}", app));
  const auto group = keys_.group_of(key, std::nullopt);
  if (!std::holds_alternative<journal::GroupId>(group)) return refuse(Reason::unauthenticated);
  if (body.size() > budget_.limit() / 4) return refuse(Reason::too_large);
  auto charge = budget_.take(body.size());
  if (!charge) return refuse(Reason::memory_budget);
  journal::Record record = admit(signal, body);
  hold(record.items == items, "the walk counts other items than were put in");
  record.group = std::get<journal::GroupId>(group);
  record.arrived = wall();
  const auto position = journal_.append(std::move(record), std::move(*charge), now);
  if (!position) {
    const auto after = journal_.retry_after(now);
    hold(after >= seconds(1) && after <= seconds(60), "Retry-After out of its bounds");
    return refuse(Reason::journal_full);
  }
  door.accepted(signal, items);
  if (*position == journal::not_routed) return door.not_routed(signal, items);
  for (std::size_t n = first; n < world_.truths.size(); ++n) {
    world_.truths[n].accepted = true;
    world_.truths[n].app =
        world_.plan.key_policy == config::KeyPolicy::replace ? 0 : static_cast<std::uint8_t>(app);
  }
  world_.trace(now, [&] {
    return fmt::format("app {}: record {}, {} {}, numbers from {}, {} bytes", app, *position, items,
                       facts(signal).items, first, body.size());
  });
}

void Process::new_own_key(std::string key) {
  keys_.set_own(Secret(std::move(key)));
  for (auto& party : parties_) {
    party->seat.witness->may_probe();
    party->delivery.credentials_changed(world_.loop.now());
  }
}

void Process::wake(Party& party) {
  if (party.woken || stopped_) return;
  party.woken = true;
  later(Duration::zero(), [this, &party] {
    party.woken = false;
    pump(party, false);
  });
}

void Process::pump(Party& party, bool by_timer) {
  if (stopped_) return;
  const Time now = world_.loop.now();
  const std::uint64_t held = held_items();
  bool sent = false;
  while (true) {
    const bool parked = party.delivery.state().kind == exporter::DeliveryState::Kind::parked;
    const exporter::Next next = party.delivery.next(now);
    if (exporter::Attempt* const* const due = std::get_if<exporter::Attempt*>(&next)) {
      sent = true;
      hold(party.flights.size() < party.seat.plan.delivery.concurrency,
           "more requests in flight than its concurrency");
      launch(party, **due, parked);
      continue;
    }
    const auto* wait = std::get_if<exporter::Wait>(&next);
    hold(wait != nullptr, "a body is to be read back, but the memory journal never lets one go");
    const Time until = wait->until;
    hold(until > now, "busy loop: next() waits for the past");
    const bool progress = sent || !by_timer || held_items() != held;
    if (progress || now - party.fruitless_since > seconds(1)) {
      party.fruitless = 0;
      party.fruitless_since = now;
    }
    if (!progress) ++party.fruitless;
    hold(party.fruitless <= fruitless_max, "busy loop: timers wake it for nothing");
    const std::uint64_t timer = ++party.timer;
    if (until == Time::max()) return;
    later(until - now, [this, &party, timer] {
      if (party.timer == timer) pump(party, true);
    });
    return;
  }
}

void Process::launch(Party& party, exporter::Attempt& attempt, bool parked) {
  party.seat.witness->chosen(parked, world_.loop.now());
  if (attempt.encoded) return send(party, attempt, parked);
  const std::uint64_t ticket = ++party.last_ticket;
  Flight& flight = party.flights[ticket];  // on the pool: no request yet, but in flight
  flight.id = attempt.id;
  const Duration work = world_.chance.one_in(3) ? world_.chance.up_to(milliseconds(5)) : Duration{};
  later(work, [this, &party, ticket, &attempt, parked] {
    party.flights.erase(ticket);
    if (stopped_) return;
    encode(party, attempt);
    send(party, attempt, parked);
  });
}

void Process::encode(Party& party, exporter::Attempt& attempt) {
  destination::Encoded made{attempt.signal, attempt.codec, attempt.items, {}};
  const Chain raw = party.delivery.raw_body(attempt);
  made.body = party.seat.plan.real_codec ? compressed(attempt.codec, raw) : raw;
  const bool own = attempt.codec != destination::Codec::none;
  attempt.encoded_charge = budget_.take_anyway(own ? made.body.size() : 0);
  attempt.encoded = std::move(made);
}

void Process::send(Party& party, exporter::Attempt& attempt, bool parked) {
  const Time now = world_.loop.now();
  const auto credentials = keys_.credentials(attempt.group);
  if (!credentials) {
    party.delivery.answered(attempt.id, destination::Park{"the key is not known"}, now);
    return;
  }
  const Chain raw = party.delivery.raw_body(attempt);
  if (attempt.number > 1 && !party.seat.plan.real_codec) {
    hold(attempt.encoded->body.joined() == raw.joined(), "a retry sends other bytes");
  }
  net::Request request = party.destination->encode(*attempt.encoded);
  party.destination->sign(request, attempt.signal, *credentials, wall());
  const WallTime right =
      wall() - std::chrono::duration_cast<WallTime::duration>(world_.wall_offset);
  Flight flight{attempt.id,    attempt.signal,
                attempt.codec, false,
                parked,        party.seat.server->take(request, attempt.signal, right)};
  party.seat.witness->sent(
      {attempt.id, attempt.number, attempt.signal, raw.size(), key_in(request), parked},
      flight.reply.items, now);
  world_.trace(now, [&] {
    std::string pieces;
    for (const batch::Piece& p : attempt.pieces) {
      pieces += fmt::format(" {}[{},{})", p.position, p.first, p.last);
    }
    return fmt::format("{}: request {} sent ({}), {} items, {} bytes{}:{}", party.delivery.name(),
                       attempt.id, attempt.number, attempt.items, raw.size(),
                       attempt.probe ? ", a probe" : "", pieces);
  });
  flight.timed_out = flight.reply.after >= send_timeout;
  const Duration wait = std::min(flight.reply.after, send_timeout);
  const std::uint64_t ticket = ++party.last_ticket;
  party.flights.emplace(ticket, std::move(flight));
  later(wait, [this, &party, ticket] { arrive(party, ticket); });
}

void Process::arrive(Party& party, std::uint64_t ticket) {
  auto node = party.flights.extract(ticket);
  if (node.empty()) return;  // stop() came first
  const Flight& flight = node.mapped();
  const Time now = world_.loop.now();
  Witness& witness = *party.seat.witness;
  const auto* response = std::get_if<net::Response>(&flight.reply.what);
  if (flight.timed_out || response == nullptr) {
    net::TransportError error{net::TransportError::Kind::timeout, "no answer in 30 s"};
    if (!flight.timed_out) error = std::get<net::TransportError>(flight.reply.what);
    world_.trace(now, [&] {
      return fmt::format("{}: request {} failed: {}", party.delivery.name(), flight.id, error.what);
    });
    witness.unanswered(flight.id, flight.reply, now);
    party.delivery.failed(flight.id, error, now);
    return;
  }
  const destination::Verdict verdict =
      party.destination->judge(*response, flight.signal, flight.codec, wall());
  world_.trace(now, [&] {
    constexpr std::array<const char*, 5> names{"delivered", "retry", "park", "take apart",
                                               "recode"};
    return fmt::format("{}: request {} answered {}: {}", party.delivery.name(), flight.id,
                       response->status, names[verdict.index()]);
  });
  hold(flight.reply.acknowledged == std::holds_alternative<destination::Delivered>(verdict),
       "the verdict on a success");
  const auto* retry = std::get_if<destination::Retry>(&verdict);
  witness.answered(flight.id, flight.reply, retry != nullptr && !retry->after, now);
  if (retry != nullptr && retry->after) witness.told_to_wait(*retry->after, now);
  const auto parked = [&] {
    return party.delivery.state().kind == exporter::DeliveryState::Kind::parked;
  };
  const bool was = parked();
  party.delivery.answered(flight.id, verdict, now);
  if (parked() && (!was || flight.probe)) {
    std::holds_alternative<destination::Recode>(verdict) ? witness.may_probe()
                                                         : witness.parked(now);
  }
}

void Process::stop(Duration grace) {
  stopping_ = true;
  world_.trace(world_.loop.now(), [] { return "SIGTERM: draining"; });
  for (auto& party : parties_) party->delivery.drain();
  later(grace, [this] {
    const Time now = world_.loop.now();
    stopped_ = true;
    for (auto& party : parties_) {
      for (const auto& [ticket, flight] : std::exchange(party->flights, {})) {
        party->seat.witness->unanswered(flight.id, flight.reply, now);
        party->delivery.failed(flight.id, {net::TransportError::Kind::stopped, "stopped"}, now);
      }
    }
    const std::uint64_t lost = journal_.lose_all(now);
    world_.trace(now, [&] { return fmt::format("stopped, {} items lost", lost); });
  });
}

/// Of all: a delivery's timer may expire what only another one holds.
std::uint64_t Process::held_items() const {
  std::uint64_t items = 0;
  for (const auto& party : parties_) items += journal_.held_items(party->delivery.cursor());
  return items;
}

bool Process::drained() const {
  return std::all_of(parties_.begin(), parties_.end(),
                     [](const auto& party) { return party->delivery.drained(); });
}

std::string Process::held() const {
  std::string text;
  for (const auto& party : parties_) {
    const exporter::DeliveryState state = party->delivery.state();
    text += fmt::format("{}: {} records, {} items, {}, {} in flight, {} waiting; {} {}\n",
                        party->delivery.name(), state.held.records, state.held.items,
                        exporter::name(state.kind), state.in_flight, state.waiting,
                        state.why_parked, state.last_error);
  }
  return text;
}

void Process::check() const {
  const std::string wrong = ledger::imbalance(
      books_, [this](std::string_view name, Signal s) { return journal_.held_items(name, s); });
  hold(wrong.empty(), [&] { return "ledger: " + wrong; });
  hold(journal_.bytes() <= journal_.bytes_max(), "memory: the journal is over its cap");
  hold(budget_.used() <= budget_.limit() + encoded_max_, "memory: over the budget");
}

void Process::close() {
  check();
  hold(journal_.records() == 0 && journal_.bytes() == 0, [&] {
    return fmt::format("memory: {} records, {} bytes remain in an empty journal",
                       journal_.records(), journal_.bytes());
  });
  for (const auto& party : parties_) {
    const Seat& seat = party->seat;
    seat.witness->close(*seat.server, books_.book(party->delivery.name()), quarantine_);
    if (!stopped_)
      hold(party->delivery.state().waiting == 0, "attempts wait though nothing is held");
  }
  if (!stopped_) hold(budget_.used() == 0, "memory: charges are left");
}

}  // namespace forager::sim
