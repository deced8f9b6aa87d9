// What an earlier run left on disk, handed to the journal: first the cursors, then segment by
// segment the records that somebody still holds. The reading functions block and belong on a pool;
// Recovery itself lives on the io thread.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/budget.h"
#include "journal/files.h"
#include "journal/journal.h"
#include "journal/scan.h"

namespace forager::journal {

/// What the names alone say, before anything is read.
struct FoundSegments {
  std::vector<Files::Entry> entries;  ///< oldest first
  std::size_t bytes = 0;
  Position next_run = 1;  ///< where positions go on
};
Result<FoundSegments> find_segments(Files& files);
/// The salt of the newest segment that has a readable header.
std::optional<format::Salt> find_salt(Files& files, const FoundSegments& found);

/// Where the destinations had got to.
struct FoundCursors {
  std::map<std::string, RangeSet> settled;
  std::map<std::string, std::uint32_t> takes;  ///< bit mask of signals, as last declared
  RangeSet voided;
  bool incomplete = false;   ///< a destination's name can't be read
  Position snapshot_in = 0;  ///< 0: no segment has one
  bool unproven = false;     ///< a power cut may take back some of this
};
FoundCursors find_cursors(Files& files, const FoundSegments& found);

struct SegmentScan {
  Scan scan;
  std::string error;  ///< it can't be read at all
};
SegmentScan read_segment(Files& files, const Files::Entry& entry);

class Recovery {
 public:
  /// The group of this process for one found on disk.
  using Adopt = std::function<GroupId(const format::Group&)>;

  Recovery(Journal& journal, Budget& budget, FoundSegments found, Adopt adopt);
  Recovery(const Recovery&) = delete;
  Recovery& operator=(const Recovery&) = delete;

  const FoundSegments& found() const { return found_; }
  void begin(FoundCursors cursors);
  /// nullopt: all are read; the journal knows.
  std::optional<Files::Entry> next() const;
  /// Of next(). Returns what a person should know of it, one sentence each.
  std::vector<std::string> apply(const SegmentScan& read, Time now, WallTime wall);
  std::uint64_t records() const { return records_; }

 private:
  struct Takes {
    CursorId cursor = 0;
    std::uint32_t takes = 0;
    const RangeSet* settled = nullptr;
  };
  std::vector<Takes> destinations(const Scan& scan, const std::string& name,
                                  std::vector<std::string>& news);
  void note_durable(const Scan& scan, Range segment);
  void restore(const format::FoundRecord& found, Range segment, Time now, WallTime wall);
  void finish(std::vector<std::string>& news);
  std::uint64_t book_missing(Range missing);
  std::uint64_t book_missing(const std::string& name, CursorId cursor, Range missing);

  Journal& journal_;
  Budget& budget_;
  FoundSegments found_;
  Adopt adopt_;
  FoundCursors cursors_;
  std::map<std::string, CursorId> ids_;
  std::size_t next_ = 0;
  std::vector<Takes> takes_;                 ///< of the segment at hand
  std::map<std::uint32_t, GroupId> groups_;  ///< the same
  std::vector<CursorId> holders_;            ///< the same record's
  std::optional<CursorId> nameless_;         ///< the segment has a destination without a name
  RangeSet known_;                           ///< positions of records that were found
  RangeSet durable_;                         ///< of records that were durable or void
  RangeSet stale_;                           ///< of records in a commit that failed
  std::map<Position, Record> doubtful_;      ///< damaged ones
  std::uint64_t records_ = 0;
};

}  // namespace forager::journal
