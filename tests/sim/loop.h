// The discrete event loop: virtual time, events in order of time and then of being asked for.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "base/time.h"

namespace forager::sim {

class Loop {
 public:
  using Action = std::function<void()>;

  Time now() const { return now_; }
  std::uint64_t ran() const { return ran_; }
  /// Never in the past: that would be now.
  void at(Time when, Action action) {
    events_.push_back({std::max(when, now_), ++asked_, std::move(action)});
    std::push_heap(events_.begin(), events_.end(), later);
  }
  void after(Duration wait, Action action) { at(now_ + wait, std::move(action)); }
  bool empty() const { return events_.empty(); }
  Time next() const { return events_.empty() ? Time::max() : events_.front().when; }
  /// Moves the clock to the next event and runs it.
  void run_one() {
    std::pop_heap(events_.begin(), events_.end(), later);
    Event event = std::move(events_.back());
    events_.pop_back();
    now_ = event.when;
    ++ran_;
    event.action();
  }

 private:
  struct Event {
    Time when;
    std::uint64_t order;
    Action action;
  };
  static bool later(const Event& a, const Event& b) {
    return a.when != b.when ? a.when > b.when : a.order > b.order;
  }
  Time now_{std::chrono::hours(1)};
  std::uint64_t asked_ = 0;
  std::uint64_t ran_ = 0;
  std::vector<Event> events_;
};

}  // namespace forager::sim
