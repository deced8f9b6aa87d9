// Expiry: by age, and when the journal is full (DESIGN, invariant 7).
#include <algorithm>
#include <iterator>
#include <utility>

#include "base/mutant.h"
#include "journal/journal.h"

namespace forager::journal {

/// A destination of this signal that keeps up must not suffer from one that lags: then the
/// laggards' oldest go. When all destinations of the signal lag, FORAGER_ON_FULL decides.
bool Journal::make_room(Signal signal, std::size_t bytes, Time now) {
  if (!disk_ && bytes > config_.bytes_max) return false;
  bool one_keeps_up = FORAGER_MUTANT(share_ignored);
  for (const auto& place : places_) {
    if (place->cursor.takes(signal) && !lags(*place)) one_keeps_up = true;
  }
  if (FORAGER_MUTANT(laggards_spared)) one_keeps_up = false;
  if (disk_) {
    if (one_keeps_up && expire_segments(bytes, true, now)) return true;
    return config_.expire_when_full && expire_segments(bytes, false, now);
  }
  if (one_keeps_up && expire_laggards(bytes, now)) return true;
  if (FORAGER_MUTANT(full_means_refused)) return false;
  return config_.expire_when_full && expire_oldest(bytes, now);
}

/// Each laggard keeps at least half of the journal. Only records that nobody else needs are worth
/// expiring: others would free nothing.
bool Journal::expire_laggards(std::size_t bytes, Time now) {
  const auto any_lags = [this] {
    return std::any_of(places_.begin(), places_.end(),
                       [this](const auto& place) { return lags(*place); });
  };
  for (auto next = entries_.begin(); next != entries_.end() && any_lags();) {
    const Position position = (next++)->first;
    const bool only_laggards = std::all_of(places_.begin(), places_.end(), [&](const auto& place) {
      const Cursor::Hold* hold = std::as_const(place->cursor).find(position);
      return hold == nullptr || (hold->in_flight == 0 && lags(*place));
    });
    if (!only_laggards) continue;
    expire_for_all(position, ledger::Reason::over_share, now);
    if (fits(bytes)) return true;
  }
  return false;
}

/// On disk room comes by whole segments: the oldest whose records are held by nobody else go. None
/// is touched when that would not be enough.
bool Journal::expire_segments(std::size_t bytes, bool laggards_only, Time now) {
  std::vector<Position> worth;
  std::size_t frees = 0;
  for (const auto& [first, segment] : disk_->segments) {
    if (first >= disk_->snapshot_in) break;
    if (segment.held == 0 || !segment.scanned || !worth_expiring(first, laggards_only)) continue;
    // it stays until what is in quarantine of its records is durable elsewhere
    if (segment.owed != 0 || waits_for_quarantine(first)) continue;
    // what is in quarantine there would have to be written again
    if (!segment.mostly_free()) continue;
    worth.push_back(first);
    frees += segment.file_bytes - segment.quarantined_bytes;
    if (disk_->fits(bytes, frees)) break;
  }
  if (!disk_->fits(bytes, frees)) return false;
  for (const Position first : worth) {
    // a laggard that is down to its share keeps the rest
    if (laggards_only && !worth_expiring(first, true)) continue;
    expire_segment(first, laggards_only ? ledger::Reason::over_share : ledger::Reason::made_room,
                   now);
    if (fits(bytes)) return true;
  }
  return false;
}

/// A record in it is settled in part, with items in quarantine.
bool Journal::waits_for_quarantine(Position segment) const {
  return std::ranges::any_of(disk_->quarantined_parts, [&](const auto& one) {
    const auto at = entries_.find(one.first.second);
    return at != entries_.end() && at->second.segment == segment;
  });
}

bool Journal::worth_expiring(Position segment, bool laggards_only) const {
  if (FORAGER_MUTANT(oldest_spared) && segment == disk_->segments.begin()->first) return false;
  for (const auto& place : places_) {
    if (laggards_only && place->pins.contains(segment) && !lags(*place)) return false;
  }
  for (auto at = entries_.lower_bound(segment); at != entries_.end(); ++at) {
    if (at->second.segment != segment) break;
    if (in_flight(at->first)) return false;
  }
  return true;
}

void Journal::expire_segment(Position segment, ledger::Reason reason, Time now) {
  for (auto at = entries_.lower_bound(segment); at != entries_.end();) {
    if (at->second.segment != segment) break;
    const Position position = (at++)->first;
    expire_for_all(position, reason, now);
  }
}

bool Journal::expire_oldest(std::size_t bytes, Time now) {
  for (auto next = entries_.begin(); next != entries_.end();) {
    const Position position = (next++)->first;
    bool in_flight = false;
    for (const auto& place : places_) {
      const Cursor::Hold* hold = std::as_const(place->cursor).find(position);
      if (hold != nullptr && hold->in_flight != 0) in_flight = true;
    }
    if (in_flight) continue;
    expire_for_all(position, ledger::Reason::made_room, now);
    if (fits(bytes)) return true;
  }
  return false;
}

void Journal::expire_old(Time now) {
  if (config_.retention == Duration::zero()) return;
  if (FORAGER_MUTANT(expires_early)) now += config_.retention / 2;
  for (auto next = entries_.begin(); next != entries_.end();) {
    if (next->second.since + config_.retention > now) return;
    const Position position = (next++)->first;
    expire_for_all(position, ledger::Reason::over_age, now);
  }
}

Time Journal::next_expiry() const {
  if (config_.retention == Duration::zero()) return Time::max();
  for (const auto& [position, entry] : entries_) {
    for (const auto& place : places_) {
      const Cursor::Hold* hold = std::as_const(place->cursor).find(position);
      if (hold != nullptr && hold->in_flight == 0) return entry.since + config_.retention;
    }
  }
  return Time::max();
}

/// For every destination that holds it and doesn't have it in flight.
void Journal::expire_for_all(Position position, ledger::Reason given, Time now) {
  for (CursorId id = 0; id < places_.size(); ++id) {
    Place& place = *places_[id];
    const Cursor::Hold* hold = place.cursor.find(position);
    if (hold == nullptr || (hold->in_flight != 0 && !FORAGER_MUTANT(expired_in_flight))) continue;
    const bool ends_it = place.removed && given != ledger::Reason::disk_unreadable;
    const ledger::Reason reason = ends_it ? ledger::Reason::destination_removed : given;
    const Record& record = entries_.at(position).record;
    if (place.listener.expired) place.listener.expired(record);
    note_expiry(place, record, hold->remaining, reason);
    settle(id, position, hold->remaining, reason, now);
  }
}

void Journal::note_expiry(const Place& place, const Record& record, std::uint32_t items,
                          ledger::Reason reason) {
  const auto same = [&](const Expiry& e) {
    return e.destination == place.cursor.name() && e.signal == record.signal && e.reason == reason;
  };
  auto at = std::find_if(expiries_.begin(), expiries_.end(), same);
  if (at == expiries_.end()) {
    expiries_.push_back(
        {place.cursor.name(), record.signal, reason, 0, 0, record.arrived, record.arrived});
    at = std::prev(expiries_.end());
  }
  ++at->records;
  at->items += items;
  at->oldest = std::min(at->oldest, record.arrived);
  if (!FORAGER_MUTANT(range_lost)) at->newest = std::max(at->newest, record.arrived);
}

std::vector<Expiry> Journal::take_expiries() { return std::exchange(expiries_, {}); }

}  // namespace forager::journal
