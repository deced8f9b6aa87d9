// Time is always an argument: only the shell (coroutines, main) reads a clock and passes it down.
#pragma once

#include <chrono>
#include <cstdint>

namespace forager {

using Time = std::chrono::steady_clock::time_point;      ///< for waiting, retry, ages
using WallTime = std::chrono::system_clock::time_point;  ///< for stamps that leave the process
using Duration = std::chrono::steady_clock::duration;

/// Nanoseconds since 1970, the unit of every OTLP time field.
inline std::uint64_t unix_nanos(WallTime t) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(t.time_since_epoch()).count());
}

}  // namespace forager
