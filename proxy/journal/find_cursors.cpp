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

/// It has a snapshot, and who is meant by it is known.
bool has_it_all(const Read& read, const NamesOfRuns& of) {
  if (!read.scan.has_snapshot) return false;
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

void apply_to(FoundCursors& cursors, const Read& read, const Names& names) {
  for (const Said& said : read.scan.said) {
    if (const auto* destination = std::get_if<format::Destination>(&said)) {
      cursors.takes[destination->name] = destination->takes;
      const auto [at, fresh] = cursors.settled.try_emplace(destination->name);
      if (fresh && destination->begin > 1) at->second.add({1, destination->begin - 1});
    } else if (const auto* settled = std::get_if<format::CursorRanges>(&said)) {
      const auto name = names.find(settled->id);
      if (name != names.end()) add(cursors.settled[name->second], *settled);
    } else if (const auto* snapshot = std::get_if<SnapshotOf>(&said)) {
      apply_snapshot(cursors, *snapshot, names);
    }
  }
  if (names.size() < read.scan.destinations) cursors.incomplete = true;
  cursors.unproven = cursors.unproven || read.scan.unproven;
  for (const std::string& name : read.scan.removed) cursors.settled.erase(name);
  if (FORAGER_MUTANT(voids_forgotten)) return;
  for (const Range& range : read.scan.voided) cursors.voided.add(range);
}

}  // namespace

FoundCursors find_cursors(Files& files, const FoundSegments& found) {
  std::vector<Read> newest_first;
  NamesOfRuns names;
  FoundCursors made;
  for (auto entry = found.entries.rbegin(); entry != found.entries.rend(); ++entry) {
    newest_first.push_back({*format::first_of(entry->name), read_segment(files, *entry).scan});
    collect_names(newest_first.back(), names);
    if (!has_it_all(newest_first.back(), names)) continue;
    made.snapshot_in = *format::first_of(entry->name);
    break;
  }
  for (auto read = newest_first.rbegin(); read != newest_first.rend(); ++read) {
    apply_to(made, *read, names.at(read->run()));
  }
  if (made.settled.empty()) made.incomplete = true;
  return made;
}

}  // namespace forager::journal
