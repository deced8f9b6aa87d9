#include "journal/recovery.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

namespace forager::journal {
namespace {

/// Between two runs, so that no number is used twice though the last one isn't known yet.
constexpr Position run_gap = Position{1} << 32U;
/// Larger files are none of ours.
constexpr std::size_t segment_most = std::size_t{256} << 20U;

void apply_to(FoundCursors& cursors, const Scan& scan) {
  std::map<std::uint32_t, std::string> names;
  for (const Said& said : scan.said) {
    if (const auto* destination = std::get_if<format::Destination>(&said)) {
      names[destination->id] = destination->name;
      const auto [at, fresh] = cursors.settled.try_emplace(destination->name);
      if (fresh && destination->begin > 1) at->second.add({1, destination->begin - 1});
    } else if (const auto* settled = std::get_if<format::CursorRanges>(&said)) {
      const auto name = names.find(settled->id);
      if (name == names.end()) continue;
      for (const Range& range : settled->ranges) cursors.settled[name->second].add(range);
    } else if (const auto* snapshot = std::get_if<SnapshotOf>(&said)) {
      cursors.settled.clear();
      for (const format::CursorRanges& one : snapshot->cursors) {
        const auto name = names.find(one.id);
        if (name == names.end()) continue;
        RangeSet& set = cursors.settled[name->second];
        if (one.watermark != 0) set.add({1, one.watermark});
        for (const Range& range : one.ranges) set.add(range);
      }
    }
  }
  for (const std::string& name : scan.removed) cursors.settled.erase(name);
  for (const Range& range : scan.voided) cursors.voided.add(range);
}

}  // namespace

Result<FoundSegments> find_segments(Files& files) {
  auto list = files.list();
  if (!list) return list.error();
  FoundSegments found;
  for (Files::Entry& entry : *list) {
    if (!format::first_of(entry.name)) continue;
    found.bytes += entry.bytes;
    found.entries.push_back(std::move(entry));
  }
  std::sort(found.entries.begin(), found.entries.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  if (!found.entries.empty()) {
    found.next_run = *format::first_of(found.entries.back().name) + run_gap;
  }
  return found;
}

std::optional<format::Salt> find_salt(Files& files, const FoundSegments& found) {
  for (auto entry = found.entries.rbegin(); entry != found.entries.rend(); ++entry) {
    const auto bytes = files.read(entry->name, 0, format::header_bytes);
    if (!bytes) continue;
    const auto header = format::read_header(bytes->view());
    if (header && header->version <= format::version) return header->salt;
  }
  return std::nullopt;
}

SegmentScan read_segment(Files& files, const Files::Entry& entry) {
  if (entry.bytes > segment_most) return {{}, "it is larger than any segment"};
  const auto bytes = files.read(entry.name, 0, entry.bytes);
  if (!bytes) return {{}, bytes.error().what};
  return {scan_segment(bytes->view()), {}};
}

FoundCursors find_cursors(Files& files, const FoundSegments& found) {
  std::vector<Scan> newest_first;
  FoundCursors made;
  for (auto entry = found.entries.rbegin(); entry != found.entries.rend(); ++entry) {
    newest_first.push_back(read_segment(files, *entry).scan);
    if (!newest_first.back().has_snapshot) continue;
    made.snapshot_in = *format::first_of(entry->name);
    break;
  }
  for (auto scan = newest_first.rbegin(); scan != newest_first.rend(); ++scan) {
    apply_to(made, *scan);
  }
  return made;
}

Recovery::Recovery(Journal& journal, Budget& budget, FoundSegments found, Adopt adopt)
    : journal_(journal), budget_(budget), found_(std::move(found)), adopt_(std::move(adopt)) {
  for (const Files::Entry& entry : found_.entries) {
    journal_.found_segment(*format::first_of(entry.name), entry.bytes, true);
  }
}

void Recovery::begin(FoundCursors cursors) {
  cursors_ = std::move(cursors);
  for (const auto& [name, settled] : cursors_.settled) {
    ids_[name] = journal_.restore_cursor(name, settled);
  }
  journal_.trust_snapshot_of(cursors_.snapshot_in);
}

std::optional<Files::Entry> Recovery::next() const {
  if (next_ == found_.entries.size()) return std::nullopt;
  return found_.entries[next_];
}

std::map<std::uint32_t, Recovery::Takes> Recovery::destinations(const Scan& scan) {
  std::map<std::uint32_t, Takes> made;
  for (const Said& said : scan.said) {
    const auto* destination = std::get_if<format::Destination>(&said);
    if (destination == nullptr) continue;
    const auto known = ids_.find(destination->name);
    if (known == ids_.end()) continue;  // a later snapshot says that it is done
    made[destination->id] = {known->second, destination->takes,
                             &cursors_.settled.at(destination->name)};
  }
  return made;
}

/// Positions of which nothing is left. Items where a damaged frame still tells them, else one each.
std::uint64_t Recovery::book_missing(const Scan& scan, const std::map<std::uint32_t, Takes>& places,
                                     Range missing) {
  constexpr Position most =
      1U << 20U;  // more than a segment holds: a number that is itself damaged
  if (missing.last < missing.first || missing.last - missing.first > most) return 0;
  std::uint64_t lost = 0;
  for (Position p = missing.first; p <= missing.last; ++p) {
    if (cursors_.voided.contains(p)) continue;
    Signal signal = Signal::traces;
    std::uint32_t items = 1;
    for (const Record& record : scan.doubtful) {
      if (record.position != p || record.items > record.stored_bytes) continue;
      signal = record.signal;
      items = record.items;
    }
    bool held = false;
    for (const auto& [id, place] : places) {
      if (place.settled->contains(p)) continue;
      journal_.restore_lost(place.cursor, signal, items);
      held = true;
    }
    if (held) ++lost;
  }
  return lost;
}

std::vector<std::string> Recovery::apply(const SegmentScan& read, Time now, WallTime wall) {
  const Files::Entry& entry = found_.entries[next_++];
  const Position first = *format::first_of(entry.name);
  const Scan& scan = read.scan;
  std::vector<std::string> news;
  if (scan.state == Scan::State::newer) {
    journal_.found_segment(first, 0, false);
    return {
        fmt::format("{} was written by a newer Forager: it is kept aside untouched; run that "
                    "version to deliver what is in it",
                    entry.name)};
  }
  if (!read.error.empty() || scan.state == Scan::State::nothing) {
    news.push_back(fmt::format("{} can't be read: {}", entry.name,
                               read.error.empty() ? "no part of it is valid" : read.error));
  }
  auto places = destinations(scan);
  if (places.empty() && !scan.damage.empty()) {
    // whose records these are can't be read any more: rather to all once more than to nobody
    static const RangeSet nothing;
    for (std::uint32_t id = 0; id < journal_.cursors(); ++id) places[id] = {id, 7, &nothing};
  }
  std::map<std::uint32_t, GroupId> groups{{0, own_group}};
  for (const auto& [id, group] : scan.groups) groups[id] = adopt_(group);
  Position expected = first;
  const auto note_missing = [&](Position next) {
    const std::uint64_t lost = book_missing(scan, places, {expected, next - 1});
    if (lost == 0) return;
    news.push_back(
        fmt::format("{}: {} records between positions {} and {} can't be read and are "
                    "booked as lost",
                    entry.name, lost, expected, next - 1));
  };
  std::vector<CursorId> holders;
  for (const Said& said : scan.said) {
    const auto* found = std::get_if<format::FoundRecord>(&said);
    if (found == nullptr || found->record.position < expected) continue;
    Record record = found->record;
    if (record.position > expected) note_missing(record.position);
    expected = record.position + 1;
    if (cursors_.voided.contains(record.position)) continue;
    holders.clear();
    for (const auto& [id, place] : places) {
      const bool takes = (place.takes >> static_cast<unsigned>(record.signal) & 1U) != 0;
      if (takes && !place.settled->contains(record.position)) holders.push_back(place.cursor);
    }
    if (holders.empty()) continue;
    const auto group = groups.find(record.group);
    // its declaration is lost: never with another key
    record.group = group != groups.end() ? group->second : adopt_({true, {}, {}});
    const auto age = std::chrono::duration_cast<Duration>(wall - record.arrived);
    const Time since = now - std::clamp<Duration>(age, Duration::zero(), now.time_since_epoch());
    ++records_;
    journal_.restore(std::move(record), holders, first, found->offset,
                     budget_.take_anyway(record_overhead), since);
  }
  if (next_ < found_.entries.size()) {
    const Position following = *format::first_of(found_.entries[next_].name);
    // of the same run there is no gap before the next one, so what is not there was torn off
    const bool same_run = scan.state == Scan::State::good && following - expected < (run_gap >> 1U);
    if (same_run && following > expected) note_missing(following);
  }
  journal_.scanned(first);
  if (next_ == found_.entries.size()) journal_.recovered();
  return news;
}

}  // namespace forager::journal
