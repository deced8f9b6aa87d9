// What of the quarantine goes to disk with the next commit, and what its end means
// (docs/journal-format.md, "Quarantine").
#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "journal/journal.h"

namespace forager::journal {
namespace {

/// Bytes of one commit after which the rest waits for the next one.
constexpr std::size_t commit_most = std::size_t{8} << 20U;
/// Items of one record that are more than this together are let go: the segment would be too large
/// to be read.
constexpr std::size_t frame_most = std::size_t{96} << 20U;
constexpr std::size_t tail_bytes = 1024;
constexpr std::size_t group_head = 96;

}  // namespace

format::QuarantinedItem Journal::item_of(const Quarantine::Kept& kept) const {
  const Quarantined& what = kept.what;
  format::QuarantinedItem item;
  item.number = kept.number;
  item.when = disk_->with.created + std::chrono::duration_cast<std::chrono::nanoseconds>(
                                        what.when - disk_->with.created_at)
                                        .count();
  item.arrived = what.arrived;
  item.first = what.first;
  item.last = what.last;
  item.group = what.group;
  item.signal = what.signal;
  item.reason = ledger::facts(what.reason).label;
  item.why = what.why;
  item.bytes = what.bytes.size();
  return item;
}

/// Without those that have been let go since.
format::QuarantineFrame Journal::frame_of(const Commit::Quarantined& ready) const {
  format::QuarantineFrame frame{places_[ready.cursor]->cursor.name(), ready.position, true, {}};
  std::size_t bytes = 0;
  for (const std::uint64_t number : ready.numbers) {
    const Quarantine::Kept* kept = std::as_const(*quarantine_).find(number);
    if (kept == nullptr) continue;
    bytes += disk_bytes(*kept);
    if (bytes > frame_most) break;
    frame.items.push_back(item_of(*kept));
  }
  return frame;
}

/// Those that an earlier run may never have synced also say once more that their record is settled.
format::QuarantineFrame Journal::copy_of(const Copy& copy) const {
  format::QuarantineFrame frame;
  for (const std::uint64_t number : copy) {
    const Quarantine::Kept* kept = std::as_const(*quarantine_).find(number);
    if (kept == nullptr) continue;
    frame.destination = kept->what.destination;
    frame.position = kept->what.position;
    frame.settles = kept->unproven;
    frame.items.push_back(item_of(*kept));
  }
  return frame;
}

std::size_t Journal::groups_of(const format::QuarantineFrame& frame) const {
  std::size_t bytes = 0;
  for (const format::QuarantinedItem& item : frame.items) {
    if (item.group != own_group)
      bytes += group_head + disk_->with.group_of(item.group).dataset.size();
  }
  return bytes;
}

std::size_t Journal::disk_bytes(const Quarantine::Kept& kept) const {
  return format::size_on_disk(kept.what.destination, item_of(kept));
}

/// Whose segment goes as soon as they are elsewhere, and what may not be on disk at all. Of the
/// latter each record's are one frame, as they were: a power cut that took one of two frames would
/// leave the record settled, and an item nowhere.
std::vector<Journal::Copy> Journal::to_copy() {
  std::vector<Copy> made;
  if (!disk_->copy_due || quarantine_ == nullptr || !quarantine_->numbered()) return made;
  std::map<std::pair<std::string_view, Position>, std::size_t> unproven;  // places in `made`
  for (const Quarantine::Kept& kept : quarantine_->kept()) {
    if (kept.segment == 0) continue;
    if (kept.unproven) {
      const auto [at, first] =
          unproven.try_emplace({kept.what.destination, kept.what.position}, made.size());
      if (first) made.emplace_back();
      made[at->second].push_back(kept.number);
    } else if (disk_->segments.at(kept.segment).emptying) {
      made.push_back({kept.number});
    }
  }
  disk_->copy_due = !made.empty();
  return made;
}

/// What the first frame needs.
std::size_t Journal::quarantine_needs(const std::vector<Copy>& copies) const {
  if (quarantine_ == nullptr || !quarantine_->numbered()) return 0;
  if (disk_->quarantined_ready.empty() && copies.empty()) return 0;
  const auto frame = disk_->quarantined_ready.empty() ? copy_of(copies.front())
                                                      : frame_of(disk_->quarantined_ready.front());
  return format::size_on_disk(frame) + groups_of(frame) + tail_bytes;
}

void Journal::put_frame(Commit& commit, const format::QuarantineFrame& frame) {
  for (const format::QuarantinedItem& item : frame.items) put_group(commit, item.group);
  const std::uint32_t mark = disk_->segments.at(commit.segment).mark;
  format::put_quarantined(commit.heads, mark, frame, [&](std::size_t i) {
    Quarantine::Kept& kept = *quarantine_->find(frame.items[i].number);
    kept.written = true;
    commit.put_body(kept.what.bytes);
    return kept.what.bytes.view();
  });
}

/// `spare`: what the first record needs behind it.
void Journal::put_quarantined(Commit& commit, const std::vector<Copy>& copies, std::size_t spare) {
  if (quarantine_ == nullptr || !quarantine_->numbered()) return;
  Disk& disk = *disk_;
  const std::size_t file_bytes = disk.segments.at(commit.segment).file_bytes;
  const auto fits = [&](const format::QuarantineFrame& frame) {
    if (commit.quarantined.empty() && commit.copied.empty()) return true;  // quarantine_needs()
    const std::size_t here = commit.heads.size() + commit.bytes;
    const std::size_t end =
        commit.offset + here + groups_of(frame) + format::size_on_disk(frame) + spare;
    return here <= commit_most && end + disk.margin <= file_bytes;
  };
  auto& ready = disk.quarantined_ready;
  while (!ready.empty()) {
    const auto frame = frame_of(ready.front());
    if (!fits(frame)) break;
    put_frame(commit, frame);
    for (const std::uint64_t number : ready.front().numbers) {
      const Quarantine::Kept* kept = quarantine_->find(number);
      if (kept != nullptr && !kept->written) quarantine_->let_go(number);
    }
    commit.quarantined.push_back(std::move(ready.front()));
    ready.pop_front();
  }
  if (!ready.empty()) {  // at once
    disk.unsynced_since = Time::min();
    return;
  }
  for (const Copy& copy : copies) {
    const auto frame = copy_of(copy);
    if (frame.items.empty()) continue;
    if (!fits(frame)) return;
    put_frame(commit, frame);
    for (const format::QuarantinedItem& item : frame.items) commit.copied.push_back(item.number);
  }
}

/// Those whose frame an earlier commit has.
format::QuarantineList Journal::list_quarantine() const {
  format::QuarantineList list;
  if (quarantine_ == nullptr || !quarantine_->numbered()) return list;
  list.last = quarantine_->last_number();
  std::uint32_t id = 0;
  for (const Quarantine::Kept& kept : quarantine_->kept()) {
    if (kept.segment == 0) continue;
    const std::string& name = kept.what.destination;
    if (id >= places_.size() || places_[id]->cursor.name() != name) {
      id = 0;
      while (id < places_.size() && places_[id]->cursor.name() != name) ++id;
    }
    list.add(kept.number, id, kept.what.items(), kept.what.signal);
  }
  return list;
}

void Journal::quarantine_committed(Commit& commit) {
  Disk& disk = *disk_;
  for (const Commit::Quarantined& done : commit.quarantined) {
    for (const std::uint64_t number : done.numbers) {
      Quarantine::Kept* kept = quarantine_->find(number);
      if (kept == nullptr) continue;
      kept->segment = commit.segment;
      disk.pin_quarantined(commit.segment, disk_bytes(*kept));
    }
    places_[done.cursor]->owed.remove(done.position);
    disk.let_go_owed(done.record_in);
  }
  for (const std::uint64_t number : commit.copied) {
    Quarantine::Kept* kept = quarantine_->find(number);
    if (kept == nullptr) continue;
    if (std::exchange(kept->unproven, false)) --disk.unproven_items;
    const std::size_t bytes = disk_bytes(*kept);
    disk.pin_quarantined(commit.segment, bytes);
    disk.unpin_quarantined(kept->segment, bytes);
    kept->segment = commit.segment;
  }
}

void Journal::quarantine_failed(Commit& commit) {
  Disk& disk = *disk_;
  auto& back = commit.quarantined;
  for (auto done = back.rbegin(); done != back.rend(); ++done) {
    if (places_[done->cursor]->forgotten) {
      disk.let_go_owed(done->record_in);
    } else {
      disk.quarantined_ready.push_front(std::move(*done));
    }
  }
  for (const auto& [first, last] : commit.quarantine_gone.all())
    disk.quarantine_gone.add({first, last});
  disk.given_up.insert(disk.given_up.begin(), commit.given_up.begin(), commit.given_up.end());
  disk.copy_due = disk.copy_due || !commit.copied.empty();
  const bool waits =
      !disk.quarantined_ready.empty() || !disk.quarantine_gone.empty() || !disk.given_up.empty();
  if (waits && !disk.unsynced_since) disk.unsynced_since = disk.latest;
}

}  // namespace forager::journal
