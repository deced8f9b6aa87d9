// What goes into one destination's next request: whole records merged up to its limits, or parts of
// one that is over them. Waits for more only while a request is in flight (adaptive linger), and is
// fair between groups, which are never mixed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "base/time.h"
#include "batch/cutter.h"
#include "journal/record.h"
#include "otlp/signal.h"

namespace forager::batch {

/// Bounds of one request, uncompressed.
struct Limits {
  std::size_t request_bytes =
      5'000'000;  ///< aimed at: the destination's, or the smaller one learned from a 413
  std::size_t request_bytes_max =
      5'000'000;  ///< the destination's own: one item over it is never sent
  std::uint32_t request_items = UINT32_MAX;
  std::size_t item_bytes = SIZE_MAX;  ///< one item with its envelope
};

/// Items [first, last) of a record.
struct Piece {
  journal::Position position = 0;
  std::uint32_t first = 0;
  std::uint32_t last = 0;
  bool whole = true;  ///< all of its items: the body is sent as it is

  std::uint32_t items() const { return last - first; }
};

/// One request to be.
struct Batch {
  Signal signal = Signal::traces;
  journal::GroupId group = journal::own_group;
  std::vector<Piece> pieces;
  std::uint32_t items = 0;
  std::size_t bytes = 0;    ///< of the raw body, at most
  bool over_limit = false;  ///< a single item that can't be sent: to be quarantined
};

/// All costs are O(1) a record, amortised, beside O(log groups).
class Planner {
 public:
  using Find = std::function<const journal::Record*(journal::Position)>;

  /// `find` looks records up in the journal; what is planned is there until dropped or taken.
  /// `adds_log_time`: see Cutter.
  Planner(Duration linger, bool adds_log_time, Find find)
      : linger_(linger), find_(std::move(find)), cutter_(adds_log_time) {}

  void set_limits(Signal signal, const Limits& limits);
  const Limits& limits(Signal signal) const { return limits_[static_cast<std::size_t>(signal)]; }
  /// A record was appended; positions only grow.
  void add(const journal::Record& record, Time now);
  /// It expired before it was taken. Unknown ones are ignored.
  void drop(const journal::Record& record);

  /// When there is something to take: Time::min() for now, Time::max() for nothing. `idle`: nothing
  /// of this destination is in flight, so nothing is gained by waiting.
  Time due(bool idle) const;
  /// The next batch that is due at `now`; nullopt: none. Groups take turns.
  std::optional<Batch> take(Time now, bool idle);
  /// Nothing that may be taken.
  bool empty() const { return groups_.empty(); }
  /// From now on this group's records, also those still to come, are kept out of `due` and `take`:
  /// its key is refused, and that is no reason to hold back the others.
  void hold(journal::GroupId group);
  void release(journal::GroupId group);
  /// take() could not cut this record, since its body is not in memory; 0: none.
  journal::Position missing() const { return missing_; }

 private:
  /// Records of an earlier run queue apart: so positions grow within a group, and a backlog and
  /// what is new take turns.
  using Key = std::tuple<Signal, journal::GroupId, bool>;
  static Key key_of(const journal::Record& record) {
    return {record.signal, record.group, record.recovered};
  }
  struct Entry {
    journal::Position position = 0;
    std::uint32_t first = 0;  ///< items before it have been taken
    std::uint32_t last = 0;
    std::size_t bytes = 0;           ///< of what is left
    std::uint32_t largest_item = 0;  ///< bytes
    Time since{};
    bool dropped = false;
  };
  struct Group {
    std::deque<Entry> entries;  ///< the first is never a dropped one
    std::size_t bytes = 0;
    std::uint64_t items = 0;
    bool full = false;  ///< counted in full_groups_
    std::list<Key>::iterator turn;
    std::set<std::pair<Time, Key>>::iterator age;
  };
  using Groups = std::map<Key, Group>;

  /// An item of it may be over the limits by itself.
  static bool may_hold_giant(const Entry& entry, const Limits& limits);
  Group& begin(const Key& key, Time since);
  static Entry* find(std::deque<Entry>& entries, journal::Position position);
  void count_full(const Key& key, Group& group);
  void pop(Group& group);
  /// After entries went: the group's place by age, or its end.
  void tidy(Groups::iterator at);
  Batch fill(const Key& key, Group& group);
  bool cut(const Key& key, Group& group, Batch& into);
  std::uint32_t sendable(const journal::Record& record, const Entry& entry, const Limits& limits);

  Duration linger_;
  Find find_;
  Cutter cutter_;
  std::array<Limits, signal_count> limits_{};
  Groups groups_;                          ///< those with something in them
  std::list<Key> turns_;                   ///< round robin
  std::set<std::pair<Time, Key>> by_age_;  ///< by the first entry's age
  std::size_t full_groups_ = 0;
  journal::Position missing_ = 0;
  std::map<journal::GroupId, std::map<Key, std::deque<Entry>>> held_;
};

}  // namespace forager::batch
