// All randomness of a schedule: one generator, seeded once. Cheap to seed and to draw from.
#pragma once

#include <cmath>
#include <cstdint>

#include "base/time.h"

namespace forager::sim {

class Chance {
 public:
  explicit Chance(std::uint64_t seed) : state_(seed) { bits(); }

  /// splitmix64
  std::uint64_t bits() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
  }
  std::uint64_t below(std::uint64_t n) { return bits() % n; }
  /// In [least, most].
  std::uint64_t between(std::uint64_t least, std::uint64_t most) {
    return least + below(most - least + 1);
  }
  bool one_in(std::uint64_t n) { return below(n) == 0; }
  /// In [0, 1).
  double unit() { return static_cast<double>(bits() >> 11U) * 0x1p-53; }
  /// In [0, most), to the nanosecond.
  Duration up_to(Duration most) {
    return Duration(static_cast<Duration::rep>(static_cast<double>(most.count()) * unit()));
  }
  /// Exponential, of that mean.
  Duration about(Duration mean) {
    return Duration(
        static_cast<Duration::rep>(static_cast<double>(mean.count()) * -std::log(1 - unit())));
  }
  template <class List>
  const auto& of(const List& list) {
    return list[below(list.size())];
  }

 private:
  std::uint64_t state_;
};

}  // namespace forager::sim
