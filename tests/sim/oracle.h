// The judge of a schedule: it knows the truth about every item, sees every request and every
// answer, and says when an invariant is broken. It shares no code with what it judges.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/ledger.h"
#include "journal/journal.h"
#include "journal/quarantine.h"
#include "sim/items.h"
#include "sim/plan.h"
#include "sim/server.h"

namespace forager::sim {

/// One request on its way, as the oracle wants to see it.
struct Sent {
  std::uint64_t id = 0;  ///< the attempt's
  std::uint32_t number = 1;
  Signal signal = Signal::traces;
  std::size_t raw_bytes = 0;
  std::string_view key;
  bool parked = false;  ///< probing, so that it isn't backoff that says when
};

/// What is known of one destination.
class Witness {
 public:
  /// `seat`: its bit in Truth::owed.
  Witness(const PartyPlan& plan, std::size_t seat, const std::vector<Truth>& truths)
      : plan_(plan), seat_(seat), truths_(truths) {}

  /// next() let a request out; `parked`: the delivery was.
  void chosen(bool parked, Time now);
  void sent(const Sent& request, const std::vector<Seen>& items, Time now);
  /// The answer has reached Forager. `retried`: it is to try again, whenever it likes.
  void answered(std::uint64_t id, const Reply& reply, bool retried, Time now);
  /// Called for each item whose delivery is confirmed.
  void on_confirmed(std::function<void(const Truth& truth, Time now)> confirmed) {
    on_confirmed_ = std::move(confirmed);
  }
  /// There won't be an answer.
  void unanswered(std::uint64_t id, const Reply& reply, Time now);
  /// Retry-After or RateLimit: nothing may go before that.
  void told_to_wait(Duration after, Time now) {
    quiet_until_ = std::max(quiet_until_, now + after);
  }
  void parked(Time now) { parked_at_ = now; }
  /// Probing at once is right: a new credential, or the same probe in another codec.
  void may_probe() { parked_at_ = Time::min(); }
  /// FORAGER_ACK=delivered: an app was told that these came to their end. `quarantined`: those of
  /// them that are in the bin. Returns how many were given up: these may never be sent again.
  std::uint64_t told_settled(Number first, Number end, const std::vector<Seen>& quarantined);
  /// Some of them are neither delivered nor quarantined.
  bool gave_up(Number first, Number end) const;
  /// The process ended: what was under way may come again.
  void crashed(const Reply& reply);

  /// Items of a record that another process found again: they may be sent once more. `settled`:
  /// it had come to its end, but that was not on disk yet.
  void again(Number first, Number end, bool settled);
  /// Nobody was told that this record is kept, and it isn't.
  void vanished(Number first, Number end);
  /// A process ended: its books and its quarantine. `recovered`: items that it found again.
  void absorb(const std::string& name, const ledger::Book& book, const journal::Quarantine& bin,
              std::uint64_t recovered);
  /// At the end, when nothing is held. `unanswered`: items that a process may have taken for lost
  /// though nobody was told 200. `disk_rots`: what it can't read is lost, and booked.
  void close(const Server& server, std::uint64_t unanswered, bool disk_rots) const;
  Time quiet_until() const { return quiet_until_; }

 private:
  struct Known {
    std::uint16_t may_repeat = 0;  ///< stored, and Forager can't know
    bool in_flight = false;
    bool confirmed = false;
    bool refused_alone = false;
    bool quarantined = false;
    bool vanished = false;
    bool given_up = false;  ///< and an app was told that it's settled
  };
  struct Failure {
    Time at{};
    bool plain = false;  ///< without Retry-After
  };
  Known& known(Number number);
  bool is_for(const Truth& truth) const { return (truth.owed >> seat_ & 1U) != 0; }
  void check_key(const Sent& request, const Truth& truth) const;
  void check_jitter(const Sent& request, Time now);
  void undo(Known& item, bool settled);
  void close_books(std::uint64_t unanswered, bool disk_rots) const;
  void land(std::uint64_t id, const Reply& reply, bool retried, Time now);

  const PartyPlan& plan_;
  std::size_t seat_;
  const std::vector<Truth>& truths_;
  std::vector<Known> known_;
  std::function<void(const Truth& truth, Time now)> on_confirmed_;
  std::map<std::uint64_t, Failure> failures_;  ///< of attempts
  Time quiet_until_ = Time::min();
  Time parked_at_ = Time::min();
  std::uint64_t rejected_ = 0;
  // over all processes
  std::uint64_t booked_accepted_ = 0;  ///< not those found again
  std::array<std::uint64_t, ledger::state_count> booked_{};
  std::uint64_t unreadable_ = 0;
  std::uint64_t phantoms_ = 0;  ///< booked as found and lost at once
  std::uint64_t undone_confirmed_ = 0;
  std::uint64_t undone_quarantined_ = 0;
  std::uint64_t undone_gone_ = 0;
  std::uint32_t jittered_ = 0;
  std::uint32_t round_ = 0;  ///< retries after whole milliseconds
};

}  // namespace forager::sim
