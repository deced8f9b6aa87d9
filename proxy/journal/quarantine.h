// Items that a destination will not take, kept for a person: /status lists them, and tools can look
// at the bytes. A bounded store; when it is full the oldest bytes are let go, while ledger and
// totals keep counting them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>

#include "base/budget.h"
#include "base/bytes.h"
#include "base/time.h"
#include "journal/record.h"

namespace forager::journal {

struct Quarantined {
  std::string destination;
  Signal signal = Signal::traces;
  Position position = 0;
  std::uint32_t first = 0;  ///< items [first, last) of the record
  std::uint32_t last = 0;
  std::string why;  ///< the destination's words, or which limit it was over
  WallTime arrived{};
  Time when{};
  Slice bytes;  ///< an Export*ServiceRequest with just these items; what was to be sent
};

class Quarantine {
 public:
  /// `bytes_max` bounds what is kept here; the budget is charged for it as well, and when it has no
  /// room older bytes go first.
  Quarantine(std::size_t bytes_max, Budget& budget) : bytes_max_(bytes_max), budget_(budget) {}
  Quarantine(const Quarantine&) = delete;
  Quarantine& operator=(const Quarantine&) = delete;

  /// Booking it in the ledger is the caller's (Journal::settle).
  void put(Quarantined item);

  struct Kept {
    Quarantined what;
    Budget::Charge charge;
    std::uint64_t number = 0;  ///< of this process, from 1 on
  };
  /// Oldest first; only those whose bytes are still here.
  const std::deque<Kept>& kept() const { return kept_; }
  std::size_t bytes() const { return bytes_; }
  /// Items ever put here, and those of them whose bytes have been let go for lack of room.
  std::uint64_t total_items() const { return total_items_; }
  std::uint64_t let_go_items() const { return let_go_items_; }

 private:
  void let_oldest_go();
  std::size_t bytes_max_;
  Budget& budget_;
  std::deque<Kept> kept_;
  std::size_t bytes_ = 0;
  std::uint64_t total_items_ = 0;
  std::uint64_t let_go_items_ = 0;
  std::uint64_t last_number_ = 0;
};

}  // namespace forager::journal
