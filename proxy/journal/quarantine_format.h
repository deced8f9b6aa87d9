// The frames of the quarantine on disk (docs/journal-format.md), written and read. Pure; reading
// takes any bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "journal/format.h"

namespace forager::journal::format {

/// One quarantined item, or several of one record that were to go together.
struct QuarantinedItem {
  std::uint64_t number = 0;
  std::int64_t when = 0;  ///< ns since 1970
  WallTime arrived{};
  std::uint32_t first = 0;  ///< items [first, last) of the record
  std::uint32_t last = 0;
  GroupId group = own_group;  ///< as numbered in this segment
  Signal signal = Signal::traces;
  std::string reason;  ///< its label
  std::string why;
  std::size_t bytes = 0;   ///< of the request
  std::size_t offset = 0;  ///< where they begin, in the payload; set by reading
};

/// What a destination would not take of one record. `settles`: with it the record came to its end
/// for that destination, in the same frame, so that no crash parts the two.
struct QuarantineFrame {
  std::string destination;
  Position position = 0;
  bool settles = false;
  std::vector<QuarantinedItem> items;
};

std::size_t size_on_disk(const QuarantineFrame& frame);
/// Of the item alone in a frame.
std::size_t size_on_disk(std::string_view destination, const QuarantinedItem& item);
/// Appends the frame. `body(i)` is called when the bytes of item i are to follow, and returns them.
void put_quarantined(std::string& to, std::uint32_t mark, const QuarantineFrame& frame,
                     const std::function<std::string_view(std::size_t)>& body);
std::optional<QuarantineFrame> read_quarantined(std::string_view payload);

/// What a snapshot says of the quarantine: the last number given and those that are there.
struct QuarantineList {
  struct Run {  ///< all alike
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    std::uint32_t destination = 0;  ///< as numbered in this segment
    std::uint32_t items = 0;        ///< of each
    Signal signal = Signal::traces;
  };
  std::uint64_t last = 0;
  std::vector<Run> runs;

  /// Numbers only grow.
  void add(std::uint64_t number, std::uint32_t destination, std::uint32_t items, Signal signal);
  std::size_t size_on_disk() const;
};
void put_quarantine_list(std::string& to, std::uint32_t mark, const QuarantineList& list);
std::optional<QuarantineList> read_quarantine_list(std::string_view payload);

}  // namespace forager::journal::format
