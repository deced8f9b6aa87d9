// One schedule from its seed to the verdict.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sim/process.h"

namespace forager::sim {

struct Outcome {
  std::string broken;  ///< which invariant, and how; empty: none
  std::uint64_t events = 0;
  std::uint64_t items = 0;
  Duration lasted{};  ///< virtual
};

/// Runs the schedule of a seed. `verbose`: prints what happens.
Outcome run_schedule(std::uint64_t seed, bool verbose);

class World {
 public:
  World(const Plan& plan, bool verbose);
  /// Throws Broken.
  void run();
  /// Calls it again and again until the faults are over.
  void each(Duration every, std::function<void()> look);
  Time now() const { return loop_.now(); }
  Seat& seat(std::size_t at) { return seats_[at]; }
  const Process& process() const { return *process_; }
  Outcome outcome() const;

 private:
  void seat_parties();
  void start_process();
  void next_process();
  void crash();
  void plan_disk_moods(std::size_t next);
  void plan_restart();
  void reseat();
  void plan_release();
  void plan_person();
  void person(bool crash_soon);
  void replay_at_calm();
  void plan_moods(Seat& seat, std::size_t next);
  void plan_rotation();
  void plan_jump();
  void plan_bars();
  void traffic();
  void request(bool clean);
  void mark_bad_ones(Number first);
  void calm();
  void trickle(Duration every);
  void run_until_settled();

  const Plan plan_;
  Trace trace_;
  Loop loop_;
  Chance chance_;
  Chance shell_chance_;
  Chance person_chance_;
  Chance late_chance_;  ///< for what came later to the simulator, so that older seeds keep theirs
  std::vector<Truth> truths_;
  std::vector<Seat> seats_;
  Duration wall_offset_{};
  Records records_of_{truths_};
  Bin bin_{records_of_, seats_, trace_, loop_};
  std::unique_ptr<SimDisk> disk_;
  std::uint64_t crash_at_ = UINT64_MAX;  ///< events
  std::unique_ptr<Process> process_;
  std::uint32_t own_version_ = 1;
  std::uint32_t records_ = 0;
  bool calm_ = false;
  Time calm_at_{};
};

}  // namespace forager::sim
