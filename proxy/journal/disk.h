// What the journal knows of its segments. A plain part of Journal: no I/O, no decisions.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/mutant.h"
#include "base/time.h"
#include "journal/commit.h"
#include "journal/format.h"
#include "journal/ranges.h"

namespace forager::journal {

struct DiskSettings {
  std::size_t bytes_max = std::size_t{1} << 30U;  ///< of all segments
  std::size_t segment_bytes = std::size_t{16} << 20U;
  Position run = 1;  ///< first position of this process
  format::Salt salt{};
  std::uint64_t seed = 0;       ///< for the marks
  std::int64_t created = 0;     ///< ns since 1970: when this process began
  Time created_at{};            ///< the same moment, in the clock of the journal
  std::size_t found_bytes = 0;  ///< of older segments
  /// Of a group other than 0.
  std::function<format::Group(GroupId)> group_of;
};

struct Disk {
  struct Segment {
    std::size_t file_bytes = 0;
    std::size_t used = 0;
    std::uint32_t mark = 0;
    std::uint32_t held = 0;  ///< records in it that somebody holds
    std::uint32_t owed = 0;  ///< of them, by nothing but the quarantine frame that is to be written
    std::uint32_t quarantined = 0;      ///< items in quarantine whose frame is in it
    std::size_t quarantined_bytes = 0;  ///< of these frames
    std::size_t freeable = 0;           ///< its part of Disk::freeable
    bool scanned = true;
    bool kept_aside = false;  ///< of a newer version
    bool unreadable = false;  ///< is renamed instead of removed
    bool free = false;        ///< nobody needs it
    bool emptying = false;    ///< only for what is in quarantine, which is written again elsewhere
    bool going = false;       ///< the commit under way removes it

    /// Of what is in quarantine: writing that again frees more than it takes.
    bool mostly_free() const { return quarantined_bytes <= file_bytes / 2; }
  };

  explicit Disk(DiskSettings given) : with(std::move(given)), bytes(0) {}

  std::size_t cap() const { return std::min(with.bytes_max, file_system_max); }
  /// Others have filled the file system, more than FORAGER_JOURNAL_BYTES is the limit.
  bool short_of_space() const { return file_system_max < with.bytes_max; }
  /// The size of a segment that begins with a frame of this size.
  std::size_t file_for(std::size_t frame) const {
    const std::size_t head = format::header_bytes + opening_bytes + margin;
    return std::max(with.segment_bytes, format::padded(head + frame));
  }
  /// Room for a frame of this size, behind what waits for its commit, if `more` bytes were free.
  /// Over the cap a segment that had to be begun takes no records: it goes when the next one has a
  /// snapshot, so that neither restarts nor failures add up.
  bool fits(std::size_t frame, std::size_t more = 0) const {
    const std::size_t file = frame + margin <= planned_left ? 0 : file_for(frame);
    return bytes + planned_files + file + quarantine_room() <= cap() + freeable + more;
  }
  /// A frame waits for its commit: in the last segment if it fits, else it begins one, and what was
  /// left of the last stays empty.
  void plan(std::size_t frame) {
    if (frame + margin > planned_left) {
      const std::size_t file = file_for(frame);
      planned_files += file;
      planned_left = file - format::header_bytes - opening_bytes;
    }
    planned_left -= frame;
  }
  /// A record in it is held by nobody any more; true: the segment may go.
  bool let_go(Position segment) {
    const auto at = segments.find(segment);
    if (at == segments.end() || --at->second.held != 0) return false;
    return review(at->first, at->second);
  }
  /// It came to its end with items in quarantine: it stays until these are durable.
  void owe(Position segment) {
    Segment& at = segments.at(segment);
    ++at.held;
    ++at.owed;
  }
  bool let_go_owed(Position segment) {
    const auto at = segments.find(segment);
    if (at != segments.end()) --at->second.owed;
    return let_go(segment);
  }
  /// What records leave free for items that are still to be quarantined.
  std::size_t quarantine_room() const {
    return quarantine_max - std::min(quarantine_max, quarantine_bytes);
  }
  void pin_quarantined(Position segment, std::size_t frame) {
    Segment& at = segments.at(segment);
    ++at.quarantined;
    at.quarantined_bytes += frame;
    quarantine_bytes += frame;
  }
  /// True: the segment may go.
  bool unpin_quarantined(Position segment, std::size_t frame) {
    quarantine_bytes -= frame;
    Segment& at = segments.at(segment);
    --at.quarantined;
    at.quarantined_bytes -= frame;
    return review(segment, at);
  }
  /// Nobody needs it: no record held, and a newer one knows the cursors. For one that can't be read
  /// that must be a snapshot of this run, which has its records as lost. What is in quarantine is
  /// written again when that frees more than it takes.
  bool review(Position first, Segment& segment) {
    if (segment.free || segment.held != 0 || !segment.scanned || segment.kept_aside) return false;
    if (first >= snapshot_in || (segment.unreadable && snapshot_in < with.run)) return false;
    if (!segment.mostly_free()) return false;
    count_freeable(segment, segment.file_bytes - segment.quarantined_bytes);
    if (segment.quarantined != 0 && !FORAGER_MUTANT(copies_skipped)) {
      segment.emptying = copy_due = true;
      return true;
    }
    segment.free = true;
    collectable = true;
    return true;
  }
  void count_freeable(Segment& segment, std::size_t part) {
    freeable = freeable - segment.freeable + part;
    segment.freeable = part;
  }
  void review_all() {
    for (auto at = segments.begin(); at != segments.end() && at->first < snapshot_in; ++at) {
      review(at->first, at->second);
    }
  }
  /// Its file is gone.
  void erase(Position first) {
    const auto at = segments.find(first);
    if (at == segments.end()) return;
    bytes -= at->second.file_bytes;
    freeable -= at->second.freeable;
    segments.erase(at);
  }
  bool may_snapshot() const { return complete && unproven_items == 0; }

  DiskSettings with;
  std::map<Position, Segment> segments;
  Position open = 0;              ///< 0: the next commit begins a segment
  std::vector<Position> debris;   ///< files begun in vain since the last success, not removed yet
  std::size_t bytes;              ///< of all files
  std::size_t freeable = 0;       ///< of them, of those that the next commits remove
  std::size_t planned_files = 0;  ///< of the segments that what waits for its commit will begin
  std::size_t planned_left = 0;   ///< in the last of them, or in the open one
  std::size_t margin = 4096;      ///< kept for what rides along with the records
  std::size_t opening_bytes = 0;  ///< what cursors took at the last opening
  std::size_t file_system_max = SIZE_MAX;
  Position snapshot_in = 0;  ///< the newest segment with a durable snapshot
  bool complete = false;     ///< older segments are all known
  bool snapshot_due = false;
  bool declare = false;  ///< a destination that the open segment doesn't know
  bool busy = false;
  bool second_try = false;
  bool collectable = false;
  bool stuck = false;             ///< a file that could not be removed
  bool replays_doubtful = false;  ///< ... of records that were in quarantine before: if the process
                                  ///< ends now they don't count, and are sent again from there
  bool unconfirmed = false;       ///< nothing on disk says yet that the last records were durable
  Time confirm_at = Time::max();
  std::vector<bool> groups;  ///< declared in the open segment
  RangeSet voided;           ///< of this run
  RangeSet void_marks;       ///< to be written
  std::string trouble;
  Time probe_at = Time::max();
  Time look_at = Time::max();  ///< at the room on the file system, which may have grown
  Time looked = Time::min();
  std::optional<Time> unsynced_since;
  bool removing = false;  ///< Journal::take_removal has been carried out only when it is back
  std::optional<Removal> removal;  ///< to be carried out

  // What is in quarantine (quarantine_disk.cpp).
  std::size_t quarantine_max = 0;
  std::size_t quarantine_bytes = 0;  ///< of the frames of what is there
  /// Of records that are not settled yet, by cursor: numbers in quarantine.
  std::map<std::pair<std::uint32_t, Position>, std::vector<std::uint64_t>> quarantined_parts;
  /// Settled with items in quarantine: both are to be written, in one frame.
  std::deque<Commit::Quarantined> quarantined_ready;
  RangeSet quarantine_gone;             ///< numbers, to be written
  std::vector<std::uint32_t> given_up;  ///< cursors whose names are to be forgotten
  bool copy_due = false;                ///< something in quarantine is to be written again
  std::size_t unproven_items = 0;       ///< in quarantine, of an earlier run, maybe never synced
  Time latest{};                        ///< the last time that the journal was told
};

}  // namespace forager::journal
