// Which bodies are in memory: those due soon. The others are on disk and read back when due.
#include <algorithm>
#include <unordered_set>
#include <utility>

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
}

/// Each destination keeps what it needs soonest, an eighth of what is in memory; of the rest the
/// newest go first, since they are needed last.
std::size_t Journal::forget_bodies(std::size_t bytes) {
  if (!disk_) return 0;
  std::unordered_set<Position> soon;
  for (const auto& place : places_) {
    std::size_t kept = 0;
    for (const auto& [position, hold] : place->cursor.holds()) {
      if (kept > resident_bytes_ / 8) break;
      kept += entries_.at(position).record.body.size();
      soon.insert(position);
    }
  }
  std::size_t freed = 0;
  const auto sweep = [&](bool all) {
    for (auto at = entries_.rbegin(); at != entries_.rend() && freed < bytes; ++at) {
      Entry& entry = at->second;
      if (entry.record.body.empty() || entry.segment == 0 || in_flight(at->first)) continue;
      if (!all && soon.contains(at->first)) continue;
      freed += entry.record.body.size();
      resident_bytes_ -= entry.record.body.size();
      entry.record.body = Slice();
      entry.charge.resize(std::min(entry.charge.bytes(), record_overhead));
    }
  };
  sweep(false);
  sweep(true);
  return freed;
}

}  // namespace forager::journal
