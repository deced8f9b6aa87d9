#include "journal/cursor.h"

#include <cassert>

#include "base/mutant.h"

namespace forager::journal {

void Cursor::hold(const Record& record, std::size_t bytes) {
  assert(record.position > end_);
  holds_.emplace_hint(holds_.end(), record.position, Hold{record.items, 0});
  end_ = record.position;
  held_items_[static_cast<std::size_t>(record.signal)] += record.items;
  held_bytes_ += bytes;
}

bool Cursor::settle(const Record& record, std::uint32_t items, std::size_t bytes) {
  const auto at = holds_.find(record.position);
  assert(at != holds_.end() && items <= at->second.remaining && "an item settles once");
  at->second.remaining -= items;
  held_items_[static_cast<std::size_t>(record.signal)] -= items;
  if (at->second.remaining != 0 && !FORAGER_MUTANT(cursor_passes_unsettled)) return false;
  holds_.erase(at);
  held_bytes_ -= bytes;
  if (remembers_) note_settled(record.position);
  return true;
}

void Cursor::restore(const Record& record, std::size_t bytes) {
  if (!holds_.emplace(record.position, Hold{record.items, 0}).second) return;
  end_ = std::max(end_, record.position);
  held_items_[static_cast<std::size_t>(record.signal)] += record.items;
  held_bytes_ += bytes;
}

void Cursor::restore_settled(const RangeSet& settled) {
  for (const auto& [first, last] : settled.all()) settled_.add({first, last});
}

/// Joined with its neighbours when nothing between them is held, so there are never more ranges
/// than held records.
void Cursor::note_settled(Position position) {
  Range range{position, position};
  if (complete_) {
    const Position before = settled_.end_before(position);
    const Position after = settled_.begin_after(position);
    const auto free = [this](Position from, Position to) {
      const auto held = holds_.upper_bound(from);
      return held == holds_.end() || held->first >= to;
    };
    if (before != 0 && free(before, position)) range.first = before;
    if (after != 0 && free(position, after)) range.last = after;
    if (holds_.empty()) settled_ = {};
  }
  settled_.add(range);
}

const Cursor::Hold* Cursor::find(Position position) const {
  const auto at = holds_.find(position);
  return at == holds_.end() ? nullptr : &at->second;
}

Cursor::Hold* Cursor::find(Position position) {
  const auto at = holds_.find(position);
  return at == holds_.end() ? nullptr : &at->second;
}

std::uint64_t Cursor::held_items() const {
  std::uint64_t items = 0;
  for (const std::uint64_t n : held_items_) items += n;
  return items;
}

}  // namespace forager::journal
