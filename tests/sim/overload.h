// Judges what a process does when memory or the journal runs short: bodies that are on disk are let
// go before anything is refused; what is evicted goes oldest first, beyond its share or its age
// alone, and is told with its number and its time range.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/ledger.h"
#include "journal/journal.h"
#include "sim/disk.h"
#include "sim/plan.h"
#include "sim/records.h"

namespace forager::sim {

class Overload {
 public:
  using Positions = std::set<journal::Position>;
  /// A destination of the configuration takes this signal.
  using Takes = std::function<bool(const std::string& name, Signal signal)>;

  Overload(const Plan& plan, journal::Journal& journal, const journal::Quarantine& quarantine,
           const ledger::Ledger& books, const Records& records, const SimDisk* disk, Takes takes)
      : plan_(plan),
        journal_(journal),
        quarantine_(quarantine),
        books_(books),
        records_(records),
        disk_(disk),
        takes_(std::move(takes)) {}

  /// A request is refused for lack of memory.
  void refused_for_memory(const Positions& in_flight) const;
  /// Around append(). What is over age goes in before().
  void before(Positions in_flight, std::size_t bytes, Time now, WallTime wall);
  void after(Signal signal, std::optional<journal::Position> position, std::size_t bytes,
             WallTime wall);
  /// A person gave up what was in quarantine: that is told apart.
  void dropped(const std::string& destination, Signal signal, ledger::Reason reason,
               std::uint64_t items) {
    dropped_ = true;
    told_[destination][static_cast<std::size_t>(signal)][static_cast<std::size_t>(reason)] += items;
  }
  /// What the journal says of evictions since the last time, held against the books.
  void poll(WallTime wall);
  /// At the end of the process: of this destination it has let these go undelivered.
  void close(const std::string& destination, const Records::Arrivals& given_up) const;

 private:
  struct Place {
    std::vector<journal::Position> held;
    std::map<journal::Position, std::size_t> sizes;  ///< of them
    std::size_t bytes = 0;                           ///< of them, or of the segments they lie in
  };
  Place place_of(journal::CursorId cursor) const;
  std::size_t size_of(journal::Position position) const;
  std::size_t weigh(const std::vector<journal::Position>& held) const;
  /// One that takes it held little enough before the append.
  bool one_kept_up(Signal signal) const;
  bool lags(std::size_t bytes) const { return bytes > plan_.journal.bytes_max / 2; }
  /// Its segment, or itself, could have gone: only this destination needs it.
  bool only_its_own(journal::CursorId cursor, journal::Position position) const;
  /// What is in quarantine would have to be written again for it, or waits to be written.
  bool quarantine_keeps(journal::Position segment) const;
  void judge_evicted(journal::CursorId cursor, const Place& was, Signal signal) const;
  void judge_refused(Signal signal, std::size_t bytes) const;

  const Plan& plan_;
  journal::Journal& journal_;
  const journal::Quarantine& quarantine_;
  const ledger::Ledger& books_;
  const Records& records_;
  const SimDisk* disk_;
  Takes takes_;
  Positions in_flight_;
  /// A segment may wait for the end of a record whose items have left quarantine.
  bool owes_ = false;
  bool dropped_ = false;
  bool roomy_ = true;          ///< at the append: nothing needs to be evicted for it
  std::vector<Place> places_;  ///< by cursor, before the append
  std::map<std::string, std::array<std::array<std::uint64_t, ledger::reason_count>, signal_count>>
      told_;
  std::map<std::string, Records::Arrivals> ranges_;
};

}  // namespace forager::sim
