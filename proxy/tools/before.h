// The moment that --before names.
#pragma once

#include <string>

#include "base/result.h"
#include "base/time.h"

namespace forager::tools {

/// "2h": what arrived more than two hours ago. "2026-11-24T06:13:03Z": what arrived before that, in
/// UTC.
Result<WallTime> parse_before(const std::string& text, WallTime now);

}  // namespace forager::tools
