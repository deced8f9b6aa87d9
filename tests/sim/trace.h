// What --verbose prints, and how a check says that an invariant is broken.
#pragma once

#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>

#include <fmt/format.h>

#include "base/time.h"

namespace forager::sim {

/// An invariant is broken: the schedule ends here.
struct Broken : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline void hold(bool good, const char* what) {
  if (!good) throw Broken(what);
}
/// `words` is only called when it doesn't hold.
template <class Words>
void hold(bool good, const Words& words) {
  if (!good) throw Broken(words());
}

class Trace {
 public:
  explicit Trace(bool on) : on_(on) {}
  template <class Words>
  void operator()(Time now, const Words& words) const {
    if (!on_) return;
    const double seconds = std::chrono::duration<double>(now.time_since_epoch()).count();
    fmt::print("{:13.6f}  {}\n", seconds - 3600, words());
  }
  bool on() const { return on_; }

 private:
  bool on_;
};

}  // namespace forager::sim
