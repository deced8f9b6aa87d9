// Which destinations a record is for: mostly every one that takes its signal.
#pragma once

#include <cstdint>

namespace forager::journal {

using CursorId = std::uint32_t;

/// The others pass the record at once, and nothing is booked for them.
struct Audience {
  enum class Who : std::uint8_t { everyone, only, all_but };
  Who who = Who::everyone;
  CursorId cursor = 0;

  static Audience only(CursorId cursor) { return {Who::only, cursor}; }
  static Audience all_but(CursorId cursor) { return {Who::all_but, cursor}; }
  bool has(CursorId id) const {
    return who == Who::everyone || (id == cursor) == (who == Who::only);
  }
  bool operator==(const Audience&) const = default;
};

}  // namespace forager::journal
