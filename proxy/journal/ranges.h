// Sets of positions as disjoint ranges: what is settled above a watermark, what was voided.
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <map>
#include <vector>

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
  /// The range that holds `position`; it must be in one.
  Range range_of(Position position) const {
    const auto at = std::prev(ranges_.upper_bound(position));
    return {at->first, at->second};
  }
  void remove(Position position) {
    const auto next = ranges_.upper_bound(position);
    if (next == ranges_.begin()) return;
    const auto at = std::prev(next);
    const Range was{at->first, at->second};
    if (was.last < position) return;
    ranges_.erase(at);
    if (was.first < position) ranges_.emplace(was.first, position - 1);
    if (position < was.last) ranges_.emplace(position + 1, was.last);
  }
  /// What of `within` is in none of them, ascending.
  std::vector<Range> gaps(Range within) const {
    std::vector<Range> made;
    Position from = within.first;
    auto at = ranges_.upper_bound(from);
    if (at != ranges_.begin() && std::prev(at)->second >= from) --at;
    for (; at != ranges_.end() && at->first <= within.last; ++at) {
      if (at->first > from) made.push_back({from, at->first - 1});
      if (at->second >= within.last) return made;
      from = at->second + 1;
    }
    if (from <= within.last) made.push_back({from, within.last});
    return made;
  }
  /// First position of each range to its last, ascending.
  const std::map<Position, Position>& all() const { return ranges_; }
  std::size_t size() const { return ranges_.size(); }
  bool empty() const { return ranges_.empty(); }

 private:
  std::map<Position, Position> ranges_;
};

}  // namespace forager::journal
