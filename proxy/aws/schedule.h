// When to fetch credentials: ahead of their end with jitter, again after a failure with backoff,
// soon when somebody found them stale; old ones stay until there are new ones. Pure: time and
// randomness are arguments.
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"

namespace forager::aws {

/// Both clocks, read at the same moment.
struct Now {
  Time steady;
  WallTime wall;
};

struct ScheduleConfig {
  /// So long before their end new ones are fetched, spread over a third of it. Short-lived ones:
  /// at half of their life (PROTOCOLS 3.3).
  Duration advisory = std::chrono::minutes(15);
  /// So long before the end it gets urgent: tries follow each other as fast as without any.
  Duration mandatory = std::chrono::minutes(10);
  Duration retry_initial = std::chrono::seconds(1);
  Duration retry_max = std::chrono::seconds(30);           ///< when urgent
  Duration retry_max_advisory = std::chrono::seconds(60);  ///< while there is time
  /// Static stability: ones that were already over when they came are used all the same, and new
  /// ones asked for after a random time between these two.
  Duration expired_least = std::chrono::minutes(5);
  Duration expired_most = std::chrono::minutes(10);
  /// Whoever finds them stale gets new ones asked for at most this often.
  Duration ask_interval = std::chrono::seconds(30);
};

class Schedule {
 public:
  explicit Schedule(ScheduleConfig config = {}) : config_(config) {}

  /// What a fetch brought.
  struct Got {
    std::optional<Duration> left;  ///< life, by the clock of who gave them; nullopt: no end
    bool changed = true;           ///< other keys than before
    bool stable = false;  ///< a source that is to be left in peace when what it has is over
    std::optional<Duration> again{};  ///< no end, but worth another look after this (a file)
  };

  /// When the next fetch is due; the beginning of time at first; Time::max(): never.
  Time next() const { return next_; }
  void started(Time now) { last_start_ = now; }
  void succeeded(const Got& got, Now now, double unit);
  void failed(Now now, double unit);
  /// Somebody found them stale. True: a fetch is due earlier than it was.
  bool ask(Time now);
  /// A fetch is due at once: somebody changed files and says so.
  void again() { next_ = Time{}; }
  /// Notes a wall clock that went on while the steady one stood still (a machine that slept): lives
  /// are shorter by that.
  void look(Now now);

  /// Life left, below zero when over; nullopt: no end, or none there.
  std::optional<Duration> left(Time now) const;
  bool over(Time now) const;
  std::uint32_t failures() const { return failures_; }  ///< in a row

 private:
  Duration advisory() const;
  Duration mandatory() const;
  bool urgent(Time now) const;

  ScheduleConfig config_;
  Time next_{};
  std::optional<Time> last_start_;
  bool have_ = false;
  std::optional<Time> expires_;
  Duration life_{};  ///< of these keys when they were first seen
  std::optional<Now> seen_;
  std::uint32_t failures_ = 0;
};

}  // namespace forager::aws
