#include "export/retry.h"

#include <gtest/gtest.h>

#include "export/breaker.h"

namespace forager::exporter {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr RetryConfig config{seconds(1), seconds(60)};
constexpr double almost_one = 0.999999;

TEST(Retry, GrowsByDoublingUpToTheMaximum) {
  EXPECT_NEAR(static_cast<double>(backoff(config, 1, {}, almost_one) / milliseconds(1)), 1000, 1);
  EXPECT_NEAR(static_cast<double>(backoff(config, 4, {}, almost_one) / milliseconds(1)), 8000, 1);
  EXPECT_NEAR(static_cast<double>(backoff(config, 7, {}, almost_one) / milliseconds(1)), 60000, 1);
  EXPECT_LE(backoff(config, UINT32_MAX, {}, almost_one), seconds(60)) << "no overflow, no give-up";
}

TEST(Retry, IsFullyJittered) {
  EXPECT_EQ(backoff(config, 3, {}, 0.5), seconds(2));
  EXPECT_EQ(backoff(config, 3, {}, 0), milliseconds(1));
}

TEST(Retry, NeverComesEarlierThanItWasAskedTo) {
  EXPECT_EQ(backoff(config, 1, seconds(30), 0), seconds(30));
  EXPECT_EQ(backoff(config, 1, seconds(30), 0.5), seconds(30) + milliseconds(500));
  EXPECT_EQ(backoff(config, 1, seconds(100), 0), seconds(100)) << "also over the maximum";
  EXPECT_EQ(backoff(config, 1, seconds(-5), 0.5), milliseconds(500));
  EXPECT_EQ(backoff(config, 1, Duration::max(), 0), retry_after_max);
}

constexpr std::size_t small = 1000;

TEST(Breaker, OpensAfterFailuresInARowAndLetsOneProbeThrough) {
  Breaker breaker(3, 4);
  const Time start{seconds(100)};
  breaker.failed(start, start, seconds(5));
  breaker.failed(start, start, seconds(5));
  breaker.succeeded(start, small, start);
  breaker.failed(start, start, seconds(5));
  breaker.failed(start, start, seconds(5));
  EXPECT_FALSE(breaker.open());
  breaker.failed(start, start, seconds(5));
  EXPECT_TRUE(breaker.open());
  EXPECT_EQ(breaker.allowed(start + milliseconds(4999)), 0U);
  EXPECT_EQ(breaker.allowed(start + seconds(5)), 1U);
  breaker.failed(start + seconds(5), start + seconds(6), seconds(5));
  EXPECT_EQ(breaker.allowed(start + seconds(10)), 0U) << "the probe failed";
}

TEST(Breaker, StartsSlowlyAfterAnOutage) {
  Breaker breaker(1, 4);
  breaker.failed(Time{}, Time{}, seconds(1));
  breaker.succeeded(Time{}, small, Time{});
  EXPECT_EQ(breaker.allowed(Time{}), 1U);
  breaker.succeeded(Time{}, small, Time{});
  EXPECT_EQ(breaker.allowed(Time{}), 2U);
  for (int i = 0; i < 5; ++i) breaker.succeeded(Time{}, small, Time{});
  EXPECT_EQ(breaker.allowed(Time{}), 4U);
}

TEST(Concurrency, HalvesOnceARoundWhenItIsTurnedAwayAndThenGrowsByOneARound) {
  Concurrency concurrency(16);
  const Time sent{seconds(100)};
  for (int i = 0; i < 8; ++i) concurrency.turned_away(sent, sent + milliseconds(10));
  EXPECT_EQ(concurrency.allowed(), 8U) << "all of them went out before the first answer";
  concurrency.turned_away(sent + milliseconds(20), sent + milliseconds(30));
  EXPECT_EQ(concurrency.allowed(), 4U);
  const Time later = sent + seconds(1);
  for (int i = 0; i < 3; ++i) concurrency.answered(later, small, later + milliseconds(10));
  EXPECT_EQ(concurrency.allowed(), 4U);
  concurrency.answered(later, small, later + milliseconds(10));
  EXPECT_EQ(concurrency.allowed(), 5U);
}

TEST(Concurrency, NeverFallsBelowOne) {
  Concurrency concurrency(2);
  for (int i = 1; i < 9; ++i)
    concurrency.turned_away(Time{seconds(i)}, Time{seconds(i)} + milliseconds(1));
  EXPECT_EQ(concurrency.allowed(), 1U);
}

TEST(Concurrency, StaysWhileAnswersAreSlowAndGrowsWhenThatIsHowItIsNow) {
  Concurrency concurrency(8);
  Time now{seconds(100)};
  const auto answer = [&](milliseconds took, std::size_t bytes = small) {
    now += took;
    concurrency.answered(now - took, bytes, now);
  };
  answer(milliseconds(30));
  concurrency.restart();
  for (int i = 0; i < 20; ++i) answer(milliseconds(400));
  EXPECT_EQ(concurrency.allowed(), 1U) << "a queue over there";
  answer(milliseconds(400), 4'000'000);
  EXPECT_EQ(concurrency.allowed(), 2U) << "a large body may take longer";
  for (int i = 0; i < 200; ++i) answer(milliseconds(400));
  EXPECT_EQ(concurrency.allowed(), 8U) << "for a minute nothing was quicker";
}

}  // namespace
}  // namespace forager::exporter
