// The attempts of one destination that wait to be sent again: parts of refused ones (now) and
// retries (not before their time).
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <unordered_map>

#include "base/time.h"
#include "export/attempt.h"

namespace forager::exporter {

/// Takes an expired record's pieces out of an attempt that isn't in flight; true: nothing is left
/// of it.
bool without(Attempt& attempt, journal::Position position);

class Waiting {
 public:
  using Owned = std::unique_ptr<Attempt>;

  /// Parts are served last in, first out, so that a search for a culprit ends before the next
  /// begins and few wait at a time.
  void push_part(Owned attempt);
  /// A part that should come after all the others.
  void push_last_part(Owned attempt);
  /// To be sent again, not before attempt->not_before.
  void push_retry(Owned attempt);

  Owned pop_part();
  /// The retry due first, whether it is due yet or not.
  Owned pop_retry();
  bool has_parts() const { return !parts_.empty(); }
  bool has_retries() const { return !retries_.empty(); }
  /// A part of a refused batch waits, among the parts or the retries.
  bool holds_parts() const { return part_count_ != 0; }
  Time next_retry() const { return retries_.empty() ? Time::max() : retries_.begin()->first; }
  std::size_t size() const { return parts_.size() + retries_.size(); }
  std::size_t retries() const { return retries_.size(); }
  /// All retries become due at `now` (the destination has changed).
  void hurry(Time now);
  /// An expired record: its pieces are taken out of whatever waits, and what is then empty goes.
  void drop(journal::Position position);

 private:
  void count(const Attempt& attempt);
  void uncount(const Attempt& attempt);

  std::list<Owned> parts_;
  std::multimap<Time, Owned> retries_;
  std::size_t part_count_ = 0;
  std::unordered_map<journal::Position, std::uint32_t> pieces_;  ///< waiting pieces of each record
};

}  // namespace forager::exporter
