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
  using Position = journal::Position;
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
  /// FORAGER_ACK=delivered: an app was told that these came to their end. Returns how many were
  /// given up: these may never be sent again.
  std::uint64_t told_settled(Number first, Number end);
  /// Some of them are neither delivered nor quarantined, nor have they left quarantine. `home`: of
  /// a record that was sent again from there, its position.
  bool gave_up(Number first, Number end, Position home) const;
  /// Items of an open record that neither were delivered nor are in quarantine.
  std::uint64_t open_items(Number first, Number end, Position home) const;
  /// The process ended: what was under way may come again.
  void crashed(const Reply& reply);

  /// What a crash takes back of what was booked.
  struct Undone {
    bool settled = false;      ///< all of it had come to its end, but that was not on disk yet
    std::uint64_t unseen = 0;  ///< items of it that were let go from quarantine
  };
  /// Items of a record that another process found again: they may be sent once more.
  /// `troubled`: the disk can't be read as it was written.
  void again(Number first, Number end, Undone undone, Position home, bool troubled);
  /// Nobody was told that this record is kept, and it isn't.
  void vanished(Number first, Number end, std::uint64_t unseen);

  /// Damage has undone the end of one copy of these, so that there are two now: what becomes of
  /// them isn't judged any more, nor are this destination's books.
  void doubled(Number first, Number end);
  bool has_doubled() const { return has_doubled_; }

  // The quarantine (Bin).
  void check_quarantined(const Seen& seen, const std::string& why);
  void quarantined(Number first, Number end);
  /// Another process found them there.
  void kept_again(Number first, Number end, Undone undone, Position home, bool troubled);
  /// Let go, or given up by a person.
  void left(Number first, Number end);
  /// They are record `home` now, to be sent again.
  void replayed(Number first, Number end, Position home);

  /// A process ended: its books and what it has in quarantine.
  struct Ended {
    std::uint64_t recovered = 0;                    ///< items that it found again
    std::uint64_t let_go = 0;                       ///< from quarantine, as far as was seen
    std::vector<std::pair<Number, Number>> kept{};  ///< there
  };
  /// Returns the items that were let go as soon as they were put there.
  std::uint64_t absorb(const std::string& name, const ledger::Book& book, const Ended& ended);
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
    bool doubled = false;
    std::uint32_t found_in = 0;  ///< the last process that found it on disk
    bool binned = false;         ///< in quarantine now
    bool left = false;           ///< it was there, and was let go or given up
    Position home = 0;           ///< the record that it was sent again with; 0: the first one
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
  void undo_all(Number first, Number end, Undone undone, Position home);
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
  bool has_doubled_ = false;
  bool ever_quarantined_ = false;
  std::uint32_t processes_ = 1;  ///< until now
  // over all processes
  std::uint64_t booked_accepted_ = 0;  ///< not those found again
  std::array<std::uint64_t, ledger::state_count> booked_{};
  std::uint64_t unreadable_ = 0;
  std::uint64_t let_go_ = 0;    ///< from quarantine
  std::uint64_t unseen_ = 0;    ///< of them, as soon as they were put there
  std::uint64_t phantoms_ = 0;  ///< booked as found and lost at once
  std::uint64_t undone_confirmed_ = 0;
  std::uint64_t undone_quarantined_ = 0;
  std::uint64_t undone_gone_ = 0;
  std::uint32_t jittered_ = 0;
  std::uint32_t round_ = 0;  ///< retries after whole milliseconds
};

}  // namespace forager::sim
