// Where the destinations had got to, from the newest segments back to the first that has it all.
#include <algorithm>
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

/// Written by a Forager that knew no quarantine on disk: what it says of cursors is all there is,
/// but of what was in quarantine before, older segments speak.
bool knows_no_quarantine(const Scan& scan) {
  return scan.state == Scan::State::good && scan.header.minor == 0;
}

/// It has a snapshot, and who is meant by it is known; what is in quarantine too, if there is one.
bool has_it_all(const Read& read, const NamesOfRuns& of) {
  if (!read.scan.has_snapshot) return false;
  if (!read.scan.lists_quarantine && !knows_no_quarantine(read.scan)) return false;
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
                           : FoundCursors::Item{destination, run.signal, run.items, 0};
    }
  }
  cursors.quarantine = std::move(listed);
  cursors.last_number = std::max(cursors.last_number, list.last);
  cursors.list_last = list.last;
  cursors.ended = {};
  cursors.replayed.clear();  // those that were durable aren't in the list any more
}

void apply_quarantined(FoundCursors& cursors, const format::QuarantineFrame& frame) {
  if (frame.settles) cursors.settled[frame.destination].add({frame.position, frame.position});
  for (const format::QuarantinedItem& item : frame.items) {
    cursors.quarantine[item.number] = {frame.destination, item.signal, item.last - item.first,
                                       frame.position};
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
  if (proven) cursors.ended.add({found.quarantined, found.quarantined});
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
    cursors.ended.add({first, last});
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
    if (durable) {
      cursors.quarantine.erase(number);
      cursors.ended.add({number, number});
    }
    return durable;
  });
  for (const auto& [number, again] : cursors.replayed)
    cursors.undone.add({again.position, again.position});
}

/// Of a segment before the newest snapshot: all but the quarantine is said better behind it, and
/// the records of a whole journal would not fit into memory.
void keep_quarantine_alone(Scan& scan) {
  std::erase_if(scan.said, [](const Said& said) {
    const auto* record = std::get_if<format::FoundRecord>(&said);
    if (record != nullptr) return record->quarantined == 0;
    return std::holds_alternative<format::Destination>(said) ||
           std::holds_alternative<format::CursorRanges>(said);
  });
  for (Said& said : scan.said) {
    if (auto* snapshot = std::get_if<SnapshotOf>(&said)) snapshot->cursors.clear();
  }
  scan.voided.clear();
  scan.removed.clear();
  scan.doubtful.clear();
  scan.destinations = 0;
  scan.unproven = false;
}

/// A Forager that knew no quarantine on disk did not see that these records were settled: what it
/// still held goes out again as a record, and is in quarantine no more.
void drop_what_is_held(FoundCursors& cursors) {
  std::erase_if(cursors.quarantine, [&](const auto& one) {
    const auto settled = cursors.settled.find(one.second.destination);
    return one.second.position != 0 && settled != cursors.settled.end() &&
           !settled->second.contains(one.second.position);
  });
}

}  // namespace

bool FoundCursors::is_quarantined(std::uint64_t number) const {
  if (quarantine.contains(number)) return true;
  return unread && number > list_last && !ended.contains(number);
}

FoundCursors find_cursors(Files& files, const FoundSegments& found) {
  std::vector<Read> newest_first;
  NamesOfRuns names;
  FoundCursors made;
  bool downgraded = false;
  for (auto entry = found.entries.rbegin(); entry != found.entries.rend(); ++entry) {
    SegmentScan read = read_segment(files, *entry);
    made.unread = made.unread || read.unread;
    newest_first.push_back({*format::first_of(entry->name), std::move(read.scan)});
    Read& last = newest_first.back();
    collect_names(last, names);
    if (made.snapshot_in != 0) {
      keep_quarantine_alone(last.scan);
      if (last.scan.lists_quarantine) break;
      continue;
    }
    if (!has_it_all(last, names)) continue;
    made.snapshot_in = last.first;
    downgraded = knows_no_quarantine(last.scan);
    if (!downgraded) break;
  }
  for (auto read = newest_first.rbegin(); read != newest_first.rend(); ++read) {
    apply_to(made, *read, names.at(read->run()));
  }
  settle_replayed(made, newest_first);
  const bool whole = !made.unread && std::ranges::all_of(newest_first, [](const Read& read) {
    const bool good = read.scan.state == Scan::State::good || read.scan.blank;
    return good && read.scan.damage.empty();
  });
  // the last number isn't known for sure; none of an earlier run is that large
  if (!whole) made.last_number = std::max(made.last_number, found.next_run);
  if (downgraded) drop_what_is_held(made);
  if (made.settled.empty()) made.incomplete = true;
  return made;
}

}  // namespace forager::journal
