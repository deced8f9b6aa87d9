// Which bodies are in memory: those due soon. The others are on disk and read back when due.
#include <algorithm>
#include <utility>

#include "base/mutant.h"
#include "journal/journal.h"

namespace forager::journal {

bool Journal::in_flight(Position position) const {
  return std::any_of(places_.begin(), places_.end(), [position](const auto& place) {
    const Cursor::Hold* hold = std::as_const(place->cursor).find(position);
    return hold != nullptr && hold->in_flight != 0;
  });
}

std::vector<BodyAt> Journal::missing(std::span<const Position> positions) const {
  std::vector<BodyAt> made;
  for (const Position position : positions) {
    const auto at = entries_.find(position);
    if (at == entries_.end() || !at->second.record.body.empty()) continue;
    const Entry& entry = at->second;
    made.push_back({position, entry.segment, entry.offset, entry.record.stored_bytes});
  }
  return made;
}

void Journal::restore_body(Position position, Slice body, Budget& budget) {
  const auto at = entries_.find(position);
  if (at == entries_.end() || !at->second.record.body.empty()) return;
  Entry& entry = at->second;
  // what is due must get out, or nothing would ever be free: the door waits meanwhile
  entry.charge.release();
  entry.charge = budget.take_anyway(body.size() + record_overhead);
  resident_bytes_ += body.size();
  entry.record.body = std::move(body);
  forgotten_.remove(position);
}

/// Each destination keeps what it needs soonest, an eighth of what is in memory; of the rest the
/// newest go first, since they are needed last. Stretches without bodies are stepped over.
std::size_t Journal::forget_bodies(std::size_t bytes) {
  if (!disk_ || entries_.empty() || FORAGER_MUTANT(bodies_kept)) return 0;
  forgotten_.drop_through(entries_.begin()->first - 1);
  std::vector<Position> soon;  // by cursor: up to here
  for (const auto& place : places_) {
    std::size_t kept = 0;
    soon.push_back(0);
    for (const auto& [position, hold] : place->cursor.holds()) {
      if (kept > resident_bytes_ / 8) break;
      kept += entries_.at(position).record.bytes();
      soon.back() = position;
    }
  }
  const auto needed = [&](Position position) {
    for (CursorId id = 0; id < places_.size(); ++id) {
      const Cursor& cursor = places_[id]->cursor;
      if (position <= soon[id] && cursor.find(position) != nullptr) return true;
    }
    return false;
  };
  const std::size_t freed =
      forget_newest(bytes, [&](Position p) { return needed(p) || in_flight(p); });
  if (freed >= bytes) return freed;
  return freed + forget_newest(bytes - freed, [&](Position p) { return in_flight(p); });
}

std::size_t Journal::forget_newest(std::size_t bytes, const std::function<bool(Position)>& stays) {
  std::size_t freed = 0;
  Position above = 0;  // the next one has no body either; 0: it has
  for (auto at = entries_.end(); at != entries_.begin() && freed < bytes;) {
    --at;
    const Position position = at->first;
    Entry& entry = at->second;
    if (forgotten_.contains(position)) {
      if (above != 0) forgotten_.add({position, above});
      above = forgotten_.range_of(position).first;
      at = entries_.lower_bound(above);
      continue;
    }
    if (entry.segment == 0 || stays(position)) {
      above = 0;
      continue;
    }
    freed += entry.record.body.size();
    resident_bytes_ -= entry.record.body.size();
    entry.record.body = Slice();
    entry.charge.resize(std::min(entry.charge.bytes(), record_overhead));
    forgotten_.add({position, above == 0 ? position : above});
    above = position;
  }
  return freed;
}

}  // namespace forager::journal
