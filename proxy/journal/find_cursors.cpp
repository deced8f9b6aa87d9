// Where the destinations had got to, from the newest segments back to the first that has it all.
#include <map>
#include <utility>

#include "base/mutant.h"
#include "journal/recovery.h"

namespace forager::journal {
namespace {

/// A process numbers its destinations once, so the segments of one run lend each other the names.
using Names = std::map<std::uint32_t, std::string>;
using NamesOfRuns = std::map<Position, Names>;

struct Read {
  Position first = 0;
  Scan scan;

  /// Without its header nobody knows the run: then it stands alone.
  Position run() const { return scan.state == Scan::State::good ? scan.header.run : first; }
};

void collect_names(const Read& read, NamesOfRuns& of) {
  Names& names = of[read.run()];
  for (const Said& said : read.scan.said) {
    if (const auto* one = std::get_if<format::Destination>(&said)) names[one->id] = one->name;
  }
}

/// It has a snapshot, and who is meant by it is known; what was in quarantine too, unless it was
/// written before there was one on disk.
bool has_it_all(const Read& read, const NamesOfRuns& of) {
  if (!read.scan.has_snapshot) return false;
  const bool older = read.scan.state == Scan::State::good && read.scan.header.minor == 0;
  if (!read.scan.lists_quarantine && !older) return false;
  const Names& names = of.at(read.run());
  for (const Said& said : read.scan.said) {
    const auto* snapshot = std::get_if<SnapshotOf>(&said);
    if (snapshot == nullptr) continue;
    for (const format::CursorRanges& one : snapshot->cursors) {
      if (!names.contains(one.id)) return false;
    }
  }
  return true;
}

void add(RangeSet& to, const format::CursorRanges& from) {
  if (from.watermark != 0) to.add({1, from.watermark});
  for (const Range& range : from.ranges) to.add(range);
}

void apply_snapshot(FoundCursors& cursors, const SnapshotOf& snapshot, const Names& names) {
  std::map<std::string, RangeSet> settled;
  bool all = true;
  for (const format::CursorRanges& one : snapshot.cursors) {
    const auto name = names.find(one.id);
    all = all && name != names.end();
    if (name != names.end()) add(settled[name->second], one);
  }
  if (all) {
    cursors.settled = std::move(settled);
    return;
  }
  cursors.incomplete = true;
  for (auto& [name, set] : settled) cursors.settled[name] = std::move(set);
}

void apply_list(FoundCursors& cursors, const format::QuarantineList& list, const Names& names) {
  std::map<std::uint64_t, FoundCursors::Item> listed;
  for (const format::QuarantineList::Run& run : list.runs) {
    const auto name = names.find(run.destination);
    const std::string destination = name == names.end() ? "unreadable" : name->second;
    for (std::uint64_t number = run.first; number <= run.last; ++number) {
      const auto known = cursors.quarantine.find(number);
      listed[number] = known != cursors.quarantine.end()
                           ? known->second
                           : FoundCursors::Item{destination, run.signal, run.items};
    }
  }
  cursors.quarantine = std::move(listed);
  cursors.last_number = std::max(cursors.last_number, list.last);
  cursors.replayed.clear();  // those that were durable aren't in the list any more
}

void apply_quarantined(FoundCursors& cursors, const format::QuarantineFrame& frame) {
  if (frame.settles) cursors.settled[frame.destination].add({frame.position, frame.position});
  for (const format::QuarantinedItem& item : frame.items) {
    cursors.quarantine[item.number] = {frame.destination, item.signal, item.last - item.first};
    cursors.last_number = std::max(cursors.last_number, item.number);
  }
}

/// A record that was in quarantine. It is there no more once the record is durable for sure.
void apply_replayed(FoundCursors& cursors, const format::FoundRecord& found, bool proven) {
  cursors.last_number = std::max(cursors.last_number, found.quarantined);
  const Position position = found.record.position;
  const auto before = cursors.replayed.find(found.quarantined);
  if (before != cursors.replayed.end()) {  // the run that wrote this did not count that one
    const Position other = before->second.position;
    if (other != position) cursors.undone.add({other, other});
    cursors.replayed.erase(before);
  }
  const auto item = cursors.quarantine.find(found.quarantined);
  if (item == cursors.quarantine.end()) return;
  if (proven) {
    cursors.quarantine.erase(item);
  } else {
    cursors.replayed[found.quarantined] = {position, item->second.destination};
  }
}

void apply_gone(FoundCursors& cursors, const QuarantineGone& gone) {
  for (const auto& [first, last] : gone.numbers) {
    cursors.last_number = std::max(cursors.last_number, last);
    cursors.quarantine.erase(cursors.quarantine.lower_bound(first),
                             cursors.quarantine.upper_bound(last));
  }
}

void apply_to(FoundCursors& cursors, const Read& read, const Names& names) {
  for (const Said& said : read.scan.said) {
    if (const auto* destination = std::get_if<format::Destination>(&said)) {
      cursors.takes[destination->name] = destination->takes;
      const auto [at, fresh] = cursors.settled.try_emplace(destination->name);
      // if the disk did not give an older one, it may have been there before this run
      const bool is_new = fresh && !cursors.unread;
      if (is_new && destination->begin > 1) at->second.add({1, destination->begin - 1});
    } else if (const auto* settled = std::get_if<format::CursorRanges>(&said)) {
      const auto name = names.find(settled->id);
      if (name != names.end()) add(cursors.settled[name->second], *settled);
    } else if (const auto* snapshot = std::get_if<SnapshotOf>(&said)) {
      apply_snapshot(cursors, *snapshot, names);
      if (snapshot->quarantine) apply_list(cursors, *snapshot->quarantine, names);
    } else if (const auto* quarantined = std::get_if<FoundQuarantined>(&said)) {
      apply_quarantined(cursors, quarantined->what);
    } else if (const auto* gone = std::get_if<QuarantineGone>(&said)) {
      apply_gone(cursors, *gone);
    } else if (const auto* record = std::get_if<format::FoundRecord>(&said)) {
      if (record->quarantined != 0)
        apply_replayed(cursors, *record, record->offset < read.scan.durable_end);
    }
  }
  if (names.size() < read.scan.destinations) cursors.incomplete = true;
  cursors.unproven = cursors.unproven || read.scan.unproven;
  for (const std::string& name : read.scan.removed) cursors.settled.erase(name);
  if (FORAGER_MUTANT(voids_forgotten)) return;
  for (const Range& range : read.scan.voided) cursors.voided.add(range);
}

/// Of a record that may never have been synced, something later may say that it was.
void settle_replayed(FoundCursors& cursors, const std::vector<Read>& newest_first) {
  std::erase_if(cursors.replayed, [&](const auto& one) {
    const auto& [number, again] = one;
    if (!cursors.quarantine.contains(number)) return true;
    const auto settled = cursors.settled.find(again.destination);
    bool durable = settled != cursors.settled.end() && settled->second.contains(again.position);
    for (const Read& read : newest_first) {
      const Scan& scan = read.scan;
      const bool same_run = scan.state == Scan::State::good && scan.header.run <= again.position;
      if (same_run && scan.through >= again.position)
        durable = durable || !cursors.voided.contains(again.position);
    }
    if (durable) cursors.quarantine.erase(number);
    return durable;
  });
  for (const auto& [number, again] : cursors.replayed)
    cursors.undone.add({again.position, again.position});
}

}  // namespace

FoundCursors find_cursors(Files& files, const FoundSegments& found) {
  std::vector<Read> newest_first;
  NamesOfRuns names;
  FoundCursors made;
  for (auto entry = found.entries.rbegin(); entry != found.entries.rend(); ++entry) {
    SegmentScan read = read_segment(files, *entry);
    made.unread = made.unread || read.unread;
    newest_first.push_back({*format::first_of(entry->name), std::move(read.scan)});
    collect_names(newest_first.back(), names);
    if (!has_it_all(newest_first.back(), names)) continue;
    made.snapshot_in = *format::first_of(entry->name);
    break;
  }
  for (auto read = newest_first.rbegin(); read != newest_first.rend(); ++read) {
    apply_to(made, *read, names.at(read->run()));
  }
  settle_replayed(made, newest_first);
  if (made.settled.empty()) made.incomplete = true;
  return made;
}

}  // namespace forager::journal
