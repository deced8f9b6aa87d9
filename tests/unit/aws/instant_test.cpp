#include "aws/instant.h"

#include <gtest/gtest.h>

namespace forager::aws {
namespace {

using namespace std::chrono_literals;

long seconds_of(std::string_view text) {
  const auto at = parse_instant(text);
  return at ? std::chrono::duration_cast<std::chrono::seconds>(at->time_since_epoch()).count() : -1;
}

TEST(Instant, ReadsWhatAwsWrites) {
  EXPECT_EQ(seconds_of("2026-01-01T00:00:00Z"), 1767225600);
  EXPECT_EQ(seconds_of("2028-02-29T23:59:59Z"), 1835481599);
  EXPECT_EQ(seconds_of("2026-01-01T02:00:00+02:00"), 1767225600);
  EXPECT_EQ(seconds_of("2025-12-31T19:30:00-0430"), 1767225600);
}

TEST(Instant, KeepsFractions) {
  const auto at = parse_instant("2026-01-01T00:00:00.25Z");
  ASSERT_TRUE(at);
  EXPECT_EQ(at->time_since_epoch() % 1s, 250ms);
  EXPECT_EQ(parse_instant("2026-01-01T00:00:00.1234567891234Z")->time_since_epoch() % 1s,
            123456789ns);
}

TEST(Instant, RefusesWhatIsNoTime) {
  for (const char* text :
       {"", "2026-01-01", "2026-01-01T00:00:00", "2026-02-30T00:00:00Z", "2026-13-01T00:00:00Z",
        "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:61Z",
        "2026-01-01T00:00:00.Z", "2026-01-01 00:00:00Z", "2026-01-01T00:00:00Zx",
        "2026-01-01T00:00:00+25:00", "x026-01-01T00:00:00Z", "-026-01-01T00:00:00Z",
        "9999-01-01T00:00:00Z", "0001-01-01T00:00:00Z"}) {
    EXPECT_FALSE(parse_instant(text)) << text;
  }
}

}  // namespace
}  // namespace forager::aws
