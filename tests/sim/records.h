// What the world knows of each record: what the app was told, and how far its end for each
// destination has got on disk. Judges what a process finds again after another one ended.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "journal/journal.h"
#include "sim/items.h"
#include "sim/oracle.h"

namespace forager::sim {

class Records {
 public:
  explicit Records(std::vector<Truth>& truths) : truths_(truths) {}

  /// The journal took it; nobody was told yet.
  void offered(journal::Position position, Number first, Number end, std::uint8_t app);
  /// The app was told 200. Its items from there on: promised.
  void promised(journal::Position position);
  void settled_durably(std::size_t seat, std::span<const journal::Range> ranges);
  void voided_durably(const journal::RangeSet& voided);
  /// A segment that said some of this is written anew: until it is durable nothing of it counts.
  void doubt();

  /// Found again by the process that runs now.
  void recovered(std::size_t seat, Witness& witness, journal::Position position);
  /// All of an earlier run has been read: what was promised and not settled must have come back.
  void all_recovered(std::size_t seat, Witness& witness,
                     const std::array<bool, signal_count>& takes);
  /// The process ends; it holds these for this destination, ascending.
  void ended(std::size_t seat, const std::vector<journal::Position>& held);
  void next_run();
  /// A process has recovered all, and what nobody needs is gone.
  void cleared() { cleared_ = runs_; }
  /// Runs that may have left a segment nobody could remove yet.
  std::size_t uncleared() const { return runs_ - cleared_; }
  std::uint64_t recovered_items(std::size_t seat) const { return recovered_items_[seat]; }
  /// Of records that nobody was told 200 of.
  std::uint64_t unanswered_items() const;

 private:
  static constexpr std::size_t seats_max = 3;
  enum class End : std::uint8_t { open, settled, durable };
  struct Kept {
    Number first = 0;
    Number end = 0;
    std::uint8_t app = 0;
    bool promised = false;
    bool here = false;                    ///< promised, or found again though nobody was told
    bool void_kept = false;               ///< that it was refused is on disk
    std::array<bool, seats_max> known{};  ///< to the process that runs now
    std::array<End, seats_max> ends{};
  };
  void take_in(Kept& kept);

  std::vector<Truth>& truths_;
  std::map<journal::Position, Kept> records_;
  std::size_t runs_ = 0;
  std::size_t cleared_ = 0;
  std::array<std::uint64_t, seats_max> recovered_items_{};  ///< in this run
};

}  // namespace forager::sim
