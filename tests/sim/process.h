// One run of Forager inside the simulation: the real core, and in place of its shell (Exporter,
// Door) one that lives in virtual time. It ends by being destroyed; what it had in memory is gone.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "admit/keys.h"
#include "base/budget.h"
#include "base/ledger.h"
#include "export/delivery.h"
#include "journal/journal.h"
#include "journal/quarantine.h"
#include "sim/loop.h"
#include "sim/oracle.h"
#include "sim/plan.h"
#include "sim/server.h"
#include "sim/trace.h"

namespace forager::sim {

/// A destination as the world outside of the process knows it.
struct Seat {
  PartyPlan plan;
  std::unique_ptr<Server> server;
  std::unique_ptr<Witness> witness;
};

class Process {
 public:
  struct Around {
    const Plan& plan;
    Loop& loop;
    Chance& chance;
    const Trace& trace;
    std::vector<Truth>& truths;
    std::vector<Seat>& seats;
    const Duration& wall_offset;
  };
  explicit Process(Around around, std::string own_key);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  /// A request of an app; items from `first` on in the truths.
  void offer(Signal signal, std::uint32_t app, std::string body, Number first);
  void new_own_key(std::string key);
  /// SIGTERM: drains; at the end of grace what is still held is booked as lost.
  void stop(Duration grace);
  bool stopped() const { return stopped_; }
  bool drained() const;
  /// Cheap enough for every step.
  void check() const;
  /// After the last step.
  void close();
  std::string held() const;

 private:
  struct Party;
  struct Flight;
  WallTime wall() const;
  std::uint64_t held_items() const;
  void wake(Party& party);
  void pump(Party& party, bool by_timer);
  void launch(Party& party, exporter::Attempt& attempt, bool parked);
  void encode(Party& party, exporter::Attempt& attempt);
  void send(Party& party, exporter::Attempt& attempt, bool parked);
  void arrive(Party& party, std::uint64_t ticket);
  void end(Duration grace);
  /// Runs `what` unless this process has ended by then.
  void later(Duration wait, std::function<void()> what);

  Around world_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  ledger::Ledger books_;
  Budget budget_;
  Budget bin_budget_{std::size_t{1} << 30U};
  journal::Journal journal_;
  journal::Quarantine quarantine_;
  admit::KeyRing keys_;
  std::vector<std::unique_ptr<Party>> parties_;
  std::size_t encoded_max_ = 0;  ///< what take_anyway may add to the budget
  bool stopping_ = false;
  bool stopped_ = false;
};

}  // namespace forager::sim
