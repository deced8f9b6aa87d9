#include "tools/before.h"

#include <chrono>
#include <cstdio>

#include <fmt/format.h>

#include "config/values.h"

namespace forager::tools {

Result<WallTime> parse_before(const std::string& text, WallTime now) {
  namespace chr = std::chrono;
  constexpr chr::milliseconds most = chr::hours(24 * 365 * 100);
  if (const auto age = config::parse_duration(text, chr::milliseconds(1), most)) return now - *age;
  int year = 0;
  unsigned month = 0, day = 0, hour = 0, minute = 0, second = 0;
  char end = '\0';
  int used = 0;
  const int got = std::sscanf(text.c_str(), "%4d-%2u-%2uT%2u:%2u:%2u%c%n", &year, &month, &day,
                              &hour, &minute, &second, &end, &used);
  const chr::year_month_day date{chr::year(year), chr::month(month), chr::day(day)};
  const bool good = got == 7 && end == 'Z' && static_cast<std::size_t>(used) == text.size() &&
                    date.ok() && hour < 24 && minute < 60 && second < 60;
  if (!good) {
    return fault(
        fmt::format("--before: {} is no moment; write an age as 2h or 7d, or a time as "
                    "2026-11-24T06:00:00Z",
                    config::in_quotes(text)));
  }
  return WallTime(chr::sys_days(date)) + chr::hours(hour) + chr::minutes(minute) +
         chr::seconds(second);
}

}  // namespace forager::tools
