#include "destination/retry_after.h"

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace forager::destination {
namespace {

using namespace std::chrono_literals;
using std::chrono::sys_days;

// Sunday, 6 November 1994, 08:49:37 GMT, the example of RFC 9110
constexpr auto sample = sys_days(std::chrono::year(1994) / 11 / 6) + 8h + 49min + 37s;
constexpr auto in_2026 = sys_days(std::chrono::year(2026) / 8 / 20) + 12h;

net::Response response(int status, std::vector<net::Header> headers) {
  return {status, std::move(headers), ""};
}

TEST(HttpDate, IsReadInItsThreeForms) {
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT", in_2026), sample);
  EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT", in_2026), sample);
  EXPECT_EQ(parse_http_date("Sun Nov  6 08:49:37 1994", in_2026), sample);
  EXPECT_EQ(parse_http_date("Sun Nov 16 08:49:37 1994", in_2026), sample + 240h);
  EXPECT_EQ(parse_http_date("Tue, 29 Feb 2028 23:59:60 GMT", in_2026),
            sys_days(std::chrono::year(2028) / 3 / 1));
}

TEST(HttpDate, TakesTwoDigitsForTheNearestYearNotFiftyAhead) {
  EXPECT_EQ(parse_http_date("Thursday, 20-Aug-26 12:00:00 GMT", in_2026), in_2026);
  EXPECT_EQ(parse_http_date("Thursday, 20-Aug-76 12:00:00 GMT", in_2026),
            sys_days(std::chrono::year(2076) / 8 / 20) + 12h);
  EXPECT_EQ(parse_http_date("Thursday, 20-Aug-77 12:00:00 GMT", in_2026),
            sys_days(std::chrono::year(1977) / 8 / 20) + 12h);
}

TEST(HttpDate, RefusesWhatIsNone) {
  for (const std::string_view text :
       {"", "Sun", "Sun, ", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 CET",
        "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT ", "Sunday, 06-Nov-1994 08:49:37 GMT",
        "Sun Nov 6 08:49:37 1994", "Sun Nov  6 08:49:37 94", "1994-11-06T08:49:37Z",
        "Sun, 06 Nov 9999 08:49:37 GMT"}) {
    EXPECT_EQ(parse_http_date(text, in_2026), std::nullopt) << text;
  }
}

TEST(RetryAfter, IsSecondsOrADateAndNeverMoreThanAnHour) {
  EXPECT_EQ(parse_retry_after("7", in_2026), 7s);
  EXPECT_EQ(parse_retry_after(" 120 ", in_2026), 120s);
  EXPECT_EQ(parse_retry_after("0", in_2026), 0s);
  EXPECT_EQ(parse_retry_after("3600", in_2026), 1h);
  EXPECT_EQ(parse_retry_after("86400", in_2026), 1h);
  EXPECT_EQ(parse_retry_after("99999999999999999999999", in_2026), 1h);
  EXPECT_EQ(parse_retry_after("Thu, 20 Aug 2026 12:00:30 GMT", in_2026), 30s);
  EXPECT_EQ(parse_retry_after("Thu, 20 Aug 2026 12:00:30 GMT", in_2026 + 100ms), 30s)
      << "rounded up";
  EXPECT_EQ(parse_retry_after("Thu, 20 Aug 2026 11:00:00 GMT", in_2026), 0s) << "it is over";
  EXPECT_EQ(parse_retry_after("Fri, 20 Aug 2027 12:00:00 GMT", in_2026), 1h);
}

TEST(RetryAfter, IgnoresNegativeNumbersAndGarbage) {
  for (const std::string_view text : {"-5", "1.5", "7s", "soon", "", " ", "+3", "0x10"}) {
    EXPECT_EQ(parse_retry_after(text, in_2026), std::nullopt) << text;
  }
}

TEST(RetryAfter, ComesBeforeRateLimit) {
  EXPECT_EQ(retry_after(response(429, {{"retry-after", "9"},
                                       {"RateLimit", "limit=5, remaining=0, reset=30"}}),
                        in_2026),
            9s);
  EXPECT_EQ(retry_after(response(429, {{"Retry-After", "garbage"},
                                       {"RateLimit", "limit=5, remaining=0, reset=30"}}),
                        in_2026),
            30s);
  EXPECT_EQ(retry_after(response(503, {}), in_2026), std::nullopt);
}

TEST(RateLimit, CountsWhenNothingRemainsOrTheAnswerIs429) {
  const auto after = [](int status, std::string value) {
    return retry_after(response(status, {{"ratelimit", std::move(value)}}), in_2026);
  };
  EXPECT_EQ(after(503, "limit=100, remaining=0, reset=12"), 12s);
  EXPECT_EQ(after(503, "limit=100, remaining=3, reset=12"), std::nullopt);
  EXPECT_EQ(after(429, "limit=100, remaining=3, reset=12"), 12s);
  EXPECT_EQ(after(429, "limit=100,remaining=0,reset=12"), 12s);
  EXPECT_EQ(after(429, "reset=99999"), 1h);
  EXPECT_EQ(after(429, "\"default\";r=0;t=30"), 30s) << "the newer form";
  EXPECT_EQ(after(503, "\"default\";r=0;t=30"), 30s);
  for (const std::string value :
       {"", "reset", "reset=", "reset=-1", "reset=x", "limit=5", ",,;;="}) {
    EXPECT_EQ(after(429, value), std::nullopt) << value;
  }
}

}  // namespace
}  // namespace forager::destination
