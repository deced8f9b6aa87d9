#include "aws/provider.h"

#include <set>

#include <gtest/gtest.h>

#include "unit/aws_live/running.h"

namespace forager::aws {
namespace {

/// Keys that live for 300 ms: at every instant of two seconds there are ones that are still good.
TEST(Provider, RotatesAheadOfTheEnd) {
  std::atomic<int> number = 0;
  Endpoint endpoint([&number](const std::string&) {
    return Reply{200, json_keys(fmt::format("ASIAROTATION{:04}", ++number), in(milliseconds(300)))};
  });
  Running it(container_at(endpoint));
  ASSERT_TRUE(it.has("ASIAROTATION0001"));
  int looks = 0;
  Duration least = hours(1);
  ASSERT_TRUE(it.loop().run_until([&] {
    ++looks;
    least = std::min(least, *it.provider().state().expires_in);
    return it.changes() >= 12;
  }));
  EXPECT_GT(looks, 12);
  EXPECT_GT(least, Duration::zero()) << "there was a time without good keys";
  EXPECT_EQ(it.provider().state().failures, 0U);
  EXPECT_EQ(std::set(it.ids().begin(), it.ids().end()).size(), it.ids().size());
}

TEST(Provider, KeepsTheOldOnesWhileItFails) {
  Endpoint endpoint(
      [](const std::string&) { return Reply{200, json_keys(first_id, in(milliseconds(150)))}; });
  Running it(container_at(endpoint));
  ASSERT_TRUE(it.has(first_id));
  endpoint.answer_with([](const std::string&) { return Reply{403, ""}; });
  ASSERT_TRUE(it.loop().run_until([&] { return it.provider().state().failures >= 10; }));
  EXPECT_LT(*it.provider().state().expires_in, Duration::zero());
  ASSERT_TRUE(it.provider().current());
  EXPECT_EQ(it.provider().current()->id, first_id);
  EXPECT_EQ(it.provider().why_none(), "");
  endpoint.answer_with(
      [](const std::string&) { return Reply{200, json_keys(second_id, in(hours(6)))}; });
  ASSERT_TRUE(it.has(second_id));
  EXPECT_EQ(it.changes(), 2);
}

TEST(Provider, FetchesWhenADestinationFindsThemStaleButNotEachTime) {
  std::atomic<int> number = 0;
  Endpoint endpoint([&number](const std::string&) {
    return Reply{200, json_keys(fmt::format("ASIAROTATION{:04}", ++number), in(hours(6)))};
  });
  Running it(container_at(endpoint));
  ASSERT_TRUE(it.has("ASIAROTATION0001"));
  const Time begun = std::chrono::steady_clock::now();
  ASSERT_TRUE(it.loop().run_until([&] {
    it.provider().refresh_now();
    return it.changes() >= 5;
  }));
  // 4 more, each 100 ms after the one before at the earliest
  EXPECT_GE(std::chrono::steady_clock::now() - begun, milliseconds(290));
  EXPECT_LE(endpoint.count(), 6U);
}

TEST(Provider, TrustsTheClockOfWhoGaveThem) {
  // this machine's clock is wrong, or theirs: six hours of life are six hours all the same
  Endpoint endpoint([](const std::string&) {
    return Reply{200, json_keys(first_id, "2001-01-01T06:00:00Z"),
                 "Date: Mon, 01 Jan 2001 00:00:00 GMT\r\n"};
  });
  Running it(container_at(endpoint));
  ASSERT_TRUE(it.has(first_id));
  EXPECT_GT(*it.provider().state().expires_in, hours(6) - minutes(1));
  EXPECT_EQ(it.provider().state().trouble, "");
}

TEST(Provider, StopsInTheMiddleOfAFetch) {
  Endpoint endpoint([](const std::string&) { return Reply{200, "", "", true}; });
  auto settings = Running::settings_of(container_at(endpoint));
  settings.patience.container_timeout = minutes(1);
  Running it(std::move(settings));
  ASSERT_TRUE(it.loop().run_until([&] { return endpoint.count() == 1; }));
}

TEST(Provider, TheFirstAnswerCanBeWaitedFor) {
  Endpoint endpoint(
      [](const std::string&) { return Reply{200, json_keys(first_id, in(hours(6)))}; });
  Running good(container_at(endpoint));
  const auto keys =
      good.loop().run(good.provider().first(std::chrono::steady_clock::now() + seconds(10)));
  ASSERT_TRUE(keys) << keys.error().what;
  EXPECT_EQ(keys->id, first_id);
  Running bad({{"AWS_ACCESS_KEY_ID", "AKIA"}});
  const auto none =
      bad.loop().run(bad.provider().first(std::chrono::steady_clock::now() + seconds(10)));
  ASSERT_FALSE(none);
  EXPECT_TRUE(holds(none.error().what, "AWS_SECRET_ACCESS_KEY is not"));
}

}  // namespace
}  // namespace forager::aws
