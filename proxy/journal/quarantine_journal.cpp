// The journal's side of the quarantine: what goes into it, what comes back, and what an earlier run
// left there.
#include <algorithm>
#include <cassert>
#include <utility>

#include "base/mutant.h"
#include "journal/journal.h"
#include "otlp/walk.h"

namespace forager::journal {

void Journal::use_quarantine(Quarantine& quarantine) {
  assert(places_.empty());
  quarantine_ = &quarantine;
  quarantine.on_let_go([this](const Quarantine::Kept& kept) { forget_quarantined(kept); });
  if (!disk_) return;
  constexpr std::size_t share = 8;
  disk_->quarantine_max = std::min(quarantine.bytes_max(), disk_->with.bytes_max / share);
  quarantine.wait_for_numbers();
}

void Journal::number_quarantine_from(std::uint64_t last) {
  if (quarantine_ == nullptr || quarantine_->numbered()) return;
  quarantine_->number_from(last);
  const auto renumber = [last](std::vector<std::uint64_t>& numbers) {
    for (std::uint64_t& number : numbers) number = Quarantine::renumbered(number, last);
  };
  for (auto& [of, numbers] : disk_->quarantined_parts) renumber(numbers);
  for (Commit::Quarantined& ready : disk_->quarantined_ready) renumber(ready.numbers);
  if (disk_->quarantined_ready.empty()) return;
  if (!disk_->unsynced_since) disk_->unsynced_since = disk_->latest;
  work();
}

/// The one that was put there right before this.
void Journal::note_quarantined(CursorId cursor, const Entry& entry, ledger::Reason reason) {
  Quarantine::Kept* kept = quarantine_->newest();
  const Position position = entry.record.position;
  if (kept == nullptr || kept->booked || kept->what.position != position ||
      kept->what.destination != places_[cursor]->cursor.name())
    return;  // there was no room for it
  kept->booked = true;
  kept->what.reason = reason;
  kept->what.group = entry.record.group;
  if (!disk_) return;
  disk_->quarantined_parts[{cursor, position}].push_back(kept->number);
  if (quarantine_->crowds()) work();  // take_commit makes room
}

/// The cursor has passed the record. With items in quarantine, disk and record wait for these: a
/// crash before they are durable repeats the record.
bool Journal::owes(CursorId cursor, Position position, Entry& entry, Time now) {
  Disk& disk = *disk_;
  disk.latest = now;
  if (disk.quarantined_parts.empty()) return false;
  const auto at = disk.quarantined_parts.find({cursor, position});
  if (at == disk.quarantined_parts.end()) return false;
  disk.quarantined_ready.push_back({cursor, position, std::move(at->second), entry.segment});
  disk.quarantined_parts.erase(at);
  places_[cursor]->owed.add({position, position});
  disk.owe(entry.segment);
  if (!disk.unsynced_since) disk.unsynced_since = now;
  work();
  return true;
}

/// It is here no more: not on disk either.
void Journal::forget_quarantined(const Quarantine::Kept& kept) {
  if (!disk_) return;
  Disk& disk = *disk_;
  if (kept.unproven) --disk.unproven_items;
  const bool freed = kept.segment != 0 && disk.unpin_quarantined(kept.segment, disk_bytes(kept));
  if (kept.written) {
    disk.quarantine_gone.add({kept.number, kept.number});
    if (!disk.unsynced_since) disk.unsynced_since = disk.latest;
  }
  if (kept.written || freed) work();
}

Replay Journal::replay(std::uint64_t number, Budget& budget, WallTime arrived, Time now) {
  if (quarantine_ == nullptr) return Replay::unknown;
  Quarantine::Kept* kept = quarantine_->find(number);
  if (kept == nullptr) return Replay::unknown;
  if (!kept->booked || kept->replay != 0 || (disk_ && kept->segment == 0)) return Replay::waits;
  const Quarantined& what = kept->what;
  CursorId cursor = 0;
  while (cursor < places_.size() && places_[cursor]->cursor.name() != what.destination) ++cursor;
  if (cursor == places_.size()) return Replay::homeless;
  const Place& place = *places_[cursor];
  if (!place.removed && !place.cursor.takes(what.signal)) return Replay::homeless;
  Record record;
  record.signal = what.signal;
  record.items = what.items();
  record.group = what.group;
  record.arrived = arrived;
  record.body = what.bytes;
  std::string bytes(what.bytes.view());  // the walk repairs in place
  const auto shape = otlp::walk(what.signal, std::span(bytes));
  record.largest_item = shape ? shape->largest_item : static_cast<std::uint32_t>(what.bytes.size());
  auto charge = budget.take(record.body.size() + record_overhead);
  if (!charge) return Replay::full;
  const Returns returns{number, what.reason};
  // in memory it is published, and gone from the quarantine, before this returns
  const auto position =
      append(std::move(record), std::move(*charge), now, Audience::only(cursor), returns);
  if (!position) return Replay::full;
  if (auto* still = quarantine_->find(number)) still->replay = *position;
  if (FORAGER_MUTANT(replay_removes_early) && disk_) {
    forget_quarantined(*quarantine_->find(number));
    quarantine_->erase(number);
  }
  return Replay::taken;
}

/// The record that it became is durable; the record's frame says that it is in quarantine no more.
void Journal::returned(const Entry& entry) {
  Quarantine::Kept* kept = quarantine_->find(entry.returns.number);
  if (kept == nullptr || FORAGER_MUTANT(replay_stays)) return;  // let go meanwhile
  kept->written = false;
  forget_quarantined(*kept);
  quarantine_->erase(entry.returns.number);
}

bool Journal::drop_quarantined(std::uint64_t number, ledger::Reason reason) {
  if (quarantine_ == nullptr) return false;
  const Quarantine::Kept* kept = quarantine_->find(number);
  if (kept == nullptr || !kept->booked || kept->replay != 0) return false;
  const Quarantined& what = kept->what;
  ledger::Book& book = ledger_.book(what.destination);
  book.returned(what.signal, what.reason, what.items());
  book.settled(what.signal, reason, what.items());
  forget_quarantined(*kept);
  quarantine_->erase(number);
  return true;
}

Time Journal::time_of(std::int64_t unix_nanos) const {
  // whatever the file says: from 1970 to the beginning of this run
  const std::int64_t created = disk_->with.created;
  const std::int64_t then =
      std::clamp<std::int64_t>(unix_nanos, 0, std::max<std::int64_t>(created, 0));
  const auto since = std::chrono::duration_cast<Duration>(std::chrono::nanoseconds(then - created));
  return disk_->with.created_at + std::min(since, Duration::zero());
}

bool Journal::restore_quarantined(Quarantined item, std::uint64_t number, Position segment,
                                  bool proven, bool again) {
  Disk& disk = *disk_;
  if (quarantine_ == nullptr) return false;
  Quarantine::Kept* kept = quarantine_->find(number);
  if (kept != nullptr) {  // once more: the newest frame that is on disk for sure
    if (!proven || (!kept->unproven && kept->segment >= segment)) return true;
    if (std::exchange(kept->unproven, false)) --disk.unproven_items;
    const std::size_t bytes = disk_bytes(*kept);
    disk.unpin_quarantined(kept->segment, bytes);
    disk.pin_quarantined(segment, bytes);
    kept->segment = segment;
    return true;
  }
  if (again) return false;  // it was let go meanwhile, and is booked
  ledger::Book& book = ledger_.book(item.destination);
  book.recovered(item.signal, item.items());
  book.settled(item.signal, item.reason, item.items());
  item.bytes = Slice(Buffer::copy_of(item.bytes.view()));  // not the whole segment
  kept = quarantine_->restore(std::move(item), number);
  if (kept == nullptr) {
    disk.quarantine_gone.add({number, number});
    if (!disk.unsynced_since) disk.unsynced_since = disk.latest;
    return false;
  }
  kept->booked = kept->written = true;
  kept->segment = segment;
  kept->unproven = !proven;
  disk.pin_quarantined(segment, disk_bytes(*kept));
  if (!proven) {
    ++disk.unproven_items;
    disk.copy_due = true;
  }
  return true;
}

void Journal::restore_quarantined_lost(const std::string& destination, Signal signal,
                                       std::uint64_t items) {
  ledger::Book& book = ledger_.book(destination);
  book.recovered(signal, items);
  book.settled(signal, ledger::Reason::disk_unreadable, items);
}

void Journal::forget_cursor(CursorId cursor) {
  Place& place = *places_[cursor];
  assert(place.removed && place.cursor.holds().empty());
  if (!disk_ || std::exchange(place.forgotten, true)) return;
  Disk& disk = *disk_;
  place.unsynced.clear();
  place.owed = {};
  std::erase_if(disk.quarantined_parts, [&](const auto& one) { return one.first.first == cursor; });
  std::erase_if(disk.quarantined_ready, [&](const Commit::Quarantined& ready) {
    if (ready.cursor != cursor) return false;
    disk.let_go_owed(ready.record_in);
    return true;
  });
  disk.given_up.push_back(cursor);
  if (!disk.unsynced_since) disk.unsynced_since = disk.latest;
  work();
}

}  // namespace forager::journal
