// Honeycomb stores a log record without time_unix_nano at 1970 (PROTOCOLS 2.7): this gives such
// records the time they were observed, or else the time they arrived here. Pure; any thread.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace forager::otlp {

/// A copy of a valid logs body in which every record has a time; the same slice when none was
/// missing one. By record, where 1 is time_unix_nano and 11 observed_time_unix_nano, absent and 0
/// are the same, and of duplicates the last counts:
///   1 is there                     untouched
///   1 is an explicit 0             overwritten by 11, which stays, or by the arrival
///   no 1, but 11                   11 becomes 1: only its tag changes
///   no 1, 11 an explicit 0         the same, and its value becomes the arrival
///   neither                        9 bytes are put in front, and the lengths around it grow
/// All else is the same, byte for byte. `arrived_nanos`: since 1970.
Slice with_log_time(const Slice& body, std::uint64_t arrived_nanos);

}  // namespace forager::otlp
