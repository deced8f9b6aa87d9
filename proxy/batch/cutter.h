// Parts of a record: how many items fit, what a part will weigh, and its bytes. Wraps
// otlp/take_apart and remembers the cut index of the record it was last asked about, since parts of
// one record are asked for one after the other.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "journal/record.h"
#include "otlp/take_apart.h"

namespace forager::batch {

/// Most bytes that giving a log record its missing time adds to a body, per item: the field and
/// longer lengths around it (DESIGN, "Missing log time").
inline constexpr std::size_t log_time_bytes = 16;

/// Pure apart from what it remembers. Items are counted in the order of the record; ranges are
/// [first, last).
class Cutter {
 public:
  /// `adds_log_time`: bodies will get log times, so sizes leave room for them.
  explicit Cutter(bool adds_log_time) : adds_log_time_(adds_log_time) {}

  /// The whole record as it will be sent, at most.
  std::size_t size(const journal::Record& record) const {
    return record.bytes() + growth(record, record.items);
  }
  /// A part as it will be sent, at most.
  std::size_t part_size(const journal::Record& record, std::uint32_t first, std::uint32_t last);
  /// How many items from `first` make a part within both limits; 0: not even the first alone.
  std::uint32_t fit(const journal::Record& record, std::uint32_t first, std::size_t bytes,
                    std::uint32_t items);
  /// The first item of the range that with its envelope is over `bytes`; `last`: none is.
  std::uint32_t first_over(const journal::Record& record, std::uint32_t first, std::uint32_t last,
                           std::size_t bytes);
  /// The bytes of a part: a valid request with the envelopes repeated.
  Buffer part(const journal::Record& record, std::uint32_t first, std::uint32_t last);

 private:
  std::size_t growth(const journal::Record& record, std::uint32_t items) const {
    return adds_log_time_ && record.log_time_missing ? items * log_time_bytes : 0;
  }
  const otlp::Cuts& cuts_of(const journal::Record& record);

  bool adds_log_time_;
  journal::Position position_ = 0;  ///< of the record `cuts_` belongs to; 0: none
  otlp::Cuts cuts_;
};

}  // namespace forager::batch
