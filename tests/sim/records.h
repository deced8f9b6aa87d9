// What the world knows of each record: what the app was told, whom it is for, and how far its end
// for each destination has got on disk. Judges what a process finds again after another one ended.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "journal/journal.h"
#include "sim/disk.h"
#include "sim/items.h"
#include "sim/oracle.h"

namespace forager::sim {

class Records {
 public:
  explicit Records(std::vector<Truth>& truths) : truths_(truths) {}

  using Undone = Witness::Undone;
  /// True: so many more items were found in quarantine and let go.
  using LetGo = std::function<bool(std::uint64_t items)>;
  struct Offer {
    journal::Position position = 0;
    Number first = 0;
    Number end = 0;
    std::uint8_t app = 0;
    std::uint8_t owed = 0;  ///< bit mask of seats
    WallTime arrived{};
    bool replay = false;  ///< from quarantine: its items were in another record before
  };
  /// The journal took it; nobody was told yet.
  void offered(const Offer& offer);
  /// It is booked as accepted. Its items from there on: promised.
  void promised(journal::Position position);
  /// A commit is durable: where its records lie, and what its end says of others.
  void written(const journal::Commit& commit);
  void settled_durably(std::size_t seat, std::span<const journal::Range> ranges);
  void voided_durably(const journal::RangeSet& voided);
  /// A segment that said some of this is written anew: until it is durable nothing of it counts.
  void doubt();

  /// Found again by the process that runs now. `troubled`: some of what the disk says can't be
  /// read.
  struct Found {
    journal::Position position = 0;
    journal::Position segment = 0;
    bool doubtful = false;  ///< damage, maybe of what is gone now, may have brought it back
  };
  void recovered(std::size_t seat, Witness& witness, Found found, bool troubled);
  /// All of an earlier run has been read: what was promised and not settled must have come back,
  /// but from damaged files, replays whose items were let go from quarantine at once, and so many
  /// items that were evicted at once for what is sent again from quarantine. Returns those that the
  /// books must name as lost.
  std::vector<journal::Position> all_recovered(std::size_t seat, Witness& witness,
                                               const SimDisk& disk, std::uint64_t evicted,
                                               const LetGo& let_go);
  /// The process ends; it holds these for this destination, ascending.
  void ended(std::size_t seat, const std::vector<journal::Position>& held);
  /// ... and so many items of each of them; some may have been let go from the quarantine.
  void count_unseen(std::size_t seat, const Witness& witness,
                    const std::function<std::uint64_t(journal::Position)>& remaining,
                    bool doubtful);
  /// Items of a record that isn't durable yet were let go from quarantine meanwhile.
  void set_unseen(std::size_t seat, journal::Position position, std::uint64_t items) {
    records_.at(position).unseen[seat] = items;
  }
  bool is_replay(journal::Position position) const { return records_.at(position).replay; }
  Number first_of(journal::Position position) const;
  /// The process that runs has found it, or taken it.
  bool is_back(std::size_t seat, journal::Position position) const {
    return records_.at(position).known[seat];
  }
  bool end_is_durable(std::size_t seat, journal::Position position) const {
    return records_.at(position).ends[seat] == End::durable;
  }
  /// A replay doesn't count: what it had is in quarantine again.
  Undone supersede(std::size_t seat, journal::Position position);
  void next_run();
  /// A process has recovered all, and what nobody needs is gone.
  void cleared() { cleared_ = runs_; }
  /// Runs that may have left a segment nobody could remove yet.
  std::size_t uncleared() const { return runs_ - cleared_; }
  std::uint64_t recovered_items(std::size_t seat) const { return recovered_items_[seat]; }
  /// Of records that nobody was told 200 of.
  std::uint64_t unanswered_items() const;
  /// The segment it lies in; 0: unknown.
  journal::Position segment_of(journal::Position position) const;
  struct Arrivals {
    WallTime oldest = WallTime::max();
    WallTime newest = WallTime::min();
    void add(WallTime first, WallTime last) {
      oldest = std::min(oldest, first);
      newest = std::max(newest, last);
    }
    bool operator==(const Arrivals&) const = default;
  };
  /// Of the records that the process which ends has let go for this destination undelivered.
  Arrivals given_up(std::size_t seat, const Witness& witness) const;

 private:
  static constexpr std::size_t seats_max = 3;
  enum class End : std::uint8_t { open, settled, durable };
  struct Kept {
    Number first = 0;
    Number end = 0;
    std::uint8_t app = 0;
    std::uint8_t owed = 0;
    WallTime arrived{};
    std::size_t commit = 0;  ///< that made it durable, from 1 on
    journal::Position segment = 0;
    bool promised = false;
    bool here = false;       ///< promised, or found again though nobody was told
    bool void_kept = false;  ///< that it was refused is on disk
    bool replay = false;
    std::array<std::uint64_t, seats_max> unseen{};  ///< items let go while it was open
    std::array<bool, seats_max> known{};            ///< to the process that runs now
    std::array<bool, seats_max> marked{};           ///< that it came to its end may be on disk
    std::array<End, seats_max> ends{};
    bool is_owed(std::size_t seat) const { return (owed >> seat & 1U) != 0; }
  };
  struct Written {
    std::size_t run = 0;
    journal::Position segment = 0;
    std::size_t from = 0;
    std::size_t to = 0;
  };
  void take_in(Kept& kept);
  void take_back(std::size_t seat, Witness& witness, journal::Position position, bool doubtful);
  bool must_be_missed(const Kept& kept, const SimDisk& disk) const;

  std::vector<Truth>& truths_;
  std::map<journal::Position, Kept> records_;
  std::vector<Written> written_;
  std::set<journal::Position> snapshots_;  ///< segments
  std::size_t runs_ = 0;
  std::size_t cleared_ = 0;
  std::array<std::uint64_t, seats_max> recovered_items_{};  ///< in this run
};

}  // namespace forager::sim
