// One run of Forager inside the simulation: the real core, and in place of its shell (Exporter,
// Door) one that lives in virtual time. It ends by being destroyed; what it had in memory is gone.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "admit/keys.h"
#include "base/budget.h"
#include "base/ledger.h"
#include "export/delivery.h"
#include "journal/journal.h"
#include "journal/quarantine.h"
#include "journal/quarantine_change.h"
#include "sim/bin.h"
#include "sim/disk_shell.h"
#include "sim/loop.h"
#include "sim/oracle.h"
#include "sim/overload.h"
#include "sim/plan.h"
#include "sim/server.h"
#include "sim/trace.h"

namespace forager::sim {

/// A destination as the world outside of the process knows it.
struct Seat {
  PartyPlan plan;
  std::unique_ptr<Server> server;
  std::unique_ptr<Witness> witness;
  bool configured = true;  ///< in the process that runs, or the next one
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
    Records& records;
    Bin& bin;
    SimDisk* disk = nullptr;  ///< of a disk journal
  };
  explicit Process(Around around, std::string own_key);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  /// A request of an app; items from `first` on in the truths.
  void offer(Signal signal, std::uint32_t app, std::string body, Number first);
  void new_own_key(std::string key);
  /// `forager journal release`, of all that were taken out of the configuration, now or as soon as
  /// all of it is found.
  void release();
  /// A person looks into the quarantine, and sends some of it again or gives some up. Returns how
  /// many items.
  std::uint64_t person(Chance& chance);
  /// ... and sends all of it again; false: not while the recovery runs.
  bool replay_all();
  /// SIGTERM: drains; at the end of grace what is still held is booked as lost, or the disk has it.
  void stop(Duration grace);
  bool stopping() const { return stopping_; }
  bool stopped() const { return stopped_; }
  /// Nothing is held, and the disk knows it.
  bool drained() const;
  /// kill -9, or a power cut: the end of this process, to be destroyed at once.
  void die(bool power_cut);
  /// Cheap enough for every step.
  void check();
  /// After the last step.
  void close();
  /// Its books go to the witnesses: once, at its end.
  void absorb();
  std::string held() const;
  std::size_t memory() const { return budget_.used(); }
  journal::Held held_by(std::size_t seat) const {
    return journal_.held(*cursor_of(world_.seats[seat].server->name()));
  }

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
  void fail(Party& party, std::uint64_t ticket);
  void settle(Party& party, std::uint64_t ticket, const destination::Verdict& verdict);
  void ready(Party& party, exporter::Attempt& attempt, std::uint64_t ticket, bool parked);
  void open_disk();
  void recover();
  /// What the disk has decided is answered.
  void answer();
  /// Booked as accepted. The app is answered, with FORAGER_ACK=delivered later.
  void accept(journal::Position position, Signal signal, Number first, Number end);
  void delivered(journal::Position position);
  void late(journal::Position position);
  void told_settled(journal::Position position, Number first, Number end);
  void give_up_removed();
  void give_up_quarantined(const journal::QuarantineAsk& ask, ledger::Reason reason);
  std::uint64_t replay(const journal::QuarantineAsk& ask);
  void expire_removed();
  std::set<journal::Position> in_flight() const;
  std::optional<journal::CursorId> cursor_of(const std::string& name) const;
  void end();
  void close_disk(Time deadline);
  /// Runs `what` unless this process has ended by then.
  void later(Duration wait, std::function<void()> what);

  Around world_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  ledger::Ledger books_;
  Budget budget_;
  journal::Journal journal_;
  journal::Quarantine quarantine_;
  admit::KeyRing keys_;
  std::vector<std::unique_ptr<Party>> parties_;
  std::size_t encoded_max_ = 0;  ///< what take_anyway may add to the budget
  struct Waiting {
    journal::Position position = 0;
    Signal signal = Signal::traces;
    Number first = 0;
    Number end = 0;
  };
  std::deque<Waiting> waiting_;  ///< requests whose commit has not ended
  std::map<journal::Position, std::pair<Number, Number>> undelivered_;  ///< not yet answered
  std::map<std::string, std::uint64_t> told_given_up_;                  ///< items, by destination
  Overload overload_;
  bool releasing_ = false;
  journal::FoundSegments found_;
  std::unique_ptr<DiskShell> shell_;
  bool ended_ = false;  ///< nothing is sent any more
  bool stopping_ = false;
  bool stopped_ = false;
};

}  // namespace forager::sim
