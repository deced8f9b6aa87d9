// One accepted OTLP request. Its bytes are never changed after admission; every destination reads
// the same ones.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/time.h"
#include "otlp/signal.h"

namespace forager::journal {

/// A record's number in the log: grows by one, never reused, never 0.
using Position = std::uint64_t;

/// Which key and dataset a record goes out with: an index into admit's key ring. 0 is Forager's own
/// key, no dataset of the app's. Batches never mix groups.
using GroupId = std::uint32_t;
inline constexpr GroupId own_group = 0;

struct Record {
  Position position = 0;  ///< set by the journal
  Signal signal = Signal::traces;
  std::uint32_t items = 0;  ///< spans, log records or data points; 0 is never journaled
  std::uint32_t largest_item =
      0;  ///< bytes of the largest item with its envelope, at most 4 GiB - 1
  bool log_time_missing = false;  ///< at least one log record has time_unix_nano 0 or absent
  GroupId group = own_group;
  WallTime arrived{};
  Slice body;  ///< a valid Export*ServiceRequest; empty: on disk only, to be read back when due
  std::uint32_t stored_bytes = 0;  ///< of the body; set by the journal
  bool recovered = false;          ///< of an earlier run

  /// Of the body, wherever it is.
  std::size_t bytes() const { return body.empty() ? stored_bytes : body.size(); }
};

}  // namespace forager::journal
