// Builds what a Screen says about a record: item after item, in as few stretches as the rules of a
// request allow. Nothing is allocated for an item that goes like the one before it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ledger.h"
#include "destination/screen.h"

namespace forager::destination {

class StretchList {
 public:
  /// A stretch can't be cut by time or weight later, so none is longer than these allow.
  StretchList(std::chrono::nanoseconds spread, std::size_t weight_max)
      : spread_(spread.count()), weight_max_(weight_max) {}

  /// Of the items from here on.
  void lane(std::string_view name) {
    if (name == lane_) return;
    lane_ = name;
    begin_new_ = true;
  }

  /// The next item is sent. Times in ns since 1970; `newest` >= `oldest` > 0.
  void send(std::int64_t oldest, std::int64_t newest, std::size_t weight) {
    if (fits(oldest, newest, weight)) {
      Stretch& last = stretches_.back();
      ++last.last;
      if (oldest < last.oldest) last.oldest = oldest;
      if (newest > last.newest) last.newest = newest;
      last.weight += weight;
    } else {
      Stretch made;
      made.oldest = oldest;
      made.newest = newest;
      made.weight = weight;
      made.lane = lane_;
      push(std::move(made));
    }
    ++items_;
  }

  /// The next item isn't sent. `rule` tells reasons apart whose words differ; `why()` makes the
  /// words, of the first item of a stretch only.
  template <class Why>
  void quarantine(ledger::Reason reason, int rule, Why why) {
    const bool same = !stretches_.empty() && stretches_.back().fate == Stretch::Fate::quarantine &&
                      stretches_.back().reason == reason && rule_ == rule;
    if (same) {
      ++stretches_.back().last;
    } else {
      Stretch made;
      made.fate = Stretch::Fate::quarantine;
      made.reason = reason;
      made.why = why();
      push(std::move(made));
      rule_ = rule;
    }
    ++items_;
  }

  /// The item that came last isn't sent after all.
  void quarantine_last(ledger::Reason reason, std::string why) {
    Stretch& last = stretches_.back();
    if (last.fate != Stretch::Fate::send) return;
    --items_;
    if (--last.last == last.first) stretches_.pop_back();
    rule_ = -1;
    quarantine(reason, -2, [&] { return std::move(why); });
    rule_ = -1;
  }

  std::uint32_t items() const { return items_; }
  std::vector<Stretch> take() { return std::move(stretches_); }

 private:
  bool fits(std::int64_t oldest, std::int64_t newest, std::size_t weight) const {
    if (stretches_.empty() || begin_new_) return false;
    const Stretch& last = stretches_.back();
    const std::int64_t from = oldest < last.oldest ? oldest : last.oldest;
    const std::int64_t to = newest > last.newest ? newest : last.newest;
    return last.fate == Stretch::Fate::send && to - from <= spread_ &&
           last.weight + weight <= weight_max_;
  }
  void push(Stretch made) {
    made.first = items_;
    made.last = items_ + 1;
    stretches_.push_back(std::move(made));
    begin_new_ = false;
  }

  std::int64_t spread_;
  std::size_t weight_max_;
  std::uint32_t items_ = 0;
  int rule_ = -1;
  bool begin_new_ = false;
  std::string lane_;
  std::vector<Stretch> stretches_;
};

}  // namespace forager::destination
