// Remembers errors for five minutes, because the same exception often comes twice: as an event of
// the span that it ended and as a log record in it. Sans-IO; the io thread's.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <unordered_map>

#include "base/time.h"
#include "rollbar/read.h"

namespace forager::rollbar {

class Duplicates {
 public:
  static constexpr std::chrono::minutes window{5};
  /// Keys, two of an error; about 1.5 MB. When more come within the window, the oldest go.
  static constexpr std::size_t size_max = 16'384;

  /// True: this exception came as the other signal a moment ago. Who came first keeps its right, so
  /// asking again about the same error gives the same answer. Errors outside of a trace and
  /// messages have no double.
  bool is_double(const Occurrence& error, WallTime now);
  std::size_t size() const { return first_.size(); }  ///< keys

 private:
  struct First {
    Signal signal;
    WallTime seen;
  };
  bool came_as_other(std::uint64_t key, Signal signal, WallTime now);
  void forget_old(WallTime now);

  std::unordered_map<std::uint64_t, First> first_;
  std::deque<std::uint64_t> order_;  ///< keys of first_, oldest first
};

}  // namespace forager::rollbar
