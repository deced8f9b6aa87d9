#include "aws/schedule.h"

#include <random>

#include <gtest/gtest.h>

namespace forager::aws {
namespace {

using namespace std::chrono_literals;

/// Both clocks under the test's hand, and a schedule with keys of a given life.
struct Clocked {
  Now now{Time(1000h), WallTime(500000h)};
  double unit = 0.5;
  Schedule schedule;

  void pass(Duration time) {
    now.steady += time;
    now.wall += std::chrono::duration_cast<WallTime::duration>(time);
    schedule.look(now);
  }
  Duration wait() const { return schedule.next() - now.steady; }
  void start() { schedule.started(now.steady); }
  void got(Duration left, bool changed = true, bool stable = false) {
    start();
    schedule.succeeded({left, changed, stable}, now, unit);
  }
  void fail() {
    start();
    schedule.failed(now, unit);
  }
};

TEST(Schedule, FetchesAtOnceAtFirst) {
  const Clocked c;
  EXPECT_LE(c.schedule.next(), c.now.steady);
}

TEST(Schedule, FetchesBetweenFifteenAndTenMinutesBeforeTheEnd) {
  Clocked c;
  c.unit = 0;
  c.got(6h);
  EXPECT_EQ(c.wait(), 6h - 15min);
  c.unit = 0.999999;
  c.got(6h);
  EXPECT_NEAR(std::chrono::duration<double>(c.wait()).count(),
              std::chrono::duration<double>(6h - 10min).count(), 1);
}

TEST(Schedule, FetchesShortLivedOnesAtHalfOfTheirLife) {
  Clocked c;
  c.unit = 0;
  c.got(10min);
  EXPECT_EQ(c.wait(), 5min);
  c.got(1min);
  EXPECT_EQ(c.wait(), 30s);
}

TEST(Schedule, NeverSpinsOnKeysThatEndAtOnce) {
  Clocked c;
  c.unit = 0;
  for (const Duration life : {Duration(1ms), Duration(0s), Duration(-1h)}) {
    c.got(life);
    EXPECT_GE(c.wait(), 1s);
  }
}

TEST(Schedule, AsksOnceAMinuteWhenTheSourceStillHasTheOldOnes) {
  Clocked c;
  c.got(6h);
  c.pass(6h - 14min);
  c.got(14min, false);
  EXPECT_GE(c.wait(), 30s);
  EXPECT_LE(c.wait(), 60s);
  c.pass(5min);
  c.got(9min, false);  // urgent now
  EXPECT_GE(c.wait(), 15s);
  EXPECT_LE(c.wait(), 30s);
}

TEST(Schedule, ShortLivedOnesAreUrgentInTheirLastThird) {
  Clocked c;
  c.got(10min);
  c.pass(5min);
  c.got(5min, false);
  EXPECT_GE(c.wait(), 30s);
  c.unit = 0.99;
  c.pass(2min);
  c.got(3min, false);
  EXPECT_LE(c.wait(), 30s);
}

TEST(Schedule, AnInstanceWithGoodOnesIsAskedAsAnybody) {
  Clocked c;
  c.unit = 0;
  c.got(6h, true, true);
  EXPECT_EQ(c.wait(), 6h - 15min);
}

TEST(Schedule, BacksOffAfterFailuresWithJitter) {
  Clocked c;
  c.unit = 0;
  const Duration least[] = {500ms, 1s, 2s, 4s, 8s, 15s, 15s, 15s};
  for (const Duration each : least) {
    c.fail();
    EXPECT_EQ(c.wait(), each);
    c.pass(c.wait());
  }
  c.unit = 0.999999;
  c.fail();
  EXPECT_NEAR(std::chrono::duration<double>(c.wait()).count(), 30, 0.1);
  for (int i = 0; i < 100; ++i) c.fail();
  EXPECT_LE(c.wait(), 30s);
}

TEST(Schedule, TakesItsTimeWhileTheOldOnesAreGood) {
  Clocked c;
  c.got(6h);
  c.pass(6h - 14min);
  for (int i = 0; i < 10; ++i) c.fail();
  EXPECT_GT(c.wait(), 30s);
  EXPECT_LE(c.wait(), 60s);
  EXPECT_FALSE(c.schedule.over(c.now.steady));
  c.pass(5min);
  c.fail();
  EXPECT_LE(c.wait(), 30s);
}

TEST(Schedule, LeavesAnInstanceWithOldOnesInPeaceForAWhile) {
  Clocked c;
  c.unit = 0;
  c.got(-1h, true, true);
  EXPECT_EQ(c.wait(), 5min);
  EXPECT_TRUE(c.schedule.over(c.now.steady));
  c.unit = 0.999999;
  c.got(-1h, false, true);
  EXPECT_NEAR(std::chrono::duration<double>(c.wait()).count(), 600, 1);
  c.got(-1h, false, false);
  EXPECT_LE(c.wait(), 30s);
}

TEST(Schedule, StaleOnesAreReplacedAtOnceButNotMoreThanTwiceAMinute) {
  Clocked c;
  c.got(6h);
  EXPECT_TRUE(c.schedule.ask(c.now.steady));
  EXPECT_EQ(c.wait(), 30s);
  EXPECT_FALSE(c.schedule.ask(c.now.steady));
  c.pass(10min);
  c.got(6h);
  c.pass(31s);
  EXPECT_TRUE(c.schedule.ask(c.now.steady));
  EXPECT_EQ(c.wait(), 0s);
  c.fail();
  EXPECT_FALSE(c.schedule.ask(c.now.steady));  // the backoff is shorter
}

TEST(Schedule, KeysWithoutEndAreFetchedOnce) {
  Clocked c;
  c.start();
  c.schedule.succeeded({std::nullopt}, c.now, 0);
  EXPECT_EQ(c.schedule.next(), Time::max());
  c.pass(1000h);
  EXPECT_EQ(c.schedule.next(), Time::max());
  EXPECT_TRUE(c.schedule.ask(c.now.steady));
  c.start();
  c.schedule.succeeded({std::nullopt, false, false, 10s}, c.now, 0);
  EXPECT_EQ(c.wait(), 10s);
}

TEST(Schedule, NoticesThatTheMachineSlept) {
  Clocked c;
  c.unit = 0;
  c.got(6h);
  c.now.wall += 5h;  // the steady clock stood still
  c.schedule.look(c.now);
  EXPECT_EQ(*c.schedule.left(c.now.steady), 1h);
  EXPECT_EQ(c.wait(), 45min);
  c.now.wall += 3h;
  c.schedule.look(c.now);
  EXPECT_TRUE(c.schedule.over(c.now.steady));
  EXPECT_LE(c.wait(), 0s);
}

TEST(Schedule, AWallClockThatIsSetBackMakesNoKeysYounger) {
  Clocked c;
  c.unit = 0;
  c.got(6h);
  c.now.wall -= 24h;
  c.schedule.look(c.now);
  EXPECT_EQ(c.wait(), 6h - 15min);
  c.pass(1h);
  EXPECT_EQ(c.wait(), 5h - 15min);
}

/// An hour of failures, simulated, from keys with minutes left: tries never stop and never crowd.
TEST(Schedule, AnHourOfFailures) {
  std::minstd_rand random(7);
  std::uniform_real_distribution<double> unit;
  for (int run = 0; run < 200; ++run) {
    Clocked c;
    c.got(20min);
    c.pass(c.wait());
    const Time begun = c.now.steady;
    int tries = 0;
    while (c.now.steady - begun < 1h) {
      c.unit = unit(random);
      c.fail();
      ++tries;
      ASSERT_GE(c.wait(), 500ms);
      ASSERT_LE(c.wait(), 60s);
      c.pass(c.wait());
    }
    EXPECT_TRUE(c.schedule.over(c.now.steady));
    EXPECT_GE(tries, 100);
    EXPECT_LE(tries, 240);
    c.got(6h);
    EXPECT_EQ(c.schedule.failures(), 0U);
    EXPECT_GT(c.wait(), 5h);
  }
}

}  // namespace
}  // namespace forager::aws
