#include "journal/recovery.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/mutant.h"

namespace forager::journal {
namespace {

/// Between two runs, so that no number is used twice though the last one isn't known yet.
constexpr Position run_gap = Position{1} << 32U;
/// Larger files are none of ours.
constexpr std::size_t segment_most = std::size_t{256} << 20U;

/// A number is that large only if somebody made it so.
constexpr Position position_most = Position{1} << 62U;
/// Stands for destinations whose names can't be read.
constexpr const char* nameless = "unreadable";

bool takes_signal(std::uint32_t takes, Signal signal) {
  // of a destination that was removed nobody knows
  constexpr std::uint32_t all = (1U << signal_count) - 1;
  return ((takes == 0 ? all : takes) >> static_cast<unsigned>(signal) & 1U) != 0;
}

}  // namespace

Result<FoundSegments> find_segments(Files& files) {
  auto list = files.list();
  if (!list) return list.error();
  FoundSegments found;
  for (Files::Entry& entry : *list) {
    const auto first = format::first_of(entry.name);
    if (!first || *first > position_most) continue;
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
  auto bytes = files.read(entry.name, 0, entry.bytes);
  if (!bytes) return {{}, bytes.error().what, true};
  SegmentScan made{scan_segment(bytes->view()), {}};
  const bool quarantined = std::ranges::any_of(made.scan.said, [](const Said& said) {
    return std::holds_alternative<FoundQuarantined>(said);
  });
  if (quarantined) made.bytes = Slice(std::move(*bytes));
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
  if (cursors_.incomplete) {  // any of ours may be the one that can't be read
    for (CursorId id = 0; id < journal_.cursors(); ++id) {
      cursors_.settled.try_emplace(journal_.cursor_name(id));
    }
  }
  for (CursorId id = 0; id < journal_.cursors(); ++id) {  // where no segment says what it took
    std::uint32_t& takes = cursors_.takes[journal_.cursor_name(id)];
    if (takes == 0) takes = journal_.takes(id);
  }
  for (const auto& [name, settled] : cursors_.settled) {
    ids_[name] = journal_.restore_cursor(name, settled);
  }
  journal_.number_quarantine_from(FORAGER_MUTANT(numbers_reused) ? 0 : cursors_.last_number);
  // what was never synced must not cost a file: else the snapshot of this run comes first
  if (!cursors_.unproven) journal_.trust_snapshot_of(cursors_.snapshot_in);
}

std::optional<Files::Entry> Recovery::next() const {
  if (next_ == found_.entries.size()) return std::nullopt;
  return found_.entries[next_];
}

/// When part of the list can't be read, those that aren't in the rest of it hold everything they
/// have not settled: rather once more than never.
std::vector<Recovery::Takes> Recovery::destinations(const Scan& scan, const std::string& name,
                                                    std::vector<std::string>& news) {
  std::vector<Takes> made;
  std::set<std::string_view> declared;
  for (const Said& said : scan.said) {
    const auto* destination = std::get_if<format::Destination>(&said);
    if (destination == nullptr || !declared.insert(destination->name).second) continue;
    const auto known = ids_.find(destination->name);
    if (known == ids_.end()) continue;  // a later snapshot says that it is done
    made.push_back({known->second, destination->takes, &cursors_.settled.at(destination->name),
                    destination->id,
                    destination->takes == 0 && !FORAGER_MUTANT(removed_takes_all)});
  }
  nameless_.reset();
  if (scan.destinations != 0 && declared.size() >= scan.destinations) return made;
  std::size_t all = declared.size();
  for (const auto& [other, id] : ids_) {
    if (declared.contains(other)) continue;
    const auto takes = cursors_.takes.find(other);
    made.push_back(
        {id, takes == cursors_.takes.end() ? 0 : takes->second, &cursors_.settled.at(other)});
    ++all;
  }
  if (all >= scan.destinations) return made;
  nameless_ = journal_.restore_cursor(nameless, {});
  news.push_back(fmt::format(
      "{}: the name of a destination can't be read; what it had is booked as lost", name));
  return made;
}

void Recovery::note_durable(const Scan& scan, Range segment) {
  // all positions from the beginning of a run to the end of a commit were given out by that run
  const bool run_known = scan.state == Scan::State::good && cursors_.snapshot_in != 0;
  const Position from = run_known ? std::max<Position>(scan.header.run, 1) : segment.first;
  durable_.add({from, std::min(scan.through, segment.last)});
  for (const Record& record : scan.doubtful) {
    const bool sound = record.items <= record.stored_bytes && record.position >= segment.first &&
                       record.position <= segment.last;
    if (sound) doubtful_.emplace(record.position, record);
  }
}

void Recovery::restore(const format::FoundRecord& found, Range segment, Time now, WallTime wall) {
  Record record = found.record;
  const Position position = record.position;
  if (position < segment.first || known_.contains(position)) return;
  if (position > segment.last) {  // of a commit that failed: the next segment has it, or nobody
    if (position < found_.next_run) stale_.add({position, position});
    return;
  }
  const auto group = groups_.find(record.group);
  if (group == groups_.end()) {
    // the frame that names its key can't be read, and it may go out with no other: as if it
    // couldn't be read itself, lost if its commit was durable
    doubtful_.emplace(position, std::move(record));
    return;
  }
  known_.add({position, position});
  if (cursors_.undone.contains(position)) return;
  if (cursors_.voided.contains(position)) return;
  holders_.clear();
  for (const Takes& place : takes_) {
    if (!is_for(place, found.audience) || place.settled->contains(position)) continue;
    const bool takes = !place.removed && takes_signal(place.takes, record.signal);
    if (!takes && found.audience.who != Audience::Who::only) continue;
    holders_.push_back(place.cursor);
  }
  if (nameless_ && found.audience.who != Audience::Who::only) {
    journal_.restore_lost(*nameless_, record.signal, record.items, {position, position});
  }
  if (holders_.empty()) return;
  record.group = group->second;
  // a clock that was set back makes it new, one that began before 1970 not older than that
  const auto age =
      std::chrono::duration_cast<Duration>(wall - std::max(record.arrived, WallTime{}));
  const Time since = now - std::clamp<Duration>(age, Duration::zero(), now.time_since_epoch());
  ++records_;
  journal_.restore(std::move(record), holders_, segment.first, found.offset,
                   budget_.take_anyway(record_overhead), since);
}

/// A destination whose name can't be read may be the one that is meant: rather once more than
/// never.
bool Recovery::is_for(const Takes& place, const Audience& audience) const {
  if (place.number) return audience.has(*place.number);
  const bool named =
      std::ranges::any_of(takes_, [&](const Takes& one) { return one.number == audience.cursor; });
  return audience.who != Audience::Who::only || !named;
}

std::vector<std::string> Recovery::apply(const SegmentScan& read, Time now, WallTime wall) {
  const Files::Entry& entry = found_.entries[next_++];
  const Position following = next_ < found_.entries.size()
                                 ? *format::first_of(found_.entries[next_].name)
                                 : found_.next_run;
  const Range segment{*format::first_of(entry.name), following - 1};
  const Scan& scan = read.scan;
  std::vector<std::string> news;
  if (scan.state == Scan::State::newer) {
    journal_.found_segment(segment.first, 0, false);
    news.push_back(
        fmt::format("{} was written by a newer Forager: it is kept aside untouched; run that "
                    "version to deliver what is in it",
                    entry.name));
  } else if (!read.error.empty() || (scan.state == Scan::State::nothing && !scan.blank)) {
    news.push_back(fmt::format("{} can't be read: {}; it is renamed to {}.unreadable", entry.name,
                               read.error.empty() ? "no part of it is valid" : read.error,
                               entry.name));
    journal_.set_aside(segment.first);
  } else if (scan.state != Scan::State::nothing) {
    takes_ = destinations(scan, entry.name, news);
    groups_ = {{0, own_group}};
    for (const auto& [id, group] : scan.groups) groups_[id] = adopt_(group);
    for (const Said& said : scan.said) {
      if (const auto* found = std::get_if<format::FoundRecord>(&said)) {
        restore(*found, segment, now, wall);
      } else if (const auto* quarantined = std::get_if<FoundQuarantined>(&said)) {
        restore_quarantined(*quarantined, read, segment.first);
      }
    }
    note_durable(scan, segment);
  }
  journal_.scanned(segment.first);
  if (next_ == found_.entries.size()) finish(news, now, wall);
  return news;
}

/// Only now is known what was found nowhere.
void Recovery::finish(std::vector<std::string>& news, Time now, WallTime wall) {
  for (const auto& [first, last] : durable_.all()) {
    for (const Range& gap : known_.gaps({first, last})) {
      for (const Range& missing : cursors_.voided.gaps(gap)) {
        const std::uint64_t lost = book_missing(missing);
        if (lost == 0) continue;
        news.push_back(
            fmt::format("{} records between positions {} and {} can't be read and are booked as "
                        "lost",
                        lost, missing.first, missing.last));
      }
    }
  }
  for (const auto& [first, last] : cursors_.voided.all()) journal_.restore_void({first, last});
  for (const auto& [first, last] : stale_.all()) {
    for (const Range& range : known_.gaps({first, last})) journal_.restore_void(range);
  }
  for (const auto& [first, last] : cursors_.undone.all()) journal_.restore_void({first, last});
  journal_.recovered();
  finish_quarantine(news, now, wall);
}

/// Records that are lost for at least one destination.
std::uint64_t Recovery::book_missing(Range missing) {
  std::uint64_t most = 0;
  if (FORAGER_MUTANT(missing_unbooked)) return 0;
  for (const auto& [name, cursor] : ids_) {
    std::uint64_t records = 0;
    for (const Range& range : cursors_.settled.at(name).gaps(missing)) {
      records += book_missing(name, cursor, range);
    }
    most = std::max(most, records);
  }
  return most;
}

/// Items where a damaged frame still tells them, else one a record.
std::uint64_t Recovery::book_missing(const std::string& name, CursorId cursor, Range missing) {
  const auto at = cursors_.takes.find(name);
  const std::uint32_t takes = at == cursors_.takes.end() ? 0 : at->second;
  Signal usual = Signal::traces;
  for (const Signal signal : all_signals) {
    if (!takes_signal(takes, usual)) usual = signal;
  }
  std::uint64_t records = 0;
  const auto book = [&](Signal signal, std::uint64_t items, Range positions) {
    if (positions.last < positions.first) return;
    journal_.restore_lost(cursor, signal, items, positions);
    records += positions.last - positions.first + 1;
  };
  Position from = missing.first;
  for (auto next = doubtful_.lower_bound(from);
       next != doubtful_.end() && next->first <= missing.last; ++next) {
    const Record& record = next->second;
    book(usual, next->first - from, {from, next->first - 1});
    from = next->first + 1;
    if (takes_signal(takes, record.signal)) {
      book(record.signal, record.items, {next->first, next->first});
    }
  }
  book(usual, missing.last + 1 - from, {from, missing.last});
  return records;
}

}  // namespace forager::journal
