// What stands in for journal::Committer in virtual time: one job of the disk thread at a time, the
// reading back of bodies, and the recovery of what earlier processes left.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "journal/recovery.h"
#include "sim/disk.h"
#include "sim/loop.h"
#include "sim/records.h"

namespace forager::sim {

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
    std::vector<Witness*> witnesses;  ///< by cursor
    std::vector<std::array<bool, signal_count>> takes;
    std::function<WallTime()> wall;
    /// Runs it later, unless the process has ended by then.
    std::function<void(Duration, std::function<void()>)> later;
    /// A commit has ended.
    std::function<void()> decided;
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
  void read_segment();
  void apply(const journal::Files::Entry& entry);
  void recovered();

  Around world_;
  std::optional<journal::Commit> under_way_;
  bool woken_ = false;
  std::uint64_t timer_ = 0;  ///< only the last one set counts
  std::unique_ptr<journal::Recovery> recovery_;
  Budget::Charge scanning_;
  journal::Position run_ = 1;
  std::uint32_t fruitless_ = 0;
};

}  // namespace forager::sim
