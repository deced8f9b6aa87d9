// Protects a Rollbar account in an error storm: so many items for each minute, and so many of one
// kind (PROTOCOLS 4.3). Minutes are those of the errors' own time, so that what waited through an
// outage isn't mistaken for a storm. Sans-IO; the io thread's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <unordered_map>

#include "base/time.h"
#include "rollbar/read.h"

namespace forager::rollbar {

struct RateConfig {
  std::uint32_t per_minute = 60;       ///< items; 0: no cap
  std::uint32_t same_per_minute = 10;  ///< items of one kind; 0: no cap
};

/// What Rollbar would group: the type and the frames without line numbers, or the text of a message
/// without its numbers (PROTOCOLS 4.2). Made from the text of the stack, which isn't parsed here.
std::uint64_t kind_of(const Occurrence& error);

class Rate {
 public:
  static constexpr std::size_t minutes_max = 64;
  static constexpr std::size_t kinds_max = 4096;

  explicit Rate(RateConfig config) : config_(config) {}

  struct Answer {
    bool passes;
    std::uint64_t held_back;  ///< of this kind since the last one that passed; told once
  };
  Answer ask(const Occurrence& error, WallTime now);
  /// Errors held back since the start.
  std::uint64_t held_back() const { return held_back_; }

 private:
  struct Minute {
    std::uint32_t items = 0;
    std::unordered_map<std::uint64_t, std::uint32_t> kinds;
  };
  Minute& minute_of(std::uint64_t time, WallTime now);
  bool passes(Minute& minute, std::uint64_t kind) const;

  RateConfig config_;
  std::map<std::uint64_t, Minute> minutes_;
  std::unordered_map<std::uint64_t, std::uint64_t> waiting_;  ///< held back, by kind
  std::uint64_t held_back_ = 0;
};

}  // namespace forager::rollbar
