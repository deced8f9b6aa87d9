// A steady stream goes out in few requests, and nothing waits when it need not.
#include <gtest/gtest.h>

#include "unit/export/world.h"

namespace forager::exporter {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::World;

DeliveryConfig paced() {
  DeliveryConfig config;
  config.pace = {milliseconds(10), milliseconds(50)};
  return config;
}

/// Sends one record and has it delivered.
void deliver_one(World& world) {
  world.add({.items = 1});
  Attempt* const first = world.send();
  ASSERT_NE(first, nullptr);
  world.answer(first, destination::Delivered{});
}

TEST(DeliveryPace, GathersForAMomentAfterARequestThoughNothingIsInFlight) {
  World world(paced());
  deliver_one(world);
  world.now += milliseconds(4);
  world.add({.items = 1});
  EXPECT_EQ(world.wait(), milliseconds(6));
  world.now += milliseconds(2);
  world.add({.items = 1});
  world.now += milliseconds(4);
  const Attempt* const both = world.send();
  ASSERT_NE(both, nullptr);
  EXPECT_EQ(both->pieces.size(), 2U);
}

TEST(DeliveryPace, SendsAtOnceWhenTheLastRequestWasLongAgo) {
  World world(paced());
  deliver_one(world);
  world.now += milliseconds(10);
  world.add({.items = 1});
  EXPECT_NE(world.send(), nullptr);
}

TEST(DeliveryPace, LeavesTheLingerItsSay) {
  DeliveryConfig config = paced();
  config.linger = milliseconds(5);
  World world(config);
  deliver_one(world);
  world.add({.items = 1});
  EXPECT_EQ(world.wait(), milliseconds(5));
  world.now += milliseconds(5);
  EXPECT_NE(world.send(), nullptr);
}

TEST(DeliveryPace, IsOverWhenDraining) {
  World world(paced());
  deliver_one(world);
  world.add({.items = 1});
  EXPECT_GT(world.wait(), Duration::zero());
  world.delivery.drain();
  EXPECT_NE(world.send(), nullptr);
}

TEST(DeliveryPace, StopsWhereADeliveryWasTheLastCallThatIsAllowed) {
  World w;
  w.add({.items = 2});
  w.answer(w.send(), destination::Delivered{0, {}, seconds(20)});
  EXPECT_EQ(w.count(ledger::Reason::delivered), 2U);
  EXPECT_EQ(w.imbalance(), "");
  w.add({});
  EXPECT_EQ(w.wait(), seconds(20) + milliseconds(500));
  w.delivery.credentials_changed(w.now);
  EXPECT_GE(w.wait(), seconds(20)) << "another key is no excuse";
  w.now += seconds(21);
  Attempt* const attempt = w.send();
  ASSERT_NE(attempt, nullptr);
  w.answer(attempt, destination::Delivered{});
  EXPECT_TRUE(w.delivery.drained());
}

}  // namespace
}  // namespace forager::exporter
