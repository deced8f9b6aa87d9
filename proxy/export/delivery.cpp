#include "export/delivery.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "otlp/log_time.h"

namespace forager::exporter {

namespace {

std::array<bool, signal_count> taken_by(const destination::Destination& destination) {
  std::array<bool, signal_count> takes{};
  for (const Signal s : all_signals) takes[static_cast<std::size_t>(s)] = destination.takes(s);
  return takes;
}

}  // namespace

Delivery::Delivery(DeliveryConfig config, const destination::Destination& destination,
                   journal::Journal& journal, journal::Quarantine& quarantine, Random random,
                   Time now)
    : config_(config),
      destination_(destination),
      journal_(journal),
      quarantine_(quarantine),
      random_(std::move(random)),
      cursor_(journal.open_cursor(std::string(destination.name()), taken_by(destination))),
      planner_(config.linger, destination.wants_log_time(),
               [&journal](journal::Position position) { return journal.find(position); }),
      pace_(config.pace),
      cutter_(destination.wants_log_time()),
      breaker_(config.breaker_failures, config.concurrency),
      screen_(destination.make_screen()),
      codec_(config.codec.value_or(destination::Codec::zstd)),
      kind_since_(now) {
  for (const Signal s : all_signals) planner_.set_limits(s, own_limits(s));
  journal_.listen(cursor_, {[this](const journal::Record& record, Time at) {
                              // one more for a batch that waits anyway changes nothing
                              const Time due = planner_.due(false);
                              planner_.add(record, at);
                              if (planner_.due(false) < due) wake();
                            },
                            [this](const journal::Record& record) {
                              forget(record);
                              wake();
                            }});
}

Delivery::~Delivery() { journal_.listen(cursor_, {}); }

batch::Limits Delivery::own_limits(Signal signal) const {
  const destination::Limits theirs = destination_.limits(signal);
  batch::Limits ours;
  ours.request_bytes_max = theirs.request_bytes;
  ours.request_bytes = config_.batch_bytes == 0
                           ? theirs.request_bytes
                           : std::min(theirs.request_bytes, config_.batch_bytes);
  ours.request_items = theirs.request_items;
  ours.item_bytes = theirs.item_bytes;
  return ours;
}

/// A record expired: nothing of it may go out any more.
void Delivery::forget(const journal::Record& record) {
  planner_.drop(record);
  waiting_.drop(record.position);
  std::erase_if(keyless_, [&](Owned& one) { return without(*one, record.position); });
  std::erase_if(unscreened_, [&](Owned& one) { return without(*one, record.position); });
  std::erase_if(suspects_, [&](Owned& suspect) { return without(*suspect, record.position); });
}

Next Delivery::next(Time now) {
  asking_ = true;
  looked_at_ = 0;
  const std::uint64_t held = journal_.held_items(cursor_);
  journal_.expire_old(now);
  release_stale_groups(now);
  end_search(now);
  const Next next = choose(now);
  note_state(now);
  asking_ = false;
  if (journal_.held_items(cursor_) != held) wake();  // whoever waits for it to be drained
  return next;
}

Next Delivery::choose(Time now) {
  Time until = barred_until(now);
  if (until <= now) {
    const bool probe = parked_.has_value() || breaker_.open();
    Owned attempt = pick(now, probe);
    if (attempt) return launch(std::move(attempt), probe, now);
    if (!unscreened_.empty()) {  // then the planner wasn't asked, and what it misses may be there
      const auto bodies = missing(*unscreened_.front());
      if (!bodies.empty()) return Load{bodies.front()};
      return Wait{now + look_pause};
    }
    if (planner_.missing() != 0) return Load{planner_.missing()};
    until = std::min(waiting_.next_retry(), planned(now));
  } else if (screen_ && screen_->eager()) {
    until = std::min(until, look_ahead(now));
  }
  until = std::min(until, journal_.next_expiry());
  assert(until > now && "a wait in the past would be a busy loop");
  return Wait{until};
}

/// When the planner has something: nothing in flight ends gathering as soon as the pace allows it,
/// age and size whenever it is.
Time Delivery::planned(Time now) const {
  const Time gathered = planner_.due(hurried(now));
  if (gathered <= now || planner_.empty() || !in_flight_.empty()) return gathered;
  return std::min(gathered, pace_.until());
}

/// Until when nothing may go out, whatever there is to send; Time::min(): something may.
Time Delivery::barred_until(Time now) const {
  if (parked_ && !in_flight_.empty()) return Time::max();
  Time until = Time::min();
  if (parked_) until = parked_->next_probe;
  if (breaker_.open()) until = std::max(until, breaker_.due());
  until = std::max(until, hold_until_);
  if (until > now) return until;
  return in_flight_.size() < breaker_.allowed(now) ? Time::min() : Time::max();
}

Delivery::Owned Delivery::pick(Time now, bool probe) {
  constexpr std::size_t sources = 3;
  for (std::size_t i = 0; i < sources; ++i) {
    const std::size_t source = (turn_ + i) % sources;
    Owned attempt = pick_from(static_cast<Source>(source), now, probe);
    if (!attempt) continue;
    turn_ = (source + 1) % sources;
    return attempt;
  }
  return nullptr;
}

Delivery::Owned Delivery::pick_from(Source source, Time now, bool probe) {
  switch (source) {
    // of one that waited too long nothing may be left: then the next one's turn has come
    case Source::parts:
      while (waiting_.has_parts()) {
        if (Owned ready = to_screen(waiting_.pop_part(), now)) return ready;
        if (!unscreened_.empty()) return nullptr;  // bodies first, or others
      }
      return nullptr;
    case Source::retries:
      while (probe ? waiting_.has_retries() : waiting_.next_retry() <= now) {
        if (Owned ready = to_screen(waiting_.pop_retry(), now)) return ready;
        if (!unscreened_.empty()) return nullptr;
      }
      return nullptr;
    case Source::fresh:
      return plan(now, probe);
  }
  return nullptr;
}

Delivery::Owned Delivery::plan(Time now, bool probe) {
  if (!unscreened_.empty()) {
    if (Owned ready = screen_next(now)) return ready;
    if (!unscreened_.empty()) return nullptr;
  }
  while (Owned attempt = take_planned(now, probe || hurried(now))) {
    if (!screen_) return attempt;
    in_portions(std::move(attempt));
    if (Owned ready = screen_next(now)) return ready;
    if (!unscreened_.empty()) return nullptr;  // bodies first, or others
  }
  return nullptr;
}

/// The next batch that is due, as a request; what is over the limits alone is dealt with.
Delivery::Owned Delivery::take_planned(Time now, bool idle) {
  while (auto batch = planner_.take(now, idle)) {
    if (batch->over_limit) {
      quarantine_unsent(*batch, now);
      continue;
    }
    auto attempt = std::make_unique<Attempt>();
    attempt->id = ++last_id_;
    attempt->signal = batch->signal;
    attempt->group = config_.keys_of_apps ? batch->group : journal::own_group;
    attempt->pieces = std::move(batch->pieces);
    attempt->items = batch->items;
    attempt->bytes = batch->bytes;
    attempt->codec = codec_for(attempt->signal);
    pace_.sent(attempt->pieces.size(), now);
    return attempt;
  }
  return nullptr;
}

destination::Codec Delivery::codec_for(Signal signal) const {
  using destination::Codec;
  if (destination_.takes_codec(signal, codec_)) return codec_;
  return destination_.takes_codec(signal, Codec::gzip) ? Codec::gzip : Codec::none;
}

Attempt* Delivery::launch(Owned attempt, bool probe, Time now) {
  if (attempt->codec == destination::Codec::zstd && codec_ != destination::Codec::zstd) {
    attempt->codec = codec_for(attempt->signal);  // learned while it waited
    attempt->forget_encoded();
  }
  for (const batch::Piece& piece : attempt->pieces) journal_.take(cursor_, piece.position);
  ++attempt->number;
  attempt->sent = now;
  attempt->probe = probe;
  attempt->credentials = credentials_;
  if (attempt->part) ++parts_in_flight_;
  ++counts_.requests;
  const AttemptId id = attempt->id;
  return in_flight_.emplace(id, std::move(attempt)).first->second.get();
}

Chain Delivery::raw_body(const Attempt& attempt) {
  Chain body;
  for (const batch::Piece& piece : attempt.pieces) body.push_back(piece_body(piece));
  return body;
}

Slice Delivery::piece_body(const batch::Piece& piece) {
  const journal::Record* record = journal_.find(piece.position);
  assert(record != nullptr && "what is to be sent is held");
  return with_time(
      *record, piece.whole ? record->body : Slice(cutter_.part(*record, piece.first, piece.last)));
}

/// As it is sent: log records get the time of their arrival where they have none and the
/// destination asks for it.
Slice Delivery::with_time(const journal::Record& record, Slice body) const {
  if (record.signal != Signal::logs || !record.log_time_missing) return body;
  if (!destination_.wants_log_time()) return body;
  return otlp::with_log_time(body, unix_nanos(record.arrived));
}

void Delivery::credentials_changed(Time now) {
  ++credentials_;
  refused_in_a_row_ = 0;
  if (parked_ || breaker_.open()) breaker_.restart();
  parked_.reset();
  while (!parked_groups_.empty()) release_group(parked_groups_.begin()->first, now);
  for (const journal::GroupId group : std::exchange(keyless_groups_, {})) planner_.release(group);
  for (Owned& attempt : std::exchange(keyless_, {})) {
    attempt->not_before = now;
    waiting_.push_retry(std::move(attempt));
  }
  waiting_.hurry(now);
  note_state(now);
  wake();
}

std::vector<journal::Position> Delivery::missing(const Attempt& attempt) const {
  std::vector<journal::Position> made;
  for (const batch::Piece& piece : attempt.pieces) {
    const journal::Record* record = journal_.find(piece.position);
    if (record != nullptr && record->body.empty()) made.push_back(piece.position);
  }
  return made;
}

void Delivery::drain() {
  draining_ = true;
  wake();
}

DeliveryState::Kind Delivery::kind() const {
  if (parked_) return DeliveryState::Kind::parked;
  if (breaker_.open()) return DeliveryState::Kind::open;
  if (waiting_.has_retries()) return DeliveryState::Kind::retrying;
  const bool busy = !in_flight_.empty() || journal_.held(cursor_).records != 0;
  return busy ? DeliveryState::Kind::delivering : DeliveryState::Kind::idle;
}

void Delivery::note_state(Time now) {
  const DeliveryState::Kind is = kind();
  if (is == kind_) return;
  kind_ = is;
  kind_since_ = now;
}

DeliveryState Delivery::state() const {
  DeliveryState state;
  state.kind = kind();
  state.since = kind_since_;
  state.why_parked = parked_ ? parked_->why : std::string();
  state.refused_keys = parked_groups_.size();
  state.last_error = last_error_;
  state.last_error_at = last_error_at_;
  state.last_success = last_success_;
  if (parked_) {
    state.next_try = parked_->next_probe;
  } else if (breaker_.open()) {
    state.next_try = std::max(breaker_.due(), hold_until_);
  } else if (waiting_.has_retries()) {
    state.next_try = std::max(waiting_.next_retry(), hold_until_);
  }
  state.in_flight = in_flight_.size();
  state.keyless = keyless_groups_.size();
  state.waiting = waiting_.size();
  state.codec = codec_;
  for (const Signal s : all_signals) {
    state.request_bytes[static_cast<std::size_t>(s)] = planner_.limits(s).request_bytes;
  }
  state.held = journal_.held(cursor_);
  return state;
}

std::string_view name(DeliveryState::Kind kind) {
  constexpr std::array<std::string_view, 5> names{"idle", "delivering", "retrying", "open",
                                                  "parked"};
  return names[static_cast<std::size_t>(kind)];
}

}  // namespace forager::exporter
