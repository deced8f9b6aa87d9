// What an answer means for the items that were sent (DESIGN, "Verdicts").
#include <algorithm>
#include <cassert>
#include <utility>

#include "base/mutant.h"
#include "export/delivery.h"

namespace forager::exporter {

using ledger::Reason;

namespace {

/// 500s in a row after which a batch is suspected, if others got through meanwhile.
constexpr std::uint32_t server_errors_max = 5;

}  // namespace

void Delivery::answered(AttemptId id, const destination::Verdict& verdict, Time now) {
  Owned attempt = land(id);
  std::visit([&](const auto& what) { on(std::move(attempt), what, now); }, verdict);
  end_search(now);
  note_state(now);
  wake();
}

void Delivery::failed(AttemptId id, const net::TransportError& error, Time now) {
  Owned attempt = land(id);
  ++counts_.transport_errors;
  note_error(error.what, now);
  attempt->server_errors = 0;
  retry_later(std::move(attempt), std::nullopt, now);
  note_state(now);
  wake();
}

void Delivery::unreadable(AttemptId id, Time now) {
  Owned attempt = land(id);
  const std::vector<journal::Position> gone = missing(*attempt);
  for (const journal::Position position : gone) {
    without(*attempt, position);
    if (journal_.find(position) != nullptr) journal_.lose(position, now);
  }
  if (!attempt->pieces.empty()) {
    weigh(*attempt);
    waiting_.push_part(std::move(attempt));
  }
  note_state(now);
  wake();
}

void Delivery::key_unknown(AttemptId id, Time now) {
  Owned attempt = land(id);
  if (parked_ && attempt->probe) parked_->next_probe = now;
  note_error(
      "a key that an app sent before the restart is not known: its data waits until a request "
      "brings it again",
      now);
  keyless_groups_.insert(attempt->group);
  planner_.hold(attempt->group);
  keyless_.push_back(std::move(attempt));
  note_state(now);
  wake();
}

Delivery::Owned Delivery::land(AttemptId id) {
  auto node = in_flight_.extract(id);
  assert(!node.empty() && "each attempt is answered once");
  Owned attempt = std::move(node.mapped());
  for (const batch::Piece& piece : attempt->pieces) journal_.release(cursor_, piece.position);
  if (attempt->part) --parts_in_flight_;
  return attempt;
}

void Delivery::on(Owned attempt, const destination::Delivered& verdict, Time now) {
  if (verdict.after) hold(*verdict.after, now);
  if (attempt->step + 1 < attempt->steps || attempt->step_refused) {
    step_delivered(std::move(attempt), now);
    return;
  }
  const auto rejected = FORAGER_MUTANT(partial_success_ignored)
                            ? 0U
                            : static_cast<std::uint32_t>(
                                  std::clamp<std::int64_t>(verdict.rejected, 0, attempt->items));
  // Which ones were rejected is not said: the first ones are booked so.
  std::uint32_t left = rejected;
  for (const batch::Piece& piece : attempt->pieces) {
    const std::uint32_t here = std::min(left, piece.items());
    left -= here;
    journal_.settle(cursor_, piece.position, here, Reason::partial_success, now);
    journal_.settle(cursor_, piece.position, piece.items() - here, Reason::delivered, now);
    if (FORAGER_MUTANT(double_settle) && journal_.find(piece.position) != nullptr) {
      journal_.settle(cursor_, piece.position, 1, Reason::delivered, now);
    }
  }
  ++counts_.delivered;
  last_success_ = now;
  if (rejected != 0) note_error(verdict.message, now);
  if (attempt->recoded)
    codec_ = attempt->codec;  // the same pieces, refused before: it was the codec
  is_up(*attempt, now);
  release_group(attempt->group, now);
  // What was under way when it parked proves nothing about credentials; it does about a systemic
  // fault.
  if (parked_ && (attempt->probe || parked_->systemic)) unpark(now);
  if (rejected == attempt->items) return;  // nothing got through: proves nothing about the data
  something_got_through(now);
  learn_larger(*attempt, now);
}

/// So what is refused meanwhile is refused for its own sake.
void Delivery::something_got_through(Time now) {
  ++deliveries_;
  refused_in_a_row_ = 0;
  for (const Owned& suspect : std::exchange(suspects_, {})) quarantine(*suspect, now);
}

void Delivery::on(Owned attempt, const destination::Retry& verdict, Time now) {
  ++counts_.retries;
  note_error(verdict.why, now);
  attempt->why = verdict.why;
  if (!verdict.server_error) {
    attempt->server_errors = 0;
  } else {
    if (attempt->server_errors == 0) attempt->deliveries_at_error = deliveries_;
    ++attempt->server_errors;
    if (attempt->server_errors >= server_errors_max && deliveries_ > attempt->deliveries_at_error) {
      if (!attempt->deliveries_at_refusal) {
        attempt->deliveries_at_refusal = attempt->deliveries_at_error;
      }
      if (parked_)
        parked_->next_probe = now + config_.probe_interval;  // it was a probe, and answered
      take_apart(std::move(attempt), now);
      return;
    }
  }
  retry_later(std::move(attempt), verdict.after, now);
}

void Delivery::on(Owned attempt, const destination::Park& verdict, Time now) {
  note_error(verdict.why, now);
  is_up(*attempt, now);
  attempt->why = verdict.why;
  attempt->not_before = now;
  const bool outdated = attempt->credentials != credentials_;
  if (!outdated && attempt->group != journal::own_group) {
    park_group(std::move(attempt), verdict.why, now);
    return;
  }
  wait(std::move(attempt));
  if (outdated) return;  // it went out with what has been replaced since
  park(verdict.why, false, now);
}

void Delivery::on(Owned attempt, const destination::TakeApart& verdict, Time now) {
  note_error(verdict.why, now);
  is_up(*attempt, now);
  attempt->why = verdict.why;
  attempt->server_errors = 0;
  release_group(attempt->group, now);
  if (verdict.too_large) learn_smaller(*attempt, now);
  if (parked_ && parked_->systemic) {
    parked_->next_probe = now + config_.probe_interval;
  } else if (parked_ && attempt->probe) {
    unpark(now);  // it looks at the data again
  }
  if (verdict.squeeze && attempt->items == 1 && !attempt->squeezed) {
    attempt->squeezed = true;
    attempt->forget_encoded();
    waiting_.push_part(std::move(attempt));
    return;
  }
  take_apart(std::move(attempt), now);
}

void Delivery::on(Owned attempt, const destination::Recode& verdict, Time now) {
  if (attempt->codec != destination::Codec::zstd) {
    on(std::move(attempt), destination::Park{verdict.why}, now);
    return;
  }
  ++counts_.recoded;
  note_error(verdict.why, now);
  is_up(*attempt, now);
  attempt->codec = destination::Codec::gzip;
  attempt->recoded = true;
  attempt->forget_encoded();
  if (parked_ && attempt->probe) parked_->next_probe = now;  // the same probe, in other words
  waiting_.push_part(std::move(attempt));
}

/// The shell has made what was missing, or couldn't; what it says then comes as another verdict.
void Delivery::on(Owned attempt, const destination::Prepare& verdict, Time now) {
  on(std::move(attempt), destination::Park{verdict.why}, now);
}

void Delivery::retry_later(Owned attempt, std::optional<Duration> after, Time now) {
  ++attempt->failures;
  const Duration delay = backoff(config_.retry, attempt->failures, after, random_());
  attempt->not_before = now + delay;
  if (after && !FORAGER_MUTANT(retry_after_ignored))
    hold_until_ = std::max(hold_until_, attempt->not_before);
  const std::uint32_t failures = breaker_.failures() + 1;
  const std::uint32_t times_open =
      failures > config_.breaker_failures ? failures - config_.breaker_failures + 1 : 1;
  breaker_.failed(attempt->sent, now, backoff(config_.retry, times_open, after, random_()));
  if (parked_) parked_->next_probe = now + config_.probe_interval;
  wait(std::move(attempt));
}

/// It takes nothing for so long, though all is well. Others with the same credentials are told the
/// same, and shouldn't come back in the same moment.
void Delivery::hold(Duration after, Time now) {
  hold_until_ = std::max(hold_until_, now + backoff(config_.retry, 1, after, random_()));
}

/// Long outages gather many attempts; only a few keep their encoded bodies, the others are encoded
/// again from the same pieces.
void Delivery::wait(Owned attempt) {
  if (FORAGER_MUTANT(forgotten_retry) && attempt->number == 3) return;
  if (waiting_.retries() >= config_.concurrency) attempt->forget_encoded();
  waiting_.push_retry(std::move(attempt));
}

/// It answered. After an outage what waits needn't wait any longer; slow start keeps it from coming
/// all at once.
void Delivery::is_up(const Attempt& answered, Time now) {
  const bool was_open = breaker_.open();
  breaker_.succeeded(answered.sent, answered.bytes, now);
  if (was_open) waiting_.hurry(now);
}

void Delivery::park(std::string why, bool systemic, Time now) {
  ++counts_.parks;
  const Duration pause = FORAGER_MUTANT(probes_without_pause) ? Duration() : config_.probe_interval;
  parked_ = Parked{std::move(why), systemic, now + pause};
}

/// The key of an app is refused. What goes with other keys goes on; of this one a request is tried
/// now and then.
void Delivery::park_group(Owned attempt, const std::string& why, Time now) {
  ++counts_.parks;
  const journal::GroupId group = attempt->group;
  is_up(*attempt, now);
  if (parked_)
    parked_->next_probe = now + config_.probe_interval;  // it has answered the probe, too
  note_error("a key that an app sent is refused, and its data waits: " + why, now);
  const auto [at, fresh] = parked_groups_.try_emplace(group, now);
  if (fresh) planner_.hold(group);
  // each that was under way is a probe of its own, one after the other
  at->second = std::max(at->second, now) + config_.probe_interval;
  attempt->not_before = at->second;
  wait(std::move(attempt));
}

void Delivery::release_group(journal::GroupId group, Time now) {
  if (parked_groups_.erase(group) == 0) return;
  planner_.release(group);
  waiting_.hurry(now);
}

/// Its waiting requests may have expired, and then nothing would ever probe.
void Delivery::release_stale_groups(Time now) {
  for (auto at = parked_groups_.begin(); at != parked_groups_.end();) {
    const auto [group, next_probe] = *at++;
    if (now - next_probe > config_.probe_interval) release_group(group, now);
  }
}

void Delivery::unpark(Time now) {
  if (!parked_) return;
  parked_.reset();
  breaker_.restart();
  waiting_.hurry(now);
}

void Delivery::note_error(const std::string& why, Time now) {
  last_error_ = why;
  last_error_at_ = now;
}

}  // namespace forager::exporter
