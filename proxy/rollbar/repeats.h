// Numbers errors of one request that are equal in all that their uuid is made of (two logs without
// a time, a span that is there twice): Rollbar would discard all but the first of them.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "rollbar/read.h"

namespace forager::rollbar {

/// Of one request: the number follows from its bytes, so it is the same each time the request is
/// looked at, after a restart too. Sans-IO; any thread.
class Repeats {
 public:
  /// For all errors of the request in their order, also those that won't be sent: how many like
  /// this one came before it, for Occurrence::repeat.
  /// Of more kinds than `kinds_max` none is counted: the rate cap lets so many through in no case.
  std::uint32_t number_of(const Occurrence& error);
  /// The request has ended. What a storm has taken is given back.
  void clear() {
    if (!seen_.empty()) seen_ = {};
  }

 private:
  static constexpr std::size_t kinds_max = std::size_t{64} << 10U;  // some 3 MiB
  static std::uint64_t key_of(const Occurrence& error);
  std::unordered_map<std::uint64_t, std::uint32_t> seen_;
};

}  // namespace forager::rollbar
