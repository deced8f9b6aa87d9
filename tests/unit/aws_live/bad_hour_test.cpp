// An hour of bad credentials, simulated: a real delivery over a real journal, the schedule of the
// provider, and an endpoint that refuses to give keys, all under one clock.
#include <random>

#include <gtest/gtest.h>

#include "aws/schedule.h"
#include "unit/export/world.h"

namespace forager::aws {
namespace {

using namespace std::chrono_literals;

/// What AWS answers to keys that are over (PROTOCOLS 3.1).
destination::Verdict judged(Time now, Time keys_end) {
  if (now < keys_end) return destination::Delivered{};
  return destination::Park{"403: The security token included in the request is expired", true};
}

struct Hour {
  Hour() { schedule.succeeded({20min, true}, both(), 0.5); }
  Now both() const { return {world.now, WallTime(world.now.time_since_epoch())}; }
  bool endpoint_fails() const { return world.now >= begin && world.now < begin + 1h; }

  /// The provider: fetches when it is due.
  void fetch() {
    if (schedule.next() > world.now) return;
    schedule.started(world.now);
    ++fetches;
    const double share = unit(random);
    if (endpoint_fails()) return schedule.failed(both(), share);
    keys_end = world.now + 20min;
    schedule.succeeded({20min, true}, both(), share);
    world.delivery.credentials_changed(world.now);
  }
  /// The exporter: sends what there is to send, with what keys there are.
  void send() {
    while (auto* attempt = world.send()) {
      const auto verdict = judged(world.now, keys_end);
      const auto* park = std::get_if<destination::Park>(&verdict);
      if (park != nullptr) {
        ++refused;
        if (schedule.ask(world.now)) ++asked;
      } else {
        delivered += attempt->items;
      }
      world.answer(attempt, verdict);
    }
  }
  void second() {
    world.add({.signal = Signal::traces, .first = added, .items = 5});
    added += 5;
    fetch();
    send();
    world.now += 1s;
  }

  test::World world;
  std::minstd_rand random{11};
  std::uniform_real_distribution<double> unit;
  Schedule schedule;
  const Time begin = world.now + 5min;
  Time keys_end = world.now + 20min;
  std::uint64_t added = 0;
  std::uint64_t delivered = 0;
  int fetches = 0;
  int refused = 0;
  int asked = 0;
};

TEST(BadHour, LosesNothing) {
  Hour hour;
  const Time end = hour.begin + 1h;
  while (hour.world.now < end) {
    hour.second();
    ASSERT_EQ(hour.world.imbalance(), "");
  }
  // 15 of the 65 minutes went before the keys ended; since then all is held
  EXPECT_LE(hour.delivered, 20 * 60 * 5U);
  EXPECT_GE(hour.delivered, 19 * 60 * 5U);
  EXPECT_GE(hour.world.delivery.state().held.items, 44 * 60 * 5U);
  // the destination is left in peace, and so is who gives the keys
  EXPECT_GE(hour.refused, 60);
  EXPECT_LE(hour.refused, 45 * 2 + 5);
  EXPECT_GE(hour.fetches, 90);
  EXPECT_LE(hour.fetches, 240);
  // keys come back within the backoff, and all that waited goes
  while (hour.world.now < end + 35s) hour.second();
  hour.send();
  EXPECT_EQ(hour.world.count(ledger::Reason::delivered), hour.delivered);
  EXPECT_GE(hour.delivered, hour.added - 5);
  hour.world.delivery.drain();
  hour.send();
  EXPECT_EQ(hour.delivered, hour.added);
  EXPECT_TRUE(hour.world.delivery.drained());
  EXPECT_EQ(hour.world.imbalance(), "");
}

}  // namespace
}  // namespace forager::aws
