#include "journal/cursor.h"

#include <cassert>

#include "base/mutant.h"

namespace forager::journal {

void Cursor::hold(const Record& record, std::size_t bytes) {
  assert(takes(record.signal) && record.position > end_);
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
  return true;
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
