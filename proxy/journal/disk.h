// What the journal knows of its segments. A plain part of Journal: no I/O, no decisions.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
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
    bool scanned = true;
    bool kept_aside = false;  ///< of a newer version
  };

  explicit Disk(DiskSettings given) : with(std::move(given)), bytes(0) {}

  /// Room for a frame of this size, behind what waits for its commit.
  bool fits(std::size_t frame) const {
    const std::size_t head = format::header_bytes + opening_bytes + margin;
    const std::size_t left = open == 0 ? 0 : segments.at(open).file_bytes - segments.at(open).used;
    const std::size_t all = pending_bytes + frame;
    if (all + margin <= left) return true;
    const std::size_t usable = with.segment_bytes - std::min(head, with.segment_bytes / 2);
    // a frame that doesn't fit leaves the end of a segment empty
    const std::size_t files = frame > usable ? frame + head + with.segment_bytes
                                             : (all / usable + 1) * with.segment_bytes;
    return bytes + files <= std::min(with.bytes_max, file_system_max);
  }
  /// A record in it is held by nobody any more; true: the segment may go.
  bool let_go(Position segment) {
    const auto at = segments.find(segment);
    if (at == segments.end() || --at->second.held != 0) return false;
    collectable = true;
    return segment < snapshot_in;
  }

  DiskSettings with;
  std::map<Position, Segment> segments;
  Position open = 0;  ///< 0: the next commit begins a segment
  std::size_t bytes;  ///< of all files
  std::size_t pending_bytes = 0;
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
  std::vector<bool> groups;  ///< declared in the open segment
  RangeSet voided;           ///< of this run
  RangeSet void_marks;       ///< to be written
  std::string trouble;
  Time probe_at = Time::max();
  std::optional<Time> unsynced_since;
};

}  // namespace forager::journal
