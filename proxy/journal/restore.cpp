// What an earlier run left, put back into the journal (called by Recovery).
#include <algorithm>
#include <iterator>
#include <utility>

#include "journal/journal.h"

namespace forager::journal {

void Journal::found_segment(Position first, std::size_t file_bytes, bool readable) {
  Disk::Segment segment;
  segment.file_bytes = file_bytes;
  segment.used = file_bytes;
  segment.scanned = false;
  segment.kept_aside = !readable;
  disk_->segments.insert_or_assign(first, segment);
  disk_->bytes += file_bytes;
}

std::uint32_t Journal::takes(CursorId cursor) const {
  std::uint32_t mask = 0;
  for (const Signal s : all_signals) {
    if (places_[cursor]->cursor.takes(s)) mask |= 1U << static_cast<unsigned>(s);
  }
  return mask;
}

CursorId Journal::restore_cursor(const std::string& name, const RangeSet& settled) {
  CursorId id = 0;
  while (id < places_.size() && places_[id]->cursor.name() != name) ++id;
  if (id == places_.size()) {
    open_cursor(name, {});
    places_.back()->removed = true;
  }
  places_[id]->cursor.restore_settled(settled);
  return id;
}

void Journal::restore(Record record, std::span<const CursorId> holders, Position segment,
                      std::uint32_t offset, Budget::Charge charge, Time since) {
  if (holders.empty() || entries_.contains(record.position)) return;
  record.recovered = true;
  const std::size_t bytes = size_of(record);
  const Position position = record.position;
  Entry made;
  made.record = std::move(record);
  made.charge = std::move(charge);
  made.since = since;
  made.holders = static_cast<std::uint32_t>(holders.size());
  made.segment = segment;
  made.offset = offset;
  const auto at = entries_.emplace(position, std::move(made)).first;
  Entry& entry = at->second;
  // the wall clock may have jumped in between; what came later is never older
  if (at != entries_.begin()) entry.since = std::max(entry.since, std::prev(at)->second.since);
  if (std::next(at) != entries_.end())
    entry.since = std::min(entry.since, std::next(at)->second.since);
  since = entry.since;
  bytes_ += bytes;
  forgotten_.add({position, position});
  ++disk_->segments.at(segment).held;
  for (const CursorId id : holders) {
    Place& place = *places_[id];
    pin(place, segment);
    place.cursor.restore(entry.record, bytes);
    place.book->recovered(entry.record.signal, entry.record.items);
  }
  for (const CursorId id : holders) {
    if (places_[id]->listener.appended) places_[id]->listener.appended(entry.record, since);
  }
}

void Journal::restore_lost(CursorId cursor, Signal signal, std::uint64_t items) {
  ledger::Book& book = *places_[cursor]->book;
  book.recovered(signal, items);
  book.settled(signal, ledger::Reason::disk_unreadable, items);
}

void Journal::restore_lost(CursorId cursor, Signal signal, std::uint64_t items, Range positions) {
  restore_lost(cursor, signal, items);
  places_[cursor]->cursor.forget(positions);
}

void Journal::restore_void(Range positions) {
  for (const auto& place : places_) place->cursor.forget(positions);
}

void Journal::scanned(Position segment) {
  const auto at = disk_->segments.find(segment);
  if (at == disk_->segments.end()) return;
  at->second.scanned = true;
  if (disk_->review(at->first, at->second)) work();
}

void Journal::recovered() {
  number_quarantine_from(0);  // without a recovery there was nothing
  disk_->complete = true;
  disk_->snapshot_due = true;
  for (const auto& place : places_) place->cursor.recovered();
  work();
}

std::vector<std::string> Journal::removed_destinations() const {
  std::vector<std::string> names;
  for (const auto& place : places_) {
    if (place->removed && !place->cursor.holds().empty()) names.push_back(place->cursor.name());
  }
  return names;
}

}  // namespace forager::journal
