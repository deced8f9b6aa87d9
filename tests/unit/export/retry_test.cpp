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

TEST(Breaker, OpensAfterFailuresInARowAndLetsOneProbeThrough) {
  Breaker breaker(3, 4);
  const Time start{seconds(100)};
  breaker.failed(start, seconds(5));
  breaker.failed(start, seconds(5));
  breaker.succeeded();
  breaker.failed(start, seconds(5));
  breaker.failed(start, seconds(5));
  EXPECT_FALSE(breaker.open());
  EXPECT_EQ(breaker.allowed(start), 4U);
  breaker.failed(start, seconds(5));
  EXPECT_TRUE(breaker.open());
  EXPECT_EQ(breaker.allowed(start + milliseconds(4999)), 0U);
  EXPECT_EQ(breaker.allowed(start + seconds(5)), 1U);
  breaker.failed(start + seconds(6), seconds(5));
  EXPECT_EQ(breaker.allowed(start + seconds(10)), 0U) << "the probe failed";
}

TEST(Breaker, StartsSlowlyAfterAnOutage) {
  Breaker breaker(1, 4);
  breaker.failed(Time{}, seconds(1));
  breaker.succeeded();
  EXPECT_EQ(breaker.allowed(Time{}), 1U);
  breaker.succeeded();
  EXPECT_EQ(breaker.allowed(Time{}), 2U);
  for (int i = 0; i < 5; ++i) breaker.succeeded();
  EXPECT_EQ(breaker.allowed(Time{}), 4U);
}

}  // namespace
}  // namespace forager::exporter
