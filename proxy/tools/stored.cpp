#include "tools/stored.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

namespace forager::tools {
namespace {

using journal::Position;
using journal::Scan;

/// A running Forager lets segments go; more often than this in a row it can't.
constexpr int tries = 8;

bool still_there(journal::Files& files, const std::string& name) {
  const auto list = files.list();
  return list && std::any_of(list->begin(), list->end(),
                             [&](const auto& entry) { return entry.name == name; });
}

/// A frame that was cut off, or a damaged one with nothing valid behind it; preallocated space is
/// zero.
bool something_in(std::string_view rest) {
  return rest.find_first_not_of('\0') != std::string_view::npos;
}

}  // namespace

std::string_view SegmentFacts::state_name() const {
  if (!error.empty()) return "unreadable";
  switch (state) {
    case Scan::State::newer:
      return "of a newer version";
    case Scan::State::nothing:
      return "unreadable";
    case Scan::State::headless:
      return "header damaged";
    case Scan::State::good:
      break;
  }
  return damage.empty() ? "good" : "damaged";
}

Stored::Stored(journal::Files& files, journal::DiskSettings settings)
    : files_(files), settings_(std::move(settings)) {
  begin();
}

void Stored::begin() {
  segments_.clear();
  groups_.clear();
  journal_.reset();
  quarantine_.reset();
  ledger_ = std::make_unique<ledger::Ledger>();
  budget_ = std::make_unique<Budget>(SIZE_MAX / 2);
  quarantine_ = std::make_unique<journal::Quarantine>(SIZE_MAX / 2, *budget_);
  journal::JournalConfig config;
  config.bytes_max = SIZE_MAX / 2;
  journal_ = std::make_unique<journal::Journal>(config, *ledger_);
}

Result<void> Stored::read() {
  for (int i = 0; i < tries; ++i) {
    auto found = journal::find_segments(files_);
    if (!found) return found.error();
    begin();
    if (try_read(*found)) return {};
  }
  return fault("the journal changes faster than it can be read; try again in a moment");
}

/// False: a file went while it was read.
bool Stored::try_read(const journal::FoundSegments& found) {
  journal::DiskSettings with = settings_;
  with.run = found.next_run;
  if (const auto salt = journal::find_salt(files_, found)) with.salt = *salt;
  const Time now = std::chrono::steady_clock::now();
  const WallTime wall = std::chrono::system_clock::now();
  with.created = static_cast<std::int64_t>(unix_nanos(wall));
  with.created_at = now;
  with.group_of = [this](journal::GroupId group) { return groups_.at(group - 1); };
  journal_->use_disk(std::move(with));
  journal_->use_quarantine(*quarantine_);
  journal::Recovery recovery(*journal_, *budget_, found,
                             [this](const journal::format::Group& group) { return adopt(group); });
  recovery.begin(journal::find_cursors(files_, found));
  while (const auto entry = recovery.next()) {
    const journal::SegmentScan scan = journal::read_segment(files_, *entry);
    if (!scan.error.empty() && !still_there(files_, entry->name)) return false;
    note(*entry, scan);
    segments_.back().news = recovery.apply(scan, now, wall);
  }
  if (found.entries.empty()) journal_->recovered();
  for (SegmentFacts& segment : segments_) {
    segment.held = static_cast<std::uint64_t>(
        std::count_if(segment.records.begin(), segment.records.end(),
                      [this](const auto& at) { return journal_->find(at.position) != nullptr; }));
  }
  return true;
}

/// So that what is written again here keeps its key and dataset.
journal::GroupId Stored::adopt(const journal::format::Group& group) {
  if (group == journal::format::Group{}) return journal::own_group;
  const auto known = std::ranges::find(groups_, group);
  const auto at = static_cast<std::size_t>(known - groups_.begin());
  if (known == groups_.end()) groups_.push_back(group);
  return static_cast<journal::GroupId>(at + 1);
}

void Stored::note(const journal::Files::Entry& entry, const journal::SegmentScan& scan) {
  SegmentFacts made;
  made.name = entry.name;
  made.first = *journal::format::first_of(entry.name);
  made.file_bytes = entry.bytes;
  made.end = scan.scan.end;
  made.state = scan.scan.state;
  made.error = scan.error;
  made.damage = scan.scan.damage;
  for (const journal::Said& said : scan.scan.said) {
    if (const auto* record = std::get_if<journal::format::FoundRecord>(&said)) {
      made.records.push_back({record->record.position, record->offset});
    }
  }
  const bool read = made.state == Scan::State::good || made.state == Scan::State::headless;
  if (read && made.end < made.file_bytes) {
    const auto rest = files_.read(entry.name, made.end, made.file_bytes - made.end);
    made.unfinished = rest && something_in(rest->view());
  }
  segments_.push_back(std::move(made));
}

std::vector<std::string> Stored::destinations() const {
  std::vector<std::string> made;
  for (journal::CursorId id = 0; id < journal_->cursors(); ++id)
    made.push_back(journal_->cursor_name(id));
  return made;
}

Result<journal::CursorId> Stored::find(const std::string& destination) const {
  std::string known;
  for (journal::CursorId id = 0; id < journal_->cursors(); ++id) {
    const std::string& name = journal_->cursor_name(id);
    if (name == destination) return id;
    known += (known.empty() ? "" : ", ") + name;
  }
  return fault(fmt::format("the journal knows no destination of that name; it knows {}",
                           known.empty() ? "none" : known));
}

Result<std::vector<const journal::Record*>> Stored::records(const Filter& filter) const {
  std::vector<Position> positions;
  if (!filter.destination.empty()) {
    const auto cursor = find(filter.destination);
    if (!cursor) return cursor.error();
    positions = journal_->held_positions(*cursor);
  } else {
    for (const SegmentFacts& segment : segments_) {
      for (const auto& at : segment.records) positions.push_back(at.position);
    }
  }
  std::vector<const journal::Record*> made;
  std::size_t bytes = 0;
  Position last = filter.after;
  for (const Position position : positions) {
    if (made.size() == filter.limit || bytes >= filter.bytes_most) break;
    if (position <= last || (filter.position != 0 && position != filter.position)) continue;
    const journal::Record* record = journal_->find(position);
    if (record == nullptr || (filter.signal && record->signal != *filter.signal)) continue;
    last = position;  // a position that comes twice counts once
    bytes += record->bytes();
    made.push_back(record);
  }
  return made;
}

std::vector<journal::BodyRead> Stored::bodies(const std::vector<const journal::Record*>& records) {
  std::vector<Position> positions;
  for (const journal::Record* record : records) positions.push_back(record->position);
  auto read = journal::read_bodies(files_, journal_->missing(positions));
  std::sort(read.begin(), read.end(),
            [](const auto& a, const auto& b) { return a.position < b.position; });
  return read;
}

std::vector<std::pair<std::string, std::uint32_t>> Stored::holders(Position position) const {
  std::vector<std::pair<std::string, std::uint32_t>> made;
  for (journal::CursorId id = 0; id < journal_->cursors(); ++id) {
    const std::uint32_t items = journal_->remaining(id, position);
    if (items != 0) made.emplace_back(journal_->cursor_name(id), items);
  }
  return made;
}

}  // namespace forager::tools
