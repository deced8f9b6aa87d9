// What an earlier run left on disk, handed to the journal: first the cursors, then segment by
// segment the records that somebody still holds. The reading functions block and belong on a pool;
// Recovery itself lives on the io thread.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/budget.h"
#include "base/time.h"
#include "journal/files.h"
#include "journal/journal.h"
#include "journal/scan.h"

namespace forager::journal {

/// A read that failed may succeed a little later (no file descriptor was free, a volume was being
/// attached), so whoever drives the recovery asks so often before a segment counts as unreadable.
inline constexpr int read_tries = 5;
inline constexpr Duration read_pause = std::chrono::seconds(1);

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
  bool incomplete = false;  ///< a destination's name can't be read
  /// What is in quarantine, by number.
  struct Item {
    std::string destination;
    Signal signal = Signal::traces;
    std::uint64_t items = 0;
    Position position = 0;  ///< of its record; 0: only a list names it
  };
  std::map<std::uint64_t, Item> quarantine;
  std::uint64_t last_number = 0;  ///< that was ever given
  std::uint64_t list_last = 0;    ///< the same, when the newest list of `quarantine` was made
  RangeSet ended;                 ///< numbers that are there no more, of those above list_last
  /// Sent again from there, but the record that it became may never have been synced: these are to
  /// be sent again once more.
  struct Again {
    Position position = 0;
    std::string destination;
  };
  std::map<std::uint64_t, Again> replayed;
  RangeSet undone;           ///< such records: they don't count
  Position snapshot_in = 0;  ///< 0: no segment has one
  bool unproven = false;     ///< a power cut may take back some of this
  bool unread = false;       ///< the disk would not give a segment: another try may

  /// What is found with this number is in quarantine. Where a segment that may have told of it was
  /// not read, whatever isn't known to have ended is: twice rather than not at all.
  bool is_quarantined(std::uint64_t number) const;
};
FoundCursors find_cursors(Files& files, const FoundSegments& found);

struct SegmentScan {
  Scan scan;
  std::string error;    ///< it can't be read at all
  bool unread = false;  ///< since the disk would not: another try may
  Slice bytes{};        ///< if there is something of the quarantine in it
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
    std::optional<std::uint32_t> number{};  ///< in this segment; nullopt: can't be read
    bool removed = false;  ///< not configured then: only what was for it alone is for it
  };
  bool is_for(const Takes& place, const Audience& audience) const;
  void restore_quarantined(const FoundQuarantined& found, const SegmentScan& read,
                           Position segment);
  void finish_quarantine(std::vector<std::string>& news, Time now, WallTime wall);

  std::vector<Takes> destinations(const Scan& scan, const std::string& name,
                                  std::vector<std::string>& news);
  void note_durable(const Scan& scan, Range segment);
  void restore(const format::FoundRecord& found, Range segment, Time now, WallTime wall);
  void finish(std::vector<std::string>& news, Time now, WallTime wall);
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
  RangeSet restored_;                        ///< numbers in quarantine
  std::uint64_t records_ = 0;
};

}  // namespace forager::journal
