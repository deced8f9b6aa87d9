// Sets of positions as disjoint ranges: what is settled above a watermark, what was voided.
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <map>

#include "journal/record.h"

namespace forager::journal {

/// Both ends belong to it.
struct Range {
  Position first = 0;
  Position last = 0;
  bool operator==(const Range&) const = default;
};

class RangeSet {
 public:
  void add(Range range) {
    if (range.last < range.first) return;
    auto next = ranges_.upper_bound(range.first);
    if (next != ranges_.begin()) {
      const auto before = std::prev(next);
      if (before->second >= range.first || before->second + 1 == range.first) {
        range.first = before->first;
        range.last = std::max(range.last, before->second);
        next = ranges_.erase(before);
      }
    }
    while (next != ranges_.end() && (next->first <= range.last || next->first == range.last + 1)) {
      range.last = std::max(range.last, next->second);
      next = ranges_.erase(next);
    }
    ranges_.emplace_hint(next, range.first, range.last);
  }
  bool contains(Position position) const {
    const auto next = ranges_.upper_bound(position);
    return next != ranges_.begin() && std::prev(next)->second >= position;
  }
  /// The end of the last range that begins before `position`; 0: there is none.
  Position end_before(Position position) const {
    const auto next = ranges_.lower_bound(position);
    return next == ranges_.begin() ? 0 : std::prev(next)->second;
  }
  /// The beginning of the first range after `position`; 0: there is none.
  Position begin_after(Position position) const {
    const auto next = ranges_.upper_bound(position);
    return next == ranges_.end() ? 0 : next->first;
  }
  /// Forgets what lies at or before `position`.
  void drop_through(Position position) {
    while (!ranges_.empty() && ranges_.begin()->second <= position) ranges_.erase(ranges_.begin());
  }
  /// First position of each range to its last, ascending.
  const std::map<Position, Position>& all() const { return ranges_; }
  std::size_t size() const { return ranges_.size(); }
  bool empty() const { return ranges_.empty(); }

 private:
  std::map<Position, Position> ranges_;
};

}  // namespace forager::journal
