// The disk of the simulation: it outlives the processes, forgets what was not synced, tears what
// was under way, and fails as the plan says. A sync that failed has dropped what it was to write:
// asking again says yes and writes nothing.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "journal/files.h"
#include "sim/chance.h"
#include "sim/plan.h"

namespace forager::sim {

class SimDisk final : public journal::Files {
 public:
  SimDisk(const DiskPlan& plan, std::uint64_t seed) : plan_(plan), chance_(seed) {}

  void set_mood(DiskMood mood) { mood_ = mood; }
  DiskMood mood() const { return mood_; }
  /// Faults are over, bits too stay as they are.
  void calm() {
    mood_ = DiskMood::well;
    calm_ = true;
  }
  /// How long one job of the disk thread takes now.
  Duration latency();
  /// After so many more calls that change something nothing happens any more: the process is gone.
  void cut_after(std::uint64_t calls) { calls_left_ = calls; }
  void end_cut() { calls_left_ = UINT64_MAX; }
  /// What was not synced is there or not, by sectors.
  void power_cut();
  std::size_t bytes() const;
  bool has(const std::string& name) const { return files_.contains(name); }
  /// Of a segment's file; 0: it isn't there.
  std::size_t size_of(journal::Position segment) const;
  /// Bodies that were read with a wrong bit.
  std::uint64_t flips() const { return flips_; }
  /// Between two processes: bits of a segment flip, or a piece of it is zeros, is cut off, or can't
  /// be read any more. Says what, for the trace.
  std::string damage();
  /// A process begins to recover: reads that fail count from now on.
  void begin_recovery() { failed_.clear(); }
  /// A later try has succeeded.
  void well_read(const std::string& name) { failed_.erase(name); }
  /// Some of what is in the files can't be read, or couldn't.
  bool troubled() const { return !damages_.empty() || !failed_.empty(); }
  bool ever_troubled() const { return ever_troubled_; }
  /// The file is there, and these bytes of it are what was written and could be read.
  bool intact(journal::Position segment, std::size_t from, std::size_t to) const;

  Result<void> lock() override { return {}; }
  Result<std::vector<Entry>> list() override;
  Result<void> create(const std::string& name, std::size_t bytes) override;
  Result<void> write(const std::string& name, std::size_t offset,
                     std::span<const std::string_view> parts) override;
  Result<void> sync(const std::string& name) override;
  Result<Buffer> read(const std::string& name, std::size_t offset, std::size_t bytes) override;
  Result<void> remove(const std::string& name) override;
  Result<void> set_aside(const std::string& name) override;
  Result<Space> space() override;

 private:
  struct File {
    std::string synced;
    std::string now;
    std::vector<std::pair<std::size_t, std::size_t>> dirty;  ///< from, to
  };
  bool gone() { return calls_left_ == 0 || (calls_left_ != UINT64_MAX && --calls_left_ == 0); }
  bool fails();
  void keep_some(File& file);
  bool read_fails(const std::string& name);
  void forget(const std::string& name);

  const DiskPlan& plan_;
  Chance chance_;
  DiskMood mood_ = DiskMood::well;
  bool calm_ = false;
  std::uint64_t calls_left_ = UINT64_MAX;
  std::uint64_t flips_ = 0;
  struct Piece {
    std::size_t from = 0;
    std::size_t to = 0;
  };
  std::map<std::string, std::vector<Piece>> damages_;
  std::set<std::string> bad_;     ///< can't be read, for good
  std::set<std::string> failed_;  ///< since this recovery began
  bool ever_troubled_ = false;
  std::map<std::string, File> files_;
};

}  // namespace forager::sim
