// A Life with a quarantine, for its tests.
#pragma once

#include "unit/journal/life.h"

namespace forager::journal {

inline constexpr std::size_t bin_bytes = 1U << 20U;
inline constexpr std::size_t bin_cap = 1U << 20U;

struct Bin : Life {
  explicit Bin(Files& on, const std::vector<To>& to = {{"a"}}, std::size_t room = bin_bytes)
      : Life(on, bin_cap, to, {}, true, room) {}
  std::vector<std::uint64_t> numbers() const {
    std::vector<std::uint64_t> made;
    for (const auto& kept : bin.kept()) made.push_back(kept.number);
    return made;
  }
  Position kept_record(std::uint64_t number) {
    const Position p = append(number).value();
    commit();
    return p;
  }
};

using Numbers = std::vector<std::uint64_t>;
using Bodies = std::multiset<std::string>;

}  // namespace forager::journal
