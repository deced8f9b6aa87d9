// The journal's disk side: what the next commit holds, and what its end means
// (docs/journal-format.md, "Operation").
#include <algorithm>
#include <cassert>
#include <chrono>
#include <utility>

#include "base/mutant.h"
#include "journal/journal.h"

namespace forager::journal {
namespace {

constexpr Duration settle_delay = std::chrono::milliseconds(100);
constexpr Duration probe_interval = std::chrono::seconds(1);
/// After the last records: within it something else is mostly written, which confirms them.
constexpr Duration confirm_delay = std::chrono::seconds(1);

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
  const Time settled = disk_->unsynced_since ? *disk_->unsynced_since + settle_delay : Time::max();
  const Time confirmed = disk_->unconfirmed ? disk_->confirm_at : Time::max();
  return std::min({settled, confirmed, disk_->look_at});
}

/// A request was refused because the file system has no room: maybe it has by now.
void Journal::look_for_space(Time now) {
  if (!disk_ || !disk_->short_of_space() || disk_->look_at != Time::max()) return;
  disk_->look_at = std::max(now, disk_->looked + probe_interval);
  work();
}

void Journal::confirm() {
  if (!disk_ || !disk_->unconfirmed) return;
  disk_->confirm_at = Time::min();
  work();
}

bool Journal::synced() const {
  if (!disk_) return true;
  const bool confirmed = !disk_->unconfirmed || disk_->confirm_at != Time::min();
  return !disk_->busy && decided_ == last_ && !disk_->unsynced_since && disk_->void_marks.empty() &&
         disk_->quarantined_ready.empty() && confirmed;
}

std::optional<Commit> Journal::take_commit(Time now) {
  if (!disk_) return std::nullopt;
  const std::size_t crowded_by = quarantine_ == nullptr ? 0 : quarantine_->take_crowded_by();
  if (crowded_by != 0) forget_bodies(crowded_by);
  if (disk_->busy) return std::nullopt;
  Disk& disk = *disk_;
  disk.latest = now;
  const bool probing = !disk.trouble.empty();
  if (probing && now < disk.probe_at) return std::nullopt;
  bool records = decided_ != last_;
  std::size_t needs = first_needs();
  const auto copies = to_copy();
  const std::size_t for_copies = FORAGER_MUTANT(copies_alone) ? 0 : quarantine_needs(copies);
  // first make the room that these need, unless that begins a segment: as long as records wait,
  // one without any would have the name of theirs
  if (records && disk.freeable != 0 && (disk.collectable || disk.removing || !copies.empty()) &&
      !needs_new_segment(for_copies) && needs_new_segment(needs) &&
      disk.bytes + disk.file_for(needs) > disk.cap()) {
    records = false;
    needs = 0;
  }
  const std::size_t first_record = needs;
  needs += quarantine_needs(copies);
  // a segment goes only after what settled its records is durable
  const bool settled =
      disk.unsynced_since && (now >= *disk.unsynced_since + settle_delay || disk.collectable);
  const bool confirm = disk.unconfirmed && now >= disk.confirm_at;
  Commit commit;
  const bool snapshot = disk.snapshot_due && disk.may_snapshot();
  if (records || settled || probing || confirm || snapshot || !copies.empty() ||
      !disk.void_marks.empty()) {
    open_segment(commit, needs);
    put_settled(commit);
    put_quarantined(commit, copies, first_record);
    if (records) put_records(commit);
    commit.bytes += commit.heads.size();
    plan_after(std::max(commit.last, decided_), commit.file_bytes - commit.offset - commit.bytes);
  }
  collect(commit);
  if (now >= disk.look_at) {
    commit.look = true;
    disk.looked = now;
    disk.look_at = Time::max();
  }
  if (commit.segment == 0 && !commit.look && commit.remove.empty() && commit.aside.empty())
    return std::nullopt;
  disk.busy = true;
  return commit;
}

/// Which segments the records after this one will begin; `left`: room in the open one.
void Journal::plan_after(Position last, std::size_t left) {
  disk_->planned_files = 0;
  disk_->planned_left = left;
  for (auto at = entries_.upper_bound(last); at != entries_.end(); ++at) {
    disk_->plan(frame_of(at->second));
  }
}

void Journal::committed(Committed done, Time now) {
  Disk& disk = *disk_;
  Commit& commit = done.commit;
  disk.busy = false;
  disk.latest = now;
  for (const Position first : commit.debris) {
    const auto& left = done.debris_left;
    if (std::find(left.begin(), left.end(), first) != left.end()) continue;
    disk.erase(first);
    std::erase(disk.debris, first);
  }
  if (done.space) {
    const std::uint64_t reserve = reserve_of(*done.space);
    const std::uint64_t more = done.space->free > reserve ? done.space->free - reserve : 0;
    disk.file_system_max = static_cast<std::size_t>(disk.bytes + more);
  }
  if (done.error) {
    commit_failed(done, now);
    return work();
  }
  disk.second_try = false;
  disk.trouble.clear();
  if (commit.segment != 0) {
    if (commit.create) disk.debris.clear();  // now they are segments that nobody needs
    if (commit.snapshot) disk.snapshot_in = commit.segment;
    if (commit.snapshot || std::exchange(disk.stuck, false)) disk.review_all();
    disk.unconfirmed = commit.last != 0;
    disk.replays_doubtful = commit.replays;
    disk.confirm_at = now + confirm_delay;
    Disk::Segment& segment = disk.segments.at(commit.segment);
    segment.used = commit.offset + commit.bytes;
    quarantine_committed(commit);
    while (decided_ < commit.last) {
      Entry& entry = entries_.at(++decided_);
      entry.segment = commit.segment;
      ++segment.held;
      publish(entry, now);
    }
  }
  Removal removal{std::move(commit.remove), std::move(commit.aside), std::move(done.left)};
  if (done.removed) return removed(removal);
  if (!removal.remove.empty() || !removal.aside.empty()) {
    disk.removal = std::move(removal);
    disk.removing = true;
  }
  work();
}

std::optional<Removal> Journal::take_removal() {
  if (!disk_) return std::nullopt;
  return std::exchange(disk_->removal, std::nullopt);
}

void Journal::removed(const Removal& done) {
  Disk& disk = *disk_;
  disk.removing = false;
  for (const Position left : done.left) {
    Disk::Segment& segment = disk.segments.at(left);
    segment.free = segment.going = false;
    disk.count_freeable(segment, 0);
    disk.stuck = true;
  }
  const auto gone = [&](Position first) {
    const auto at = disk.segments.find(first);
    if (at != disk.segments.end() && at->second.going) disk.erase(first);
  };
  for (const Position first : done.remove) gone(first);
  for (const Position first : done.aside) gone(first);
  work();
}

void Journal::commit_failed(Committed& done, Time now) {
  Disk& disk = *disk_;
  Commit& commit = done.commit;
  // what the kernel made of these pages is not known: never again this segment
  disk.open = 0;
  for (const auto& [id, ranges] : commit.settled) {
    if (places_[id]->forgotten) continue;
    auto& unsynced = places_[id]->unsynced;
    unsynced.insert(unsynced.begin(), ranges.begin(), ranges.end());
    if (!disk.unsynced_since) disk.unsynced_since = now;
  }
  for (const auto& [first, last] : commit.voided.all()) disk.void_marks.add({first, last});
  quarantine_failed(commit);
  if (commit.snapshot) disk.snapshot_due = true;
  for (const auto* list : {&commit.remove, &commit.aside}) {
    for (const Position first : *list) disk.segments.at(first).going = false;
  }
  disk.collectable = disk.freeable != 0;
  if (done.file_left) {
    std::erase(disk.debris, commit.segment);
    disk.debris.push_back(commit.segment);
  }
  if (commit.create && !done.file_left) disk.erase(commit.segment);
  plan_after(decided_, 0);
  const bool again = !disk.second_try && disk.trouble.empty();
  disk.second_try = again;
  if (again) return;
  disk.trouble = done.error->what;
  disk.probe_at = now + probe_interval;
  void_pending(now);
}

/// The apps are told 503; the positions stay unused.
void Journal::void_pending(Time /*now*/) {
  if (decided_ == last_) return;
  const Range range{decided_ + 1, last_};
  for (auto at = entries_.upper_bound(decided_); at != entries_.end();) {
    bytes_ -= size_of(at->second.record);
    resident_bytes_ -= at->second.record.body.size();
    if (at->second.returns.number != 0) {  // it stays where it was
      if (auto* kept = quarantine_->find(at->second.returns.number)) kept->replay = 0;
    }
    at = entries_.erase(at);
  }
  for (const auto& place : places_) place->cursor.void_range(range);
  disk_->voided.add(range);
  disk_->void_marks.add(range);
  decided_ = last_;
  plan_after(last_, 0);
}

}  // namespace forager::journal
