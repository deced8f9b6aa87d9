// What stands in for journal::Committer in virtual time: one job of the disk thread at a time, the
// reading back of bodies, and the recovery of what earlier processes left.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "journal/recovery.h"
#include "sim/bin.h"
#include "sim/disk.h"
#include "sim/loop.h"
#include "sim/records.h"

namespace forager::sim {

struct Seat;

class DiskShell {
 public:
  struct Around {
    Loop& loop;
    Chance& chance;
    const Trace& trace;
    SimDisk& disk;
    Records& records;
    journal::Journal& journal;
    Budget& budget;
    std::vector<Seat>& seats;
    Bin& bin;
    ledger::Ledger& books;
    std::function<WallTime()> wall;
    /// Runs it later, unless the process has ended by then.
    std::function<void(Duration, std::function<void()>)> later;
    /// A commit has ended.
    std::function<void()> decided;
    /// All segments are read.
    std::function<void()> recovered;
  };
  explicit DiskShell(Around around);
  ~DiskShell();
  DiskShell(const DiskShell&) = delete;
  DiskShell& operator=(const DiskShell&) = delete;

  void recover(journal::FoundSegments found, journal::Recovery::Adopt adopt);
  bool recovering() const { return recovery_ != nullptr; }
  /// `then` is told false: not now. What can't be read at all is gone from the journal.
  void load(std::vector<journal::Position> positions, std::function<void(bool)> then);
  /// The process ends here, and what the disk thread was doing with it.
  void die(bool power_cut);

 private:
  bool snapshot_kept_ = false;  ///< by this process
  void wake();
  void step();
  void finish();
  void find_cursors(int tries);
  void read_segment();
  void read(const journal::Files::Entry& entry, int tries);
  void apply(const journal::Files::Entry& entry, const journal::SegmentScan& read);
  void recovered();
  std::size_t seat_of(journal::CursorId cursor) const;

  Around world_;
  std::optional<journal::Commit> under_way_;
  bool woken_ = false;
  std::uint64_t timer_ = 0;  ///< only the last one set counts
  std::unique_ptr<journal::Recovery> recovery_;
  Budget::Charge scanning_;
  journal::Position run_ = 1;
  std::uint32_t fruitless_ = 0;
  std::array<std::uint64_t, 3> evicted_{};  ///< items, by what was done with the last segment
  bool cursors_well_read_ = true;
};

}  // namespace forager::sim
