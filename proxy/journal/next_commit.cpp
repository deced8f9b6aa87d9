// What the next commit holds, byte by byte (docs/journal-format.md).
#include <algorithm>
#include <cassert>
#include <utility>

#include "base/mutant.h"
#include "journal/journal.h"

namespace forager::journal {
namespace {

/// Bytes of one commit after which the next one takes the rest: what comes later should not wait
/// for all of it.
constexpr std::size_t commit_most = std::size_t{8} << 20U;
/// Ranges of one frame.
constexpr std::size_t ranges_most = 4096;

/// Left behind the records of a segment: what settles them shall fit there, or a new segment would
/// be needed to free any.
constexpr std::size_t tail_bytes = 1024;
/// What is settled between the admission of a record and its commit may take this much more, or the
/// record would need a segment that was not planned for.
constexpr std::size_t growth_bytes = 512;

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

void Journal::pin(Place& place, Position segment) {
  if (place.pins[segment]++ == 0) place.pinned_bytes += disk_->segments.at(segment).file_bytes;
}

void Journal::unpin(Place& place, Position segment) {
  const auto at = place.pins.find(segment);
  if (--at->second != 0) return;
  place.pinned_bytes -= disk_->segments.at(segment).file_bytes;
  place.pins.erase(at);
}

/// The most that the next commit may hold beside records.
std::size_t Journal::riders() const {
  std::size_t bytes = 64 + disk_->void_marks.size() * sizeof(Range);
  const bool all = disk_->snapshot_due || disk_->declare;
  for (const auto& place : places_) {
    bytes += 32 + place->unsynced.size() * sizeof(Range);
    if (!all) continue;
    bytes += 512 + (place->cursor.settled().size() + 2 * place->owed.size() + 4) * sizeof(Range);
  }
  if (all) bytes += list_quarantine().size_on_disk();
  bytes += 32 + disk_->quarantine_gone.size() * sizeof(Range);
  for (const CursorId id : disk_->given_up) bytes += 32 + places_[id]->cursor.name().size();
  return bytes;
}

/// What the first record needs that waits.
std::size_t Journal::first_needs() const {
  if (decided_ == last_) return 0;
  const Entry& entry = entries_.at(decided_ + 1);
  const Record& record = entry.record;
  std::size_t needs = frame_of(entry) + tail_bytes;
  if (record.group != own_group) needs += 96 + disk_->with.group_of(record.group).dataset.size();
  return needs;
}

bool Journal::needs_new_segment(std::size_t needs) const {
  if (disk_->open == 0) return true;
  const Disk::Segment& open = disk_->segments.at(disk_->open);
  return open.used + riders() + needs > open.file_bytes;
}

/// The open one if the first record fits, with room for cursors; else a new one begins.
void Journal::open_segment(Commit& commit, std::size_t needs) {
  Disk& disk = *disk_;
  const std::size_t most = riders();
  disk.margin = most + tail_bytes + growth_bytes;
  if (needs_new_segment(needs)) return begin_segment(commit, needs, most);
  commit.segment = disk.open;
  commit.offset = disk.segments.at(disk.open).used;
  commit.file_bytes = disk.segments.at(disk.open).file_bytes;
  put_head(commit);
  if (disk.snapshot_due || disk.declare) put_cursors(commit);
  if (disk.snapshot_due && disk.may_snapshot()) put_snapshot(commit);
}

void Journal::begin_segment(Commit& commit, std::size_t needs, std::size_t riders) {
  Disk& disk = *disk_;
  const Position first = decided_ + 1;
  if (decided_ == last_ && !disk.segments.empty()) {
    // without a record in it, a later one would get the same name: that number goes to nobody
    ++last_;
    void_pending({});
  }
  commit.segment = first;
  commit.create = true;
  assert((!disk.segments.contains(first) || disk.segments.at(first).quarantined == 0) &&
         "what is in it is durable");
  disk.erase(first);  // nothing but a failed commit is in it
  commit.debris = disk.debris;
  std::erase(commit.debris, first);
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
  put_head(commit);
  put_cursors(commit);
  if (disk.may_snapshot()) put_snapshot(commit);
  disk.opening_bytes = commit.heads.size() - format::header_bytes;
  // all cursors and one record fit into any segment
  commit.file_bytes =
      std::max(disk.with.segment_bytes, format::padded(commit.heads.size() + riders + needs));
  header.file_bytes = commit.file_bytes;
  commit.heads.replace(0, format::header_bytes, format::write_header(header));
  disk.segments.at(first).file_bytes = commit.file_bytes;
  disk.bytes += commit.file_bytes;
}

/// That what came before is durable, and which positions are nobody's: in one frame, so that no
/// crash parts them.
void Journal::put_head(Commit& commit) {
  commit.voided = std::exchange(disk_->void_marks, {});
  format::CommitHead head;
  head.through = decided_;
  for (const auto& place : places_) head.destinations += place->forgotten ? 0 : 1;
  for (const auto& [first, last] : commit.voided.all()) head.voided.push_back({first, last});
  format::put_commit(commit.heads, disk_->segments.at(commit.segment).mark, head);
}

void Journal::put_cursors(Commit& commit) {
  Disk& disk = *disk_;
  const std::uint32_t mark = disk.segments.at(commit.segment).mark;
  for (std::uint32_t id = 0; id < places_.size(); ++id) {
    if (places_[id]->forgotten) continue;
    format::put_destination(commit.heads, mark, id, takes(id), disk.with.run,
                            places_[id]->cursor.name());
  }
  disk.declare = false;
}

void Journal::put_snapshot(Commit& commit) {
  Disk& disk = *disk_;
  const std::uint32_t mark = disk.segments.at(commit.segment).mark;
  std::uint32_t count = 0;
  for (std::uint32_t id = 0; id < places_.size(); ++id) {
    if (!places_[id]->forgotten) put_snapshot_of(commit, id, count);
  }
  format::put_quarantine_list(commit.heads, mark, list_quarantine());
  format::put_snapshot_end(commit.heads, mark, count);
  commit.snapshot = true;
  disk.snapshot_due = false;
}

/// What is owed to the quarantine is not settled yet: the frame that brings it says so.
void Journal::put_snapshot_of(Commit& commit, CursorId id, std::uint32_t& count) {
  const std::uint32_t mark = disk_->segments.at(commit.segment).mark;
  Cursor& cursor = places_[id]->cursor;
  const RangeSet& owed = places_[id]->owed;
  Position watermark = cursor.watermark();
  std::vector<Range> ranges;
  const auto put = [&] {
    format::put_ranges(commit.heads, mark, format::Type::snapshot, id, watermark, ranges);
    ranges.clear();
    ++count;
  };
  const auto add = [&](Range range) {
    for (const Range& part : owed.gaps(range)) {
      ranges.push_back(part);
      if (ranges.size() == ranges_most) put();
    }
  };
  if (!owed.empty() && owed.all().begin()->first <= watermark) {
    const Position end = watermark;
    watermark = owed.all().begin()->first - 1;
    add({watermark + 1, end});
  }
  for (const auto& [first, last] : cursor.settled().all()) add({first, last});
  put();
}

void Journal::put_settled(Commit& commit) {
  Disk& disk = *disk_;
  const std::uint32_t mark = disk.segments.at(commit.segment).mark;
  for (std::uint32_t id = 0; id < places_.size(); ++id) {
    Place& place = *places_[id];
    if (place.unsynced.empty()) continue;
    compact(place.unsynced);
    if (FORAGER_MUTANT(settled_too_far)) ++place.unsynced.back().last;
    format::put_ranges(commit.heads, mark, format::Type::settled, id, std::nullopt, place.unsynced);
    commit.settled.push_back({id, std::exchange(place.unsynced, {})});
  }
  for (const CursorId id : disk.given_up)
    format::put_removed(commit.heads, mark, places_[id]->cursor.name());
  commit.given_up = std::exchange(disk.given_up, {});
  if (!disk.quarantine_gone.empty()) {
    std::vector<Range> gone;
    for (const auto& [first, last] : disk.quarantine_gone.all()) gone.push_back({first, last});
    format::put_ranges(commit.heads, mark, format::Type::quarantine_gone, 0, std::nullopt, gone);
    commit.quarantine_gone = std::exchange(disk.quarantine_gone, {});
  }
  disk.unsynced_since.reset();
}

/// Before the first use of a group in a segment.
std::size_t Journal::put_group(Commit& commit, GroupId group) {
  Disk& disk = *disk_;
  if (group == own_group || (group < disk.groups.size() && disk.groups[group])) return 0;
  if (disk.groups.size() <= group) disk.groups.resize(group + 1);
  disk.groups[group] = true;
  const std::size_t before = commit.heads.size();
  format::put_group(commit.heads, disk.segments.at(commit.segment).mark, group,
                    disk.with.group_of(group));
  return commit.heads.size() - before;
}

void Journal::put_records(Commit& commit) {
  Disk& disk = *disk_;
  const Disk::Segment& segment = disk.segments.at(commit.segment);
  for (auto next = entries_.upper_bound(decided_); next != entries_.end(); ++next) {
    Entry& entry = next->second;
    const Record& record = entry.record;
    const std::size_t here = commit.offset + commit.heads.size() + commit.bytes;
    const bool declare = record.group != own_group &&
                         !(record.group < disk.groups.size() && disk.groups[record.group]);
    const std::size_t group_frame =
        declare ? 96 + disk.with.group_of(record.group).dataset.size() : 0;
    const std::size_t end = here + group_frame + frame_of(entry);
    if (end + (commit.last == 0 ? 0 : disk.margin) > segment.file_bytes) break;
    if (here - commit.offset > commit_most) break;
    put_group(commit, record.group);
    entry.offset = static_cast<std::uint32_t>(commit.offset + commit.heads.size() + commit.bytes);
    format::put_record(commit.heads, segment.mark, record, record.group, entry.audience,
                       entry.returns.number);
    commit.put_body(record.body);
    commit.heads += format::padding_after(record.body.size());
    if (entry.returns.number != 0) commit.replays = true;
    commit.last = record.position;
  }
}

void Journal::collect(Commit& commit) {
  Disk& disk = *disk_;
  if (!disk.collectable || disk.removing) return;
  // what they were in quarantine with must not go before the next commit speaks for them
  const bool doubtful = disk.replays_doubtful && !FORAGER_MUTANT(replays_believed);
  if (doubtful && commit.segment == 0) return;
  disk.collectable = false;
  for (auto& [first, segment] : disk.segments) {
    if (first >= disk.snapshot_in) break;
    if (!segment.free || segment.going) continue;
    segment.going = true;
    (segment.unreadable ? commit.aside : commit.remove).push_back(first);
  }
}

}  // namespace forager::journal
