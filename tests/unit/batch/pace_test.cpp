#include "batch/pace.h"

#include <gtest/gtest.h>

namespace forager::batch {
namespace {

using std::chrono::milliseconds;

constexpr Pace::Config ten_to_fifty{milliseconds(10), milliseconds(50)};
const Time start{std::chrono::seconds(100)};

/// Sends evenly spaced records as the pace lets it, and tells the most that one of them waited.
Duration longest_wait(milliseconds apart, int records) {
  Pace pace(ten_to_fifty);
  Duration longest{0};
  std::size_t gathered = 0;
  Time oldest{};
  for (int i = 0; i < records; ++i) {
    const Time arrived = start + apart * i;
    if (gathered != 0 && pace.until() <= arrived) {
      longest = std::max<Duration>(longest, pace.until() - oldest);
      pace.sent(gathered, pace.until());
      gathered = 0;
    }
    if (gathered++ == 0) oldest = arrived;
    if (pace.until() > arrived) continue;
    pace.sent(gathered, arrived);
    gathered = 0;
  }
  return longest;
}

TEST(Pace, LetsTheFirstGoAtOnce) { EXPECT_EQ(Pace(ten_to_fifty).until(), Time::min()); }

TEST(Pace, WaitsLongerAfterMoreRecordsAndNeverLongerThanItsMost) {
  Pace pace(ten_to_fifty);
  pace.sent(1, start);
  EXPECT_EQ(pace.until(), start + milliseconds(10));
  pace.sent(4, start);
  EXPECT_EQ(pace.until(), start + milliseconds(40));
  pace.sent(5, start);
  EXPECT_EQ(pace.until(), start + milliseconds(50));
  pace.sent(1'000'000'000'000, start);
  EXPECT_EQ(pace.until(), start + milliseconds(50));
}

TEST(Pace, NeverHoldsUpASparseStream) {
  EXPECT_EQ(longest_wait(milliseconds(11), 1000), Duration::zero());
}

TEST(Pace, SlowsADenseStreamToItsMost) {
  const Duration longest = longest_wait(milliseconds(2), 1000);
  EXPECT_GT(longest, milliseconds(40));
  EXPECT_LE(longest, milliseconds(50));
}

TEST(Pace, OfNothingIsNoPace) {
  Pace pace({});
  pace.sent(100, start);
  EXPECT_EQ(pace.until(), Time::min());
}

}  // namespace
}  // namespace forager::batch
