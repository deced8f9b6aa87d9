// A point in time as people and machines both read it: RFC 3339 in UTC with milliseconds.
#pragma once

#include <chrono>
#include <string>

#include <fmt/format.h>

#include "base/time.h"

namespace forager {

/// "2026-11-24T06:13:03.123Z".
inline std::string iso_time(WallTime t) {
  namespace chr = std::chrono;
  const auto day = chr::floor<chr::days>(t);
  const chr::year_month_day date(day);
  const chr::hh_mm_ss clock(chr::floor<chr::milliseconds>(t - day));
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

}  // namespace forager
