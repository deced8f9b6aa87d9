// What the world knows of what is in quarantine: which items each entry has, whether its frame and
// its end are on disk, and which record it became. Judges what a process lets go, and what a later
// one finds.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "journal/journal.h"
#include "journal/quarantine.h"
#include "sim/disk.h"
#include "sim/items.h"
#include "sim/loop.h"
#include "sim/records.h"
#include "sim/trace.h"

namespace forager::sim {

struct Seat;

class Bin {
 public:
  Bin(Records& records, std::vector<Seat>& seats, const Trace& trace, const Loop& loop)
      : records_(records), seats_(seats), trace_(trace), loop_(loop) {}

  /// A process begins; `disk` null: in memory.
  void begin(const journal::Journal& journal, const journal::Quarantine& quarantine,
             const SimDisk* disk);
  /// After each event; cheap when nothing has changed.
  void poll();
  /// After a person gave some up: calls `left` with each. Call poll() before.
  using Left = std::function<void(std::size_t seat, Signal signal, std::uint64_t items)>;
  std::uint64_t dropped(const Left& left);
  /// After a person, or the recovery, sent some again: returns how many items. Call poll() before.
  std::uint64_t replayed(WallTime wall);
  /// Commits have ended: what is sent again is in quarantine no more, or still is.
  void decide();

  /// A commit is durable; the journal wasn't told yet.
  void committed(const journal::Commit& commit);
  /// The journal was told.
  void judge_segments() const;
  /// This record was found again.
  void came_back(std::size_t seat, journal::Position position);
  /// Where the destinations had got to, and so what is in quarantine, can't be read by this
  /// process: its own snapshot will not name all of it.
  void unread() { ever_unread_ = true; }
  /// This process has counted so many more items as let go than were seen in quarantine.
  bool unseen(std::uint64_t items) {
    if (missing_ + let_go_seen_ + items > quarantine_->let_go_items()) return false;
    missing_ += items;
    return true;
  }
  /// All of an earlier run has been read.
  void all_recovered();
  /// Some of what the disk had could not be read, now or earlier.
  bool troubled() const { return disk_ != nullptr && disk_->ever_troubled(); }

  /// What is there now: numbers from, and up to.
  std::vector<std::pair<Number, Number>> kept(std::size_t seat) const;
  /// Items that this process has let go.
  std::uint64_t let_go(std::size_t seat) const { return let_go_[seat]; }
  /// ... that it found on disk.
  std::uint64_t recovered_items(std::size_t seat) const { return recovered_items_[seat]; }
  /// The process ends. `unseen`: let go as soon as they were put there, as the books have it.
  void end(std::uint64_t unseen) const;

 private:
  struct Key {
    std::size_t seat = 0;
    journal::Position position = 0;  ///< of the record that it was in
    std::uint32_t first = 0;         ///< item of that
    auto operator<=>(const Key&) const = default;
  };
  enum class End : std::uint8_t {
    here,
    said,    ///< it left, and a crash may undo that
    durable  ///< ... and the disk says so
  };
  struct Entry {
    Number first = 0;
    Number end = 0;
    Signal signal = Signal::traces;
    journal::Position segment = 0;  ///< with a durable frame of it; 0: none
    End left = End::here;
    bool let_go = false;           ///< ... by this process, for lack of room
    journal::Position replay = 0;  ///< the record that it becomes
    bool replayed = false;         ///< it was durable
    std::size_t found_in = 0;      ///< the last process that found it on disk
    std::uint64_t number = 0;      ///< the last that it had; 0: it never had a final one
    std::uint64_t items() const { return end - first; }
  };
  using Here = std::map<Key, std::uint64_t>;  ///< with their numbers

  std::size_t seat_of(const std::string& name) const;
  Key key_of(const journal::Quarantine::Kept& kept) const;
  Here look() const;
  Here take_gone();
  bool changed();
  void appeared(const Key& key, const journal::Quarantine::Kept& kept);
  void tell(const Key& key, const Entry& entry, const char* what) const;
  void dissolve(std::size_t seat, journal::Position position);
  void found(const Key& key, Entry& entry);
  void let_go(const Key& key, std::uint64_t number);
  void missing(const Key& key, Entry& entry);
  void gone_durably(std::uint64_t first, std::uint64_t last);
  void judge_bytes(const Entry& entry, const Key& key, const journal::Quarantined& what) const;
  void offer(const Key& key, Entry& entry, journal::Position record, WallTime wall);
  void promise(const Key& key, Entry& entry);
  journal::Position home_of(const Entry& entry, const Key& key) const;

  Records& records_;
  std::vector<Seat>& seats_;
  const Trace& trace_;
  const Loop& loop_;
  std::map<Key, Entry> entries_;
  std::size_t run_ = 0;
  bool ever_unread_ = false;
  bool recovered_ = false;
  // of the process that runs
  const journal::Journal* journal_ = nullptr;
  const journal::Quarantine* quarantine_ = nullptr;
  const SimDisk* disk_ = nullptr;
  Here here_;
  std::map<std::uint64_t, Key> numbers_;  ///< final ones
  std::vector<Key> pending_;              ///< replays whose record isn't decided
  std::array<std::uint64_t, 3> let_go_{};
  std::array<std::uint64_t, 3> recovered_items_{};
  std::uint64_t let_go_seen_ = 0;
  std::uint64_t missing_ = 0;  ///< items that were found and let go at once
  struct Told {
    std::uint64_t put = 0;
    std::uint64_t let_go = 0;
    std::size_t entries = 0;
    bool numbered = false;
    bool operator==(const Told&) const = default;
  } told_;
  journal::Position last_ = 0;
};

}  // namespace forager::sim
