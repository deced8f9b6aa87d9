// How far one destination has got in the log: the records it still holds, with what remains of
// each. What isn't here is settled for it, so the watermark and the settled set above it follow
// from this and cost nothing for records that are done.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "journal/ranges.h"
#include "journal/record.h"

namespace forager::journal {

class Cursor {
 public:
  /// One held record: items not settled yet, and how many attempts in flight carry some of them.
  struct Hold {
    std::uint32_t remaining = 0;
    std::uint32_t in_flight = 0;
  };
  using Holds = std::map<Position, Hold>;

  Cursor(std::string name, std::array<bool, signal_count> takes, Position begin)
      : name_(std::move(name)), takes_(takes), end_(begin) {}

  const std::string& name() const { return name_; }
  bool takes(Signal signal) const { return takes_[static_cast<std::size_t>(signal)]; }
  /// Everything up to here is settled for it.
  Position watermark() const { return holds_.empty() ? end_ : holds_.begin()->first - 1; }

  /// A record that is for it was appended; positions only grow.
  void hold(const Record& record, std::size_t bytes);
  /// A record that isn't for it was appended.
  void skip(Position position) {
    end_ = std::max(end_, position);
    // once its segment is gone, nothing else would say that it was none of this cursor's; until all
    // it holds is known, an older hold may still lower the watermark
    if (remembers_ && (!complete_ || !holds_.empty())) note_settled(position);
  }
  /// A record of an earlier run that it still holds.
  void restore(const Record& record, std::size_t bytes);

  // For snapshots on disk; nothing of it is kept unless told to.
  void remember_settled() { remembers_ = true; }
  /// What an earlier run had settled above its watermark.
  void restore_settled(const RangeSet& settled);
  void void_range(Range range) {
    if (remembers_) settled_.add(range);
    end_ = std::max(end_, range.last);
  }
  /// Records that an earlier run accepted and that are lost.
  void forget(Range positions) { settled_.add(positions); }
  /// All it holds is known: ranges may be merged from now on.
  void recovered() { complete_ = true; }
  /// The settled ranges above the watermark.
  const RangeSet& settled() {
    if (complete_) settled_.drop_through(watermark());  // before, more may be held below
    return settled_;
  }
  /// Items of a held record came to their end; true: that was the last of them and the cursor has
  /// passed it.
  bool settle(const Record& record, std::uint32_t items, std::size_t bytes);

  const Hold* find(Position position) const;
  Hold* find(Position position);
  const Holds& holds() const { return holds_; }
  std::uint64_t held_items(Signal signal) const {
    return held_items_[static_cast<std::size_t>(signal)];
  }
  std::uint64_t held_items() const;
  /// Whole records count until their last item is settled, since their bodies are kept until then.
  std::size_t held_bytes() const { return held_bytes_; }

 private:
  std::string name_;
  std::array<bool, signal_count> takes_;
  Position end_;  ///< last position it has seen
  Holds holds_;
  std::array<std::uint64_t, signal_count> held_items_{};
  std::size_t held_bytes_ = 0;
  void note_settled(Position position);
  RangeSet settled_;
  bool remembers_ = false;
  bool complete_ = false;
};

}  // namespace forager::journal
