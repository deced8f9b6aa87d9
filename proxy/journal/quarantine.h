// Items that a destination will not take, kept for a person: /status lists them, tools look at the
// bytes, and a person sends them again or gives them up. A bounded store in memory; when it is full
// the oldest bytes are let go, while ledger and totals keep counting them. With a disk journal it
// is also on disk, which the journal sees to (Journal::use_quarantine).
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>

#include "base/budget.h"
#include "base/bytes.h"
#include "base/ledger.h"
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
  // of the record and of Journal::settle, which sets them
  ledger::Reason reason = ledger::Reason::refused_alone;
  GroupId group = own_group;

  std::uint32_t items() const { return last - first; }
};

class Quarantine {
 public:
  /// `bytes_max` bounds what is kept here, and nothing else does: the budget is charged for it, and
  /// passes its limit by at most that much until bodies that can be read again make room
  /// (take_crowded_by); in memory there are none, so until something leaves.
  Quarantine(std::size_t bytes_max, Budget& budget) : bytes_max_(bytes_max), budget_(budget) {}
  Quarantine(const Quarantine&) = delete;
  Quarantine& operator=(const Quarantine&) = delete;

  /// Booking it in the ledger is the caller's (Journal::settle).
  void put(Quarantined item);

  struct Kept {
    Quarantined what;
    Budget::Charge charge;
    std::uint64_t number =
        0;  ///< from 1 on, never used again; above every number of an earlier run
    // what the journal knows of it
    bool booked = false;    ///< Journal::settle has seen it
    bool written = false;   ///< a frame of it was given to the disk
    Position segment = 0;   ///< its durable frame is in that one; 0: it has none
    bool unproven = false;  ///< what is there, was written by an earlier run and maybe never synced
    Position replay = 0;    ///< the record that it becomes once that is durable
  };
  /// Oldest first; only those whose bytes are still here.
  const std::deque<Kept>& kept() const { return kept_; }
  /// nullptr: it isn't here. Good until the next change.
  Kept* find(std::uint64_t number);
  const Kept* find(std::uint64_t number) const;
  std::size_t bytes() const { return bytes_; }
  std::size_t bytes_max() const { return bytes_max_; }
  /// Items ever put here, and those of them whose bytes have been let go for lack of room.
  std::uint64_t total_items() const { return total_items_; }
  std::uint64_t let_go_items() const { return let_go_items_; }

  // For the journal.
  /// Numbers of an earlier run are not known yet: provisional ones are given until number_from().
  void wait_for_numbers() { last_number_ = provisional; }
  bool numbered() const { return last_number_ < provisional; }
  /// The first of the provisional numbers becomes `last` + 1, and so on.
  void number_from(std::uint64_t last);
  std::uint64_t last_number() const { return last_number_; }
  /// The number that a provisional one becomes.
  static std::uint64_t renumbered(std::uint64_t number, std::uint64_t last) {
    return number > provisional ? number - provisional + last : number;
  }
  /// Told before bytes are let go for lack of room.
  void on_let_go(std::function<void(const Kept&)> told) { let_go_ = std::move(told); }
  Kept* newest() { return kept_.empty() ? nullptr : &kept_.back(); }
  /// Bytes to be let go elsewhere, since the budget was passed for what came here since the last
  /// call; 0: it wasn't. With some to spare, so that the next few don't ask again.
  std::size_t take_crowded_by();
  bool crowds() const { return crowds_; }
  /// Of an earlier run; nullptr: there is no room.
  Kept* restore(Quarantined item, std::uint64_t number);
  /// It was sent again, or a person gave it up.
  void erase(std::uint64_t number);
  /// As for lack of room.
  void let_go(std::uint64_t number);

 private:
  static constexpr std::uint64_t provisional = std::uint64_t{1} << 63U;
  std::deque<Kept>::iterator at_or_after(std::uint64_t number);
  std::optional<Budget::Charge> room_for(const Quarantined& item);
  Kept kept_of(Quarantined item, Budget::Charge charge, std::uint64_t number);
  void let_oldest_go() { let_go(kept_.front().number); }
  std::size_t bytes_max_;
  Budget& budget_;
  std::deque<Kept> kept_;  ///< by number
  std::function<void(const Kept&)> let_go_;
  std::size_t bytes_ = 0;
  std::uint64_t total_items_ = 0;
  std::uint64_t let_go_items_ = 0;
  std::uint64_t last_number_ = 0;
  bool crowds_ = false;  ///< the budget was passed for something here
};

}  // namespace forager::journal
