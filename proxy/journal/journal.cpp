#include "journal/journal.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "base/mutant.h"

namespace forager::journal {

Journal::Journal(JournalConfig config, ledger::Ledger& ledger) : config_(config), ledger_(ledger) {}

CursorId Journal::open_cursor(std::string name, std::array<bool, signal_count> takes) {
  for ([[maybe_unused]] const auto& place : places_) assert(place->cursor.name() != name);
  ledger::Book& book = ledger_.book(name);
  places_.push_back(
      std::make_unique<Place>(Place{Cursor(std::move(name), takes, last_), Listener{}, &book}));
  if (disk_) {
    places_.back()->cursor.remember_settled();
    disk_->declare = true;
  }
  return static_cast<CursorId>(places_.size() - 1);
}

void Journal::listen(CursorId cursor, Listener listener) {
  places_[cursor]->listener = std::move(listener);
}

bool Journal::routed(Signal signal, const Audience& audience) const {
  for (CursorId id = 0; id < places_.size(); ++id) {
    if (is_for(id, signal, audience)) return true;
  }
  return false;
}

std::optional<Position> Journal::append(Record record, Budget::Charge charge, Time now,
                                        const Audience& audience, const Returns& returns) {
  assert(record.items != 0 && "a request without items is answered at the door");
  if (!routed(record.signal, audience)) return not_routed;
  expire_old(now);
  if (disk_ && !disk_->trouble.empty()) return std::nullopt;
  const std::size_t bytes = size_of(record);
  const std::size_t room =
      disk_ ? format::record_frame(record.body.size(), returns.number != 0) : bytes;
  if (!fits(room) && !make_room(record.signal, room, now)) {
    look_for_space(now);
    return std::nullopt;
  }

  record.position = ++last_;
  record.stored_bytes = static_cast<std::uint32_t>(record.body.size());
  bytes_ += bytes;
  resident_bytes_ += record.body.size();
  Entry made;
  made.record = std::move(record);
  made.charge = std::move(charge);
  made.since = now;
  made.audience = audience;
  made.returns = returns;
  const auto at = entries_.emplace_hint(entries_.end(), last_, std::move(made));
  if (disk_) {  // it counts from the moment it is durable
    disk_->plan(room);
    work();
  } else {
    decided_ = last_;
    publish(at->second, now);
  }
  return last_;
}

/// Books it, and gives it to the destinations that take it.
void Journal::publish(Entry& entry, Time now) {
  const std::size_t bytes = size_of(entry.record);
  const Position position = entry.record.position;
  const Signal signal = entry.record.signal;
  for (CursorId id = 0; id < places_.size(); ++id) {
    Place& place = *places_[id];
    if (!is_for(id, signal, entry.audience)) {
      place.cursor.skip(position);
      continue;
    }
    place.cursor.hold(entry.record, bytes);
    if (entry.returns.number != 0) {
      place.book->returned(signal, entry.returns.reason, entry.record.items);
    } else {
      place.book->accepted(signal, entry.record.items);
    }
    ++entry.holders;
    if (disk_) pin(place, entry.segment);
  }
  if (entry.returns.number != 0) returned(entry);
  for (CursorId id = 0; id < places_.size(); ++id) {
    const Listener& listener = places_[id]->listener;
    if (is_for(id, signal, entry.audience) && listener.appended)
      listener.appended(entry.record, now);
  }
}

std::chrono::seconds Journal::retry_after(Time now) const {
  constexpr double least = 1;
  constexpr double most = 60;
  const double wanted = static_cast<double>(config_.bytes_max) / 10;
  const double rate = drained_.per_second(now);
  const double seconds = rate * most > wanted ? wanted / rate : most;
  return std::chrono::seconds(static_cast<int>(std::ceil(std::max(seconds, least))));
}

Duration Journal::drain_time(Time now) const {
  // what came within the last second says nothing about the destinations' pace yet
  if (entries_.empty() || now - entries_.begin()->second.since < std::chrono::seconds(1)) {
    return Duration::zero();
  }
  const double seconds = static_cast<double>(bytes_) / std::max(drained_.per_second(now), 1.0);
  constexpr double long_enough = 86'400;
  if (seconds > long_enough) return Duration::max();
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

bool Journal::passed(Position position) const {
  const auto at = entries_.find(position);
  if (at == entries_.end()) return true;
  return FORAGER_MUTANT(passed_by_one) && decided(position) && at->second.holders < places_.size();
}

const Record* Journal::find(Position position) const {
  const auto at = entries_.find(position);
  return at == entries_.end() ? nullptr : &at->second.record;
}

std::uint32_t Journal::remaining(CursorId cursor, Position position) const {
  const Cursor::Hold* hold = std::as_const(places_[cursor]->cursor).find(position);
  return hold == nullptr ? 0 : hold->remaining;
}

void Journal::take(CursorId cursor, Position position) {
  Cursor::Hold* hold = places_[cursor]->cursor.find(position);
  assert(hold != nullptr && "only held records are sent");
  ++hold->in_flight;
}

void Journal::release(CursorId cursor, Position position) {
  Cursor::Hold* hold = places_[cursor]->cursor.find(position);
  if (hold == nullptr) return;  // lose_all came first
  assert(hold->in_flight != 0);
  --hold->in_flight;
}

void Journal::settle(CursorId cursor, Position position, std::uint32_t items, ledger::Reason reason,
                     Time now) {
  if (items == 0) return;
  Place& place = *places_[cursor];
  Entry& entry = entries_.at(position);
  const bool uncounted = FORAGER_MUTANT(expiry_uncounted) && reason == ledger::Reason::over_share;
  if (!uncounted) place.book->settled(entry.record.signal, reason, items);
  if (quarantine_ != nullptr && ledger::facts(reason).state == ledger::State::quarantined)
    note_quarantined(cursor, entry, reason);
  if (!place.cursor.settle(entry.record, items, size_of(entry.record))) return;
  if (disk_) {
    const bool owed = owes(cursor, position, entry, now);
    if (!owed || FORAGER_MUTANT(quarantine_settled_early)) note_settled(place, position, now);
    unpin(place, entry.segment);
  }
  if (--entry.holders == 0) let_go(position, now);
}

void Journal::let_go(Position position, Time now) {
  const auto at = entries_.find(position);
  const std::size_t bytes = size_of(at->second.record);
  bytes_ -= FORAGER_MUTANT(budget_leak) ? bytes - 1 : bytes;
  resident_bytes_ -= at->second.record.body.size();
  drained_.add(bytes, now);
  if (disk_ && disk_->let_go(at->second.segment)) work();
  entries_.erase(at);
  if (passed_) passed_(position);
}

std::uint64_t Journal::lose_all(Time now) {
  std::uint64_t lost = 0;
  for (CursorId id = 0; id < places_.size(); ++id) {
    const Cursor& cursor = places_[id]->cursor;
    while (!cursor.holds().empty()) {
      const auto [position, hold] = *cursor.holds().begin();
      lost += hold.remaining;
      settle(id, position, hold.remaining, ledger::Reason::memory_at_exit, now);
    }
  }
  return lost;
}

Held Journal::held(CursorId cursor) const {
  const Cursor& at = places_[cursor]->cursor;
  Held held{at.holds().size(), at.held_items(), at.held_bytes(), std::nullopt};
  if (!at.holds().empty()) held.oldest = entries_.at(at.holds().begin()->first).since;
  return held;
}

std::uint64_t Journal::held_items(CursorId cursor, Signal signal) const {
  return places_[cursor]->cursor.held_items(signal);
}

std::uint64_t Journal::held_items(std::string_view destination, Signal signal) const {
  for (const auto& place : places_) {
    if (place->cursor.name() == destination) return place->cursor.held_items(signal);
  }
  return 0;
}

}  // namespace forager::journal
