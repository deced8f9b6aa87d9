#include "aws/schedule.h"

#include <algorithm>
#include <cmath>

namespace forager::aws {
namespace {

/// A wall clock is set by a second now and then; more is sleep.
constexpr Duration clock_tolerance = std::chrono::seconds(30);

Duration share(Duration whole, double unit) {
  return std::chrono::duration_cast<Duration>(
      std::chrono::duration<double, Duration::period>(static_cast<double>(whole.count()) * unit));
}

}  // namespace

Duration Schedule::advisory() const { return std::min(config_.advisory, life_ / 2); }
Duration Schedule::mandatory() const { return std::min(config_.mandatory, life_ / 3); }

std::optional<Duration> Schedule::left(Time now) const {
  if (!expires_) return std::nullopt;
  return *expires_ - now;
}

bool Schedule::over(Time now) const { return expires_ && *expires_ <= now; }

bool Schedule::urgent(Time now) const {
  if (!have_) return true;
  const auto still = left(now);
  return still && *still <= mandatory();
}

void Schedule::succeeded(const Got& got, Now now, double unit) {
  failures_ = 0;
  seen_ = now;
  const bool fresh = got.changed || !have_;
  have_ = true;
  if (!got.left) {
    expires_.reset();
    next_ = got.again ? now.steady + *got.again : Time::max();
    return;
  }
  expires_ = now.steady + *got.left;
  life_ = std::max(fresh ? Duration::zero() : life_, *got.left);
  if (*got.left <= Duration::zero() && got.stable) {
    next_ = now.steady + config_.expired_least +
            share(config_.expired_most - config_.expired_least, unit);
    return;
  }
  const Duration ahead = *got.left - advisory();
  if (ahead > Duration::zero()) {
    // later by up to a third of the time that is left from there on: a fleet doesn't come at once
    next_ = now.steady + std::max(config_.retry_initial, ahead + share(advisory() / 3, unit));
    return;
  }
  // the source still gives the old ones: it has new ones 5 minutes before the end at the latest
  const Duration step = urgent(now.steady) ? config_.retry_max : config_.retry_max_advisory;
  next_ = now.steady + step / 2 + share(step / 2, unit);
}

void Schedule::failed(Now now, double unit) {
  ++failures_;
  const Duration most = urgent(now.steady) ? config_.retry_max : config_.retry_max_advisory;
  constexpr std::uint32_t doublings_most = 20;  // far over any maximum, far below an overflow
  const std::uint32_t doublings = std::min(failures_ - 1, doublings_most);
  const Duration grown = config_.retry_initial * (std::int64_t{1} << doublings);
  const Duration wait = std::min(most, grown);
  next_ = now.steady + wait / 2 + share(wait / 2, unit);
}

bool Schedule::ask(Time now) {
  const Time allowed = last_start_ ? std::max(now, *last_start_ + config_.ask_interval) : now;
  if (allowed >= next_) return false;
  next_ = allowed;
  return true;
}

void Schedule::look(Now now) {
  if (!seen_) return;
  const auto slept =
      std::chrono::duration_cast<Duration>(now.wall - seen_->wall) - (now.steady - seen_->steady);
  if (std::chrono::abs(slept) <= clock_tolerance) return;
  seen_ = now;
  if (slept < Duration::zero() || !expires_) return;  // set back: lives are as long as they were
  expires_ = *expires_ - slept;
  if (next_ != Time::max()) next_ -= std::min(slept, next_ - Time{});
}

}  // namespace forager::aws
