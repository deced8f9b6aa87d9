#include "sim/process.h"

#include <algorithm>
#include <map>
#include <utility>
#include <variant>

#include "base/compress.h"
#include "destination/hive.h"
#include "destination/honeycomb.h"
#include "sim/process_parts.h"
#include "sim/strict.h"

namespace forager::sim {

using ledger::Reason;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr Duration send_timeout = seconds(30);
constexpr Duration disk_pause = seconds(1);
/// Timers in a second that wake a delivery which then neither sends nor settles anything.
constexpr int fruitless_max = 20;

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

Process::Process(Around around, std::string own_key)
    : world_(around),
      budget_(around.plan.budget),
      journal_(around.plan.journal, books_),
      quarantine_(around.plan.quarantine_bytes, budget_),
      keys_(around.plan.key_policy, Secret(std::move(own_key)),
            Secret(std::string(salt_of_journal))),
      overload_(world_.plan, journal_, quarantine_, books_, world_.records, world_.disk,
                [this](const std::string& name, Signal signal) {
                  return std::any_of(world_.seats.begin(), world_.seats.end(),
                                     [&](const Seat& seat) {
                                       return seat.configured && seat.server->name() == name &&
                                              seat.plan.takes[static_cast<std::size_t>(signal)];
                                     });
                }) {
  if (world_.disk != nullptr) open_disk();
  journal_.use_quarantine(quarantine_);
  world_.bin.begin(journal_, quarantine_, world_.disk);
  if (world_.plan.ack_delivered) {
    journal_.on_passed([this](journal::Position position) {
      if (!undelivered_.contains(position)) return;
      later(Duration::zero(), [this, position] { delivered(position); });
    });
  }
  for (Seat& seat : world_.seats) {
    if (!seat.configured) continue;
    Party& party =
        *parties_.emplace_back(std::make_unique<Party>(seat, world_, journal_, quarantine_));
    party.delivery.on_wake([this, &party] { wake(party); });
    encoded_max_ += std::size_t{2} * seat.plan.delivery.concurrency *
                    std::min(world_.plan.journal.bytes_max, std::size_t{1} << 20U);
  }
  if (world_.disk == nullptr) return;
  recover();
  if (world_.plan.reseats) expire_removed();
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

void Process::new_own_key(std::string key) {
  keys_.set_own(Secret(std::move(key)));
  for (auto& party : parties_) {
    party->seat.witness->may_probe();
    party->delivery.credentials_changed(world_.loop.now());
  }
}

void Process::wake(Party& party) {
  if (party.woken || ended_) return;
  party.woken = true;
  later(Duration::zero(), [this, &party] {
    party.woken = false;
    pump(party, false);
  });
}

void Process::pump(Party& party, bool by_timer) {
  if (ended_ || party.loading) return;
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
    if (const auto* body = std::get_if<exporter::Load>(&next)) {
      hold(shell_ != nullptr, "a body is to be read back, but the memory journal keeps them all");
      party.loading = true;
      shell_->load({body->position}, [this, &party](bool had) {
        later(had ? Duration::zero() : disk_pause, [this, &party] {
          party.loading = false;
          pump(party, false);
        });
      });
      return;
    }
    const Time until = std::get<exporter::Wait>(next).until;
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
  const Time now = world_.loop.now();
  if (attempt.group != journal::own_group && !keys_.credentials(attempt.group)) {
    hold(shell_ != nullptr, "a key is not known, though there was no restart");
    world_.trace(now, [&] {
      return fmt::format("{}: the key of request {} is not known", party.delivery.name(),
                         attempt.id);
    });
    return party.delivery.key_unknown(attempt.id, now);
  }
  party.seat.witness->chosen(parked, now);
  if (attempt.encoded) return send(party, attempt, parked);
  const std::uint64_t ticket = ++party.last_ticket;
  Flight& flight = party.flights[ticket];  // on the pool: no request yet, but in flight
  flight.id = attempt.id;
  flight.attempt = &attempt;
  auto missing = party.delivery.missing(attempt);
  if (missing.empty()) return ready(party, attempt, ticket, parked);
  shell_->load(std::move(missing), [this, &party, ticket, &attempt, parked](bool had) {
    if (ended_) return;
    if (party.delivery.missing(attempt).empty()) return ready(party, attempt, ticket, parked);
    party.flights.erase(ticket);
    const Time now = world_.loop.now();
    if (had) {
      party.seat.witness->may_probe();  // nothing was sent
      return party.delivery.unreadable(attempt.id, now);
    }
    party.delivery.failed(attempt.id, {net::TransportError::Kind::reset, "the disk can't be read"},
                          now);
  });
}

/// Its bodies are here.
void Process::ready(Party& party, exporter::Attempt& attempt, std::uint64_t ticket, bool parked) {
  const Duration work = world_.chance.one_in(3) ? world_.chance.up_to(milliseconds(5)) : Duration{};
  later(work, [this, &party, ticket, &attempt, parked] {
    if (ended_) return;
    party.flights.erase(ticket);
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
  std::size_t raw_bytes = 0;
  if (party.delivery.missing(attempt).empty()) {  // a retry needs no bodies
    const Chain raw = party.delivery.raw_body(attempt);
    raw_bytes = raw.size();
    if (attempt.number > 1 && !party.seat.plan.real_codec) {
      hold(attempt.encoded->body.joined() == raw.joined(), "a retry sends other bytes");
    }
  }
  net::Request request = party.destination->encode(*attempt.encoded);
  party.destination->sign(request, attempt.signal, *credentials, wall());
  const WallTime right =
      wall() - std::chrono::duration_cast<WallTime::duration>(world_.wall_offset);
  Flight flight{.id = attempt.id,
                .signal = attempt.signal,
                .codec = attempt.codec,
                .probe = parked,
                .reply = party.seat.server->take(request, attempt.signal, right),
                .attempt = &attempt};
  party.seat.witness->sent(
      {attempt.id, attempt.number, attempt.signal, raw_bytes, key_in(request), parked},
      flight.reply.items, now);
  world_.trace(now, [&] {
    std::string pieces;
    for (const batch::Piece& p : attempt.pieces) {
      pieces += fmt::format(" {}[{},{})", p.position, p.first, p.last);
    }
    return fmt::format("{}: request {} sent ({}), {} items, {} bytes{}:{}", party.delivery.name(),
                       attempt.id, attempt.number, attempt.items, raw_bytes,
                       attempt.probe ? ", a probe" : "", pieces);
  });
  flight.timed_out = flight.reply.after >= send_timeout;
  const Duration wait = std::min(flight.reply.after, send_timeout);
  const std::uint64_t ticket = ++party.last_ticket;
  party.flights.emplace(ticket, std::move(flight));
  later(wait, [this, &party, ticket] { arrive(party, ticket); });
}

void Process::arrive(Party& party, std::uint64_t ticket) {
  const auto at = party.flights.find(ticket);
  if (at == party.flights.end()) return;  // stop() came first
  const Flight& flight = at->second;
  const auto* response = std::get_if<net::Response>(&flight.reply.what);
  if (flight.timed_out || response == nullptr) return fail(party, ticket);
  destination::Verdict verdict =
      party.destination->judge(*response, flight.signal, flight.codec, wall());
  world_.trace(world_.loop.now(), [&] {
    constexpr std::array<const char*, 5> names{"delivered", "retry", "park", "take apart",
                                               "recode"};
    return fmt::format("{}: request {} answered {}: {}", party.delivery.name(), flight.id,
                       response->status, names[verdict.index()]);
  });
  hold(flight.reply.acknowledged == std::holds_alternative<destination::Delivered>(verdict),
       "the verdict on a success");
  auto missing = party.delivery.missing(*flight.attempt);
  if (missing.empty() || !exporter::looks_inside(verdict)) return settle(party, ticket, verdict);
  shell_->load(std::move(missing), [this, &party, ticket, verdict](bool had) {
    const auto again = party.flights.find(ticket);
    if (again == party.flights.end()) return;
    const Flight& read = again->second;
    if (party.delivery.missing(*read.attempt).empty()) return settle(party, ticket, verdict);
    const Time now = world_.loop.now();
    const exporter::AttemptId id = read.id;
    party.seat.witness->answered(id, read.reply, !had, now);
    party.flights.erase(ticket);
    if (had) return party.delivery.unreadable(id, now);
    party.delivery.failed(id, {net::TransportError::Kind::reset, "the disk can't be read"}, now);
  });
}

void Process::fail(Party& party, std::uint64_t ticket) {
  const auto node = party.flights.extract(ticket);
  const Flight& flight = node.mapped();
  const Time now = world_.loop.now();
  net::TransportError error{net::TransportError::Kind::timeout, "no answer in 30 s"};
  if (!flight.timed_out) error = std::get<net::TransportError>(flight.reply.what);
  world_.trace(now, [&] {
    return fmt::format("{}: request {} failed: {}", party.delivery.name(), flight.id, error.what);
  });
  party.seat.witness->unanswered(flight.id, flight.reply, now);
  party.delivery.failed(flight.id, error, now);
}

void Process::settle(Party& party, std::uint64_t ticket, const destination::Verdict& verdict) {
  const auto node = party.flights.extract(ticket);
  const Flight& flight = node.mapped();
  const Time now = world_.loop.now();
  Witness& witness = *party.seat.witness;
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

std::set<journal::Position> Process::in_flight() const {
  std::set<journal::Position> made;
  for (const auto& party : parties_) {
    for (const auto& [ticket, flight] : party->flights) {
      for (const batch::Piece& piece : flight.attempt->pieces) made.insert(piece.position);
    }
  }
  return made;
}

/// Of all: a delivery's timer may expire what only another one holds.
std::uint64_t Process::held_items() const {
  std::uint64_t items = 0;
  for (const auto& party : parties_) items += journal_.held_items(party->delivery.cursor());
  return items;
}

}  // namespace forager::sim
