// Reads one segment of the disk journal, whatever bytes it holds. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "journal/format.h"
#include "journal/quarantine_format.h"

namespace forager::journal {

/// What a segment says, in its order.
struct SnapshotOf {
  std::vector<format::CursorRanges> cursors;
  std::optional<format::QuarantineList> quarantine;
};
/// Items that a destination would not take; their bytes are in the segment.
struct FoundQuarantined {
  format::QuarantineFrame what;
  std::size_t offset = 0;  ///< of the payload, in the segment
};
/// Numbers that are not in quarantine any more.
struct QuarantineGone {
  std::vector<Range> numbers;
};
using Said = std::variant<format::FoundRecord, format::Destination, format::CursorRanges,
                          SnapshotOf, FoundQuarantined, QuarantineGone>;

struct Scan {
  enum class State : std::uint8_t { good, headless, newer, nothing };
  State state = State::nothing;
  format::Header header;   ///< good only
  std::vector<Said> said;  ///< CursorRanges here are settled ranges
  std::vector<Range> voided;
  std::vector<std::pair<std::uint32_t, format::Group>> groups;
  std::vector<std::string> removed;
  /// Bytes that were durable and are no valid frame.
  struct Damage {
    std::size_t offset = 0;
    std::size_t bytes = 0;
  };
  std::vector<Damage> damage;
  /// Damaged record frames whose head still makes sense: what they would have been.
  std::vector<Record> doubtful;
  std::size_t end = 0;  ///< behind the last valid frame
  bool has_snapshot = false;
  bool lists_quarantine = false;  ///< ... the last one
  /// What it says of cursors or voids last may be in the page cache alone: no commit frame behind.
  bool unproven = false;
  bool blank = false;              ///< nothing but zeros: created and never written
  std::size_t durable_end = 0;     ///< what lies before it was durable; behind it: who knows
  Position through = 0;            ///< all records up to here were durable or void; 0: who knows
  std::uint32_t destinations = 0;  ///< declared here, if none is damaged
};

Scan scan_segment(std::string_view bytes);

}  // namespace forager::journal
