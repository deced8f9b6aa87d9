// The journal's disk side: what the next commit holds, and what its end means
// (docs/journal-format.md, "Operation").
#include <algorithm>
#include <cassert>
#include <chrono>
#include <utility>

#include "journal/journal.h"

namespace forager::journal {
namespace {

constexpr Duration settle_delay = std::chrono::milliseconds(100);
constexpr Duration probe_interval = std::chrono::seconds(1);
/// Bytes of one commit after which the next one takes the rest: what comes later should not wait
/// for all of it.
constexpr std::size_t commit_most = std::size_t{8} << 20U;
/// Ranges of one frame.
constexpr std::size_t ranges_most = 4096;

/// Marks need to differ, not to be secret from anyone but old disk blocks and bodies.
std::uint32_t mark_of(std::uint64_t seed, Position first) {
  std::uint64_t z = seed + first * 0x9e3779b97f4a7c15U;
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
  return static_cast<std::uint32_t>(z >> 32U) | 1U;
}

void compact(std::vector<Range>& ranges) {
  RangeSet set;
  for (const Range& range : ranges) set.add(range);
  ranges.clear();
  for (const auto& [first, last] : set.all()) ranges.push_back({first, last});
}

}  // namespace

void Journal::use_disk(DiskSettings settings) {
  assert(places_.empty() && last_ == 0);
  last_ = settings.run - 1;
  decided_ = last_;
  disk_ = std::make_unique<Disk>(std::move(settings));
}

const std::string& Journal::disk_trouble() const {
  static const std::string none;
  return disk_ ? disk_->trouble : none;
}

void Journal::note_settled(Place& place, Position position, Time now) {
  if (!place.unsynced.empty() && place.unsynced.back().last + 1 == position) {
    ++place.unsynced.back().last;
  } else {
    place.unsynced.push_back({position, position});
  }
  if (disk_->unsynced_since) return;
  disk_->unsynced_since = now;
  work();
}

Time Journal::next_commit() const {
  if (!disk_ || disk_->busy) return Time::max();
  if (!disk_->trouble.empty()) return disk_->probe_at;
  return disk_->unsynced_since ? *disk_->unsynced_since + settle_delay : Time::max();
}

bool Journal::synced() const {
  if (!disk_) return true;
  return !disk_->busy && decided_ == last_ && !disk_->unsynced_since && disk_->void_marks.empty();
}

std::optional<Commit> Journal::take_commit(Time now) {
  if (!disk_ || disk_->busy) return std::nullopt;
  Disk& disk = *disk_;
  const bool probing = !disk.trouble.empty();
  if (probing && now < disk.probe_at) return std::nullopt;
  const bool records = decided_ != last_;
  const bool settled = disk.unsynced_since && now >= *disk.unsynced_since + settle_delay;
  Commit commit;
  if (records || settled || probing || disk.snapshot_due || !disk.void_marks.empty()) {
    std::size_t needs = 0;
    if (records) needs = format::record_frame(entries_.at(decided_ + 1).record.bytes());
    if (!open_segment(commit, needs)) return std::nullopt;
    put_settled(commit);
    put_records(commit);
    commit.bytes += commit.heads.size();
  }
  collect(commit);
  if (commit.segment == 0 && commit.remove.empty()) return std::nullopt;
  disk.busy = true;
  return commit;
}

/// Into the open segment if the first record fits, with room for cursors; else a new one begins.
bool Journal::open_segment(Commit& commit, std::size_t needs) {
  Disk& disk = *disk_;
  std::size_t ranges = 64;
  for (const auto& place : places_) {
    ranges += place->unsynced.size() + 4 + (disk.snapshot_due ? place->cursor.settled().size() : 0);
  }
  const std::size_t small =
      ranges * sizeof(Range) + places_.size() * 512 + 1024 + disk.void_marks.size() * sizeof(Range);
  disk.margin = small;
  const bool fresh = disk.open == 0 || disk.segments.at(disk.open).used + small + needs >
                                           disk.segments.at(disk.open).file_bytes;
  if (fresh) {
    const Position first = decided_ + 1;
    const bool snapshot = disk.complete;
    commit.segment = first;
    commit.create = true;
    if (const auto old = disk.segments.find(first); old != disk.segments.end()) {
      disk.bytes -= old->second.file_bytes;  // nothing but a failed commit is in it
      disk.segments.erase(old);
    }
    format::Header header;
    header.first = first;
    header.run = disk.with.run;
    header.mark = mark_of(disk.with.seed, first + (disk.second_try ? 1U << 31U : 0U));
    header.created = disk.with.created;
    header.salt = disk.with.salt;
    disk.groups.clear();
    Disk::Segment segment;
    segment.mark = header.mark;
    disk.segments.emplace(first, segment);
    disk.open = first;
    commit.heads.assign(format::header_bytes, '\0');
    put_cursors(commit, snapshot);
    disk.opening_bytes = commit.heads.size() - format::header_bytes;
    // all cursors and one record fit into any segment
    commit.file_bytes =
        std::max(disk.with.segment_bytes, format::padded(commit.heads.size() + small + needs));
    header.file_bytes = commit.file_bytes;
    commit.heads.replace(0, format::header_bytes, format::write_header(header));
    disk.segments.at(first).file_bytes = commit.file_bytes;
    disk.bytes += commit.file_bytes;
    return true;
  }
  commit.segment = disk.open;
  commit.offset = disk.segments.at(disk.open).used;
  commit.file_bytes = disk.segments.at(disk.open).file_bytes;
  if (disk.snapshot_due || disk.declare) put_cursors(commit, disk.snapshot_due && disk.complete);
  return true;
}

void Journal::put_cursors(Commit& commit, bool snapshot) {
  Disk& disk = *disk_;
  const std::uint32_t mark = disk.segments.at(commit.segment).mark;
  for (std::uint32_t id = 0; id < places_.size(); ++id) {
    std::uint32_t takes = 0;
    for (const Signal s : all_signals) {
      if (places_[id]->cursor.takes(s)) takes |= 1U << static_cast<unsigned>(s);
    }
    format::put_destination(commit.heads, mark, id, takes, disk.with.run,
                            places_[id]->cursor.name());
  }
  disk.declare = false;
  if (!snapshot) return;
  std::uint32_t count = 0;
  for (std::uint32_t id = 0; id < places_.size(); ++id) {
    Cursor& cursor = places_[id]->cursor;
    std::vector<Range> ranges;
    const auto put = [&] {
      format::put_ranges(commit.heads, mark, format::Type::snapshot, id, cursor.watermark(),
                         ranges);
      ranges.clear();
      ++count;
    };
    for (const auto& [first, last] : cursor.settled().all()) {
      ranges.push_back({first, last});
      if (ranges.size() == ranges_most) put();
    }
    put();
  }
  format::put_snapshot_end(commit.heads, mark, count);
  commit.snapshot = true;
  disk.snapshot_due = false;
}

void Journal::put_settled(Commit& commit) {
  Disk& disk = *disk_;
  const std::uint32_t mark = disk.segments.at(commit.segment).mark;
  for (std::uint32_t id = 0; id < places_.size(); ++id) {
    Place& place = *places_[id];
    if (place.unsynced.empty()) continue;
    compact(place.unsynced);
    format::put_ranges(commit.heads, mark, format::Type::settled, id, std::nullopt, place.unsynced);
    commit.settled.push_back({id, std::exchange(place.unsynced, {})});
  }
  disk.unsynced_since.reset();
  commit.voided = std::exchange(disk.void_marks, {});
  if (commit.voided.empty()) return;
  std::vector<Range> ranges;
  for (const auto& [first, last] : commit.voided.all()) ranges.push_back({first, last});
  format::put_ranges(commit.heads, mark, format::Type::voided, 0, std::nullopt, ranges);
}

void Journal::put_records(Commit& commit) {
  Disk& disk = *disk_;
  const Disk::Segment& segment = disk.segments.at(commit.segment);
  for (auto next = entries_.upper_bound(decided_); next != entries_.end(); ++next) {
    Entry& entry = next->second;
    const Record& record = entry.record;
    const std::size_t here = commit.offset + commit.heads.size() + commit.bytes;
    format::Group group;
    const bool declare = record.group != own_group &&
                         !(record.group < disk.groups.size() && disk.groups[record.group]);
    if (declare) group = disk.with.group_of(record.group);
    const std::size_t group_frame = declare ? 96 + group.dataset.size() : 0;
    if (here + group_frame + format::record_frame(record.body.size()) > segment.file_bytes) break;
    if (here - commit.offset > commit_most) break;
    if (declare) {
      if (disk.groups.size() <= record.group) disk.groups.resize(record.group + 1);
      disk.groups[record.group] = true;
      format::put_group(commit.heads, segment.mark, record.group, group);
    }
    entry.offset = static_cast<std::uint32_t>(commit.offset + commit.heads.size() + commit.bytes);
    format::put_record(commit.heads, segment.mark, record, record.group);
    commit.put_body(record.body);
    commit.heads += format::padding_after(record.body.size());
    commit.last = record.position;
  }
}

/// Segments that nobody needs: no record held, and a newer one knows the cursors.
void Journal::collect(Commit& commit) {
  Disk& disk = *disk_;
  if (!disk.collectable) return;
  disk.collectable = false;
  for (auto at = disk.segments.begin(); at != disk.segments.end();) {
    const Disk::Segment& segment = at->second;
    if (at->first >= disk.snapshot_in || at->first == disk.open) break;
    if (segment.held != 0 || !segment.scanned || segment.kept_aside) {
      ++at;
      continue;
    }
    commit.remove.push_back(at->first);
    disk.bytes -= segment.file_bytes;
    at = disk.segments.erase(at);
  }
}

void Journal::committed(Committed done, Time now) {
  Disk& disk = *disk_;
  Commit& commit = done.commit;
  disk.busy = false;
  if (done.space) {
    const std::uint64_t reserve = reserve_of(*done.space);
    const std::uint64_t more = done.space->free > reserve ? done.space->free - reserve : 0;
    disk.file_system_max = static_cast<std::size_t>(disk.bytes + more);
  }
  if (done.error) {
    // what the kernel made of these pages is not known: never again this segment
    disk.open = 0;
    disk.collectable = true;
    for (const auto& [id, ranges] : commit.settled) {
      auto& unsynced = places_[id]->unsynced;
      unsynced.insert(unsynced.begin(), ranges.begin(), ranges.end());
      if (!disk.unsynced_since) disk.unsynced_since = now;
    }
    for (const auto& [first, last] : commit.voided.all()) disk.void_marks.add({first, last});
    if (commit.snapshot) disk.snapshot_due = true;
    if (commit.create) {  // it may not even exist
      disk.bytes -= commit.file_bytes;
      disk.segments.erase(commit.segment);
    }
    const bool again = !disk.second_try && disk.trouble.empty();
    disk.second_try = again;
    if (again) return work();
    disk.trouble = done.error->what;
    disk.probe_at = now + probe_interval;
    void_pending(now);
    return work();
  }
  disk.second_try = false;
  disk.trouble.clear();
  if (commit.snapshot) {
    disk.snapshot_in = commit.segment;
    disk.collectable = true;
  }
  if (commit.segment != 0) {
    Disk::Segment& segment = disk.segments.at(commit.segment);
    segment.used = commit.offset + commit.bytes;
    while (decided_ < commit.last) {
      Entry& entry = entries_.at(++decided_);
      disk.pending_bytes -= format::record_frame(entry.record.body.size());
      entry.segment = commit.segment;
      ++segment.held;
      publish(entry, now);
    }
  }
  work();
}

/// The apps are told 503; the positions stay unused.
void Journal::void_pending(Time /*now*/) {
  if (decided_ == last_) return;
  const Range range{decided_ + 1, last_};
  for (auto at = entries_.upper_bound(decided_); at != entries_.end();) {
    bytes_ -= size_of(at->second.record);
    resident_bytes_ -= at->second.record.body.size();
    at = entries_.erase(at);
  }
  for (const auto& place : places_) place->cursor.void_range(range);
  disk_->voided.add(range);
  disk_->void_marks.add(range);
  disk_->pending_bytes = 0;
  decided_ = last_;
}

void Journal::found_segment(Position first, std::size_t file_bytes, bool readable) {
  Disk::Segment segment;
  segment.file_bytes = file_bytes;
  segment.used = file_bytes;
  segment.scanned = false;
  segment.kept_aside = !readable;
  disk_->segments.insert_or_assign(first, segment);
  disk_->bytes += file_bytes;
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
  Entry& entry = entries_.emplace(position, std::move(made)).first->second;
  bytes_ += bytes;
  ++disk_->segments.at(segment).held;
  for (const CursorId id : holders) {
    Place& place = *places_[id];
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

void Journal::scanned(Position segment) {
  const auto at = disk_->segments.find(segment);
  if (at == disk_->segments.end()) return;
  at->second.scanned = true;
  disk_->collectable = true;
  work();
}

void Journal::recovered() {
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
