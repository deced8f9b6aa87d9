// ISO 8601 points in time as AWS writes them: "2026-01-01T00:00:00Z", with or without a fraction,
// with Z or an offset. Pure.
#pragma once

#include <optional>
#include <string_view>

#include "base/time.h"

namespace forager::aws {

/// nullopt: not such a time, or not a day of the calendar. Fractions below a nanosecond are cut.
std::optional<WallTime> parse_instant(std::string_view text);

}  // namespace forager::aws
