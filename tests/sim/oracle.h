// The judge of a schedule: it knows the truth about every item, sees every request and every
// answer, and says when an invariant is broken. It shares no code with what it judges.
#pragma once

#include <cstdint>
#include <map>
#include <string>
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
  Witness(const PartyPlan& plan, const std::vector<Truth>& truths) : plan_(plan), truths_(truths) {}

  /// next() let a request out; `parked`: the delivery was.
  void chosen(bool parked, Time now);
  void sent(const Sent& request, const std::vector<Seen>& items, Time now);
  /// The answer has reached Forager. `retried`: it is to try again, whenever it likes.
  void answered(std::uint64_t id, const Reply& reply, bool retried, Time now);
  /// There won't be an answer.
  void unanswered(std::uint64_t id, const Reply& reply, Time now);
  /// Retry-After or RateLimit: nothing may go before that.
  void told_to_wait(Duration after, Time now) {
    quiet_until_ = std::max(quiet_until_, now + after);
  }
  void parked(Time now) { parked_at_ = now; }
  /// Probing at once is right: a new credential, or the same probe in another codec.
  void may_probe() { parked_at_ = Time::min(); }
  /// The process ended: what was under way may come again.
  void crashed(const Reply& reply);

  /// At the end. `held`: nothing is, unless the process ended by a crash that nobody recovered.
  void close(const Server& server, const ledger::Book& book, const journal::Quarantine& bin) const;
  Time quiet_until() const { return quiet_until_; }

 private:
  struct Known {
    std::uint16_t may_repeat = 0;  ///< stored, and Forager can't know
    bool in_flight = false;
    bool confirmed = false;
    bool refused_alone = false;
  };
  struct Failure {
    Time at{};
    bool plain = false;  ///< without Retry-After
  };
  Known& known(Number number);
  void check_key(const Sent& request, const Truth& truth) const;
  void check_jitter(const Sent& request, Time now);
  void land(std::uint64_t id, const Reply& reply, bool retried, Time now);

  const PartyPlan& plan_;
  const std::vector<Truth>& truths_;
  std::vector<Known> known_;
  std::map<std::uint64_t, Failure> failures_;  ///< of attempts
  Time quiet_until_ = Time::min();
  Time parked_at_ = Time::min();
  std::uint64_t rejected_ = 0;
  std::uint32_t jittered_ = 0;
  std::uint32_t round_ = 0;  ///< retries after whole milliseconds
};

}  // namespace forager::sim
