#include "aws/instant.h"

namespace forager::aws {
namespace {

namespace chr = std::chrono;

class Reader {
 public:
  explicit Reader(std::string_view text) : left_(text) {}
  /// Exactly `digits` decimal digits.
  int number(int digits) {
    int value = 0;
    for (int i = 0; i < digits; ++i) {
      if (left_.empty() || left_.front() < '0' || left_.front() > '9') {
        good_ = false;
        return 0;
      }
      value = value * 10 + (left_.front() - '0');
      left_.remove_prefix(1);
    }
    return value;
  }
  bool take(char wanted) {
    if (left_.empty() || left_.front() != wanted) return false;
    left_.remove_prefix(1);
    return true;
  }
  void need(char wanted) { good_ = take(wanted) && good_; }
  chr::nanoseconds fraction() {
    long nanos = 0;
    long unit = 100'000'000;
    bool any = false;
    while (!left_.empty() && left_.front() >= '0' && left_.front() <= '9') {
      nanos += (left_.front() - '0') * unit;
      unit /= 10;
      any = true;
      left_.remove_prefix(1);
    }
    good_ = good_ && any;
    return chr::nanoseconds(nanos);
  }
  /// Z, +hh:mm or +hhmm: how far the text is ahead of UTC.
  chr::minutes offset() {
    if (take('Z')) return {};
    const int sign = take('-') ? -1 : 1;
    if (sign == 1) need('+');
    const int hours = number(2);
    take(':');
    const int minutes = number(2);
    good_ = good_ && hours < 24 && minutes < 60;
    return sign * (chr::hours(hours) + chr::minutes(minutes));
  }
  bool done() const { return good_ && left_.empty(); }

 private:
  std::string_view left_;
  bool good_ = true;
};

}  // namespace

std::optional<WallTime> parse_instant(std::string_view text) {
  Reader from(text);
  const int year = from.number(4);
  from.need('-');
  const int month = from.number(2);
  from.need('-');
  const int day = from.number(2);
  from.need('T');
  const int hour = from.number(2);
  from.need(':');
  const int minute = from.number(2);
  from.need(':');
  const int second = from.number(2);
  const auto fraction = from.take('.') ? from.fraction() : chr::nanoseconds(0);
  const auto ahead = from.offset();
  const chr::year_month_day date{chr::year(year), chr::month(static_cast<unsigned>(month)),
                                 chr::day(static_cast<unsigned>(day))};
  // nanoseconds since 1970 end in 2262; a leap second is the next minute's first
  const bool sound = from.done() && date.ok() && year >= 1970 && year <= 2200 && hour < 24 &&
                     minute < 60 && second <= 60;
  if (!sound) return std::nullopt;
  return WallTime(chr::sys_days(date).time_since_epoch()) + chr::hours(hour) +
         chr::minutes(minute) + chr::seconds(second) - ahead + fraction;
}

}  // namespace forager::aws
