#include "destination/retry_after.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

namespace forager::destination {
namespace {

constexpr std::int64_t seconds_max = std::chrono::seconds(retry_after_max).count();

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\"");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\"") - first + 1);
}

bool all_digits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// Digits only; what doesn't fit is as long as can be.
std::optional<std::int64_t> count_of(std::string_view digits) {
  if (!all_digits(digits)) return std::nullopt;
  std::int64_t value = 0;
  const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return error == std::errc{} ? value : INT64_MAX;
}

Duration capped(std::int64_t seconds) {
  return std::chrono::seconds(std::clamp<std::int64_t>(seconds, 0, seconds_max));
}

/// Takes a text apart from the front; any failure makes it stay failed.
class DateText {
 public:
  explicit DateText(std::string_view text) : text_(text) {}

  void skip(std::string_view exact) {
    good_ = good_ && text_.starts_with(exact);
    if (good_) text_.remove_prefix(exact.size());
  }
  int number(std::size_t digits) {
    const auto value = count_of(text_.substr(0, digits));
    good_ = good_ && text_.size() >= digits && value;
    if (!good_ || !value) return 0;
    text_.remove_prefix(digits);
    return static_cast<int>(*value);
  }
  unsigned month() {
    constexpr std::array<std::string_view, 12> names{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const auto found = std::find(names.begin(), names.end(), text_.substr(0, 3));
    good_ = good_ && found != names.end();
    if (!good_) return 0;
    text_.remove_prefix(3);
    return static_cast<unsigned>(found - names.begin()) + 1;
  }
  std::chrono::seconds time_of_day() {
    const int hour = number(2);
    skip(":");
    const int minute = number(2);
    skip(":");
    const int second = number(2);  // 60 is a leap second
    good_ = good_ && hour < 24 && minute < 60 && second <= 60;
    return std::chrono::hours(hour) + std::chrono::minutes(minute) + std::chrono::seconds(second);
  }
  bool done() const { return good_ && text_.empty(); }
  std::string_view rest() const { return text_; }

 private:
  std::string_view text_;
  bool good_ = true;
};

std::optional<WallTime> instant(const DateText& text, int year, unsigned month, int day,
                                std::chrono::seconds time) {
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(static_cast<unsigned>(day))};
  // Years that the clock's nanoseconds can hold with room to spare
  if (!text.done() || !date.ok() || year < 1900 || year > 2200) return std::nullopt;
  return std::chrono::sys_days(date) + time;
}

/// 06 Nov 1994 08:49:37 GMT
std::optional<WallTime> fixdate(DateText text) {
  const int day = text.number(2);
  text.skip(" ");
  const unsigned month = text.month();
  text.skip(" ");
  const int year = text.number(4);
  text.skip(" ");
  const auto time = text.time_of_day();
  text.skip(" GMT");
  return instant(text, year, month, day, time);
}

/// 06-Nov-94 08:49:37 GMT
std::optional<WallTime> rfc850(DateText text, WallTime now) {
  const int day = text.number(2);
  text.skip("-");
  const unsigned month = text.month();
  text.skip("-");
  int year = text.number(2);
  text.skip(" ");
  const auto time = text.time_of_day();
  text.skip(" GMT");
  const std::chrono::year_month_day today{std::chrono::floor<std::chrono::days>(now)};
  const int this_year = static_cast<int>(today.year());
  year += this_year - this_year % 100;
  if (year > this_year + 50) year -= 100;
  return instant(text, year, month, day, time);
}

/// Nov  6 08:49:37 1994
std::optional<WallTime> asctime(DateText text) {
  const unsigned month = text.month();
  text.skip(" ");
  int day = 0;
  if (text.rest().starts_with(' ')) {
    text.skip(" ");
    day = text.number(1);
  } else {
    day = text.number(2);
  }
  text.skip(" ");
  const auto time = text.time_of_day();
  text.skip(" ");
  const int year = text.number(4);
  return instant(text, year, month, day, time);
}

struct RateLimit {
  std::optional<std::int64_t> remaining;
  std::optional<std::int64_t> reset;
};

RateLimit parse_rate_limit(std::string_view value) {
  RateLimit found;
  while (!value.empty()) {
    const std::size_t end = std::min(value.find_first_of(",;"), value.size());
    const std::string_view part = value.substr(0, end);
    value.remove_prefix(std::min(end + 1, value.size()));
    const std::size_t equals = part.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view name = trimmed(part.substr(0, equals));
    const auto count = count_of(trimmed(part.substr(equals + 1)));
    if (name == "remaining" || name == "r") found.remaining = count;
    if (name == "reset" || name == "t") found.reset = count;
  }
  return found;
}

}  // namespace

std::optional<WallTime> parse_http_date(std::string_view value, WallTime now) {
  // The name of the day says nothing new and is only looked at to tell the forms apart.
  const std::size_t space = value.find(' ');
  if (space == std::string_view::npos || space < 3) return std::nullopt;
  const DateText rest(value.substr(space + 1));
  if (value[space - 1] != ',') return asctime(rest);
  return space == 4 ? fixdate(rest) : rfc850(rest, now);
}

std::optional<Duration> parse_retry_after(std::string_view value, WallTime now) {
  value = trimmed(value);
  if (const auto seconds = count_of(value)) return capped(*seconds);
  const auto date = parse_http_date(value, now);
  if (!date) return std::nullopt;
  return capped(std::chrono::ceil<std::chrono::seconds>(*date - now).count());
}

std::optional<Duration> retry_after(const net::Response& response, WallTime now) {
  if (const auto header = response.header("Retry-After")) {
    if (const auto after = parse_retry_after(*header, now)) return after;
  }
  const auto header = response.header("RateLimit");
  if (!header) return std::nullopt;
  const RateLimit limit = parse_rate_limit(*header);
  const bool asked = response.status == 429 || limit.remaining == 0;
  if (!asked || !limit.reset) return std::nullopt;
  return capped(*limit.reset);
}

}  // namespace forager::destination
