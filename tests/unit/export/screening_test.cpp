#include "unit/export/world.h"

namespace forager::test {
namespace {

using destination::Delivered;
using destination::Retry;
using destination::Stretch;
using destination::TakeApart;
using exporter::Attempt;
using ledger::Reason;
using Numbers = std::vector<std::uint64_t>;

Stretch sent(std::string lane = {}) {
  Stretch made;
  made.lane = std::move(lane);
  return made;
}

Stretch filtered(Reason reason) {
  Stretch made;
  made.fate = Stretch::Fate::filter;
  made.reason = reason;
  return made;
}

Stretch alone(std::uint32_t requests) {
  Stretch made;
  made.requests = requests;
  return made;
}

Stretch at(std::chrono::hours when) {
  Stretch made;
  made.oldest = made.newest = std::chrono::nanoseconds(when).count();
  return made;
}

Like like(std::function<Stretch(std::uint64_t)> screen) {
  Like made;
  made.screen = std::move(screen);
  return made;
}

/// All requests that go out, each delivered.
std::vector<Numbers> requests(World& world) {
  std::vector<Numbers> made;
  world.serve([&](const Numbers& numbers) -> destination::Verdict {
    made.push_back(numbers);
    return Delivered{};
  });
  return made;
}

TEST(Screening, WhatTheScreenFiltersIsSettledUnsent) {
  World world({}, {}, like([](std::uint64_t number) {
                return number % 2 == 0 ? filtered(Reason::no_error) : sent();
              }));
  world.add({.first = 0, .items = 5});
  EXPECT_EQ(requests(world), (std::vector<Numbers>{{1, 3}}));
  EXPECT_EQ(world.count(Reason::no_error), 3U);
  EXPECT_EQ(world.count(Reason::delivered), 2U);
  EXPECT_TRUE(world.delivery.drained());
}

TEST(Screening, ARecordOfNothingToSendMakesNoRequest) {
  World world({}, {}, like([](std::uint64_t) { return filtered(Reason::no_error); }));
  world.add({.first = 0, .items = 5});
  EXPECT_EQ(world.wait(), Duration::max());
  EXPECT_TRUE(world.delivery.drained());
  EXPECT_EQ(world.imbalance(), "");
}

TEST(Screening, WhatTheDestinationWouldRefuseIsKeptForAPersonWithTheReason) {
  World world({}, {}, like([](std::uint64_t number) {
                if (number != 2) return sent();
                Stretch made = filtered(Reason::outside_window);
                made.fate = Stretch::Fate::quarantine;
                made.why = "15 days old, over 14";
                return made;
              }));
  world.add({.first = 1, .items = 3});
  EXPECT_EQ(requests(world), (std::vector<Numbers>{{1, 3}}));
  EXPECT_EQ(world.count(Reason::outside_window), 1U);
  ASSERT_EQ(world.quarantine.kept().size(), 1U);
  const journal::Quarantined& kept = world.quarantine.kept().front().what;
  EXPECT_EQ(kept.why, "15 days old, over 14");
  EXPECT_EQ(numbers_in(kept.signal, kept.bytes.view()), Numbers{2});
}

TEST(Screening, ARequestHoldsOneLane) {
  World world({}, {}, like([](std::uint64_t number) { return sent(number < 3 ? "a" : "b"); }));
  world.add({.first = 1, .items = 4});
  world.add({.first = 10, .items = 1});
  auto* first = world.send();
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(first->lane, "a");
  EXPECT_EQ(world.numbers(*first), (Numbers{1, 2}));
  auto* second = world.send();
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(second->lane, "b");
  EXPECT_EQ(world.numbers(*second), (Numbers{3, 4, 10}));
  world.answer(first, Delivered{});
  world.answer(second, Delivered{});
  EXPECT_TRUE(world.delivery.drained());
}

TEST(Screening, WholeRecordsOfOneLaneStayWhole) {
  World world({}, {}, like([](std::uint64_t) { return sent("a"); }));
  world.add({.first = 1, .items = 4});
  auto* first = world.send();
  ASSERT_NE(first, nullptr);
  ASSERT_EQ(first->pieces.size(), 1U);
  EXPECT_TRUE(first->pieces.front().whole);
  EXPECT_EQ(first->items, 4U);
  EXPECT_GT(first->bytes, 0U);
}

TEST(Screening, ARequestIsNotHeavierThanTheDestinationSays) {
  Like heavy = like([](std::uint64_t) {
    Stretch made;
    made.weight = 40;
    return made;
  });
  heavy.most.request_weight = 100;
  World world({}, {}, heavy);
  for (std::uint64_t number = 1; number <= 5; ++number) world.add({.first = number});
  EXPECT_EQ(requests(world), (std::vector<Numbers>{{1, 2}, {3, 4}, {5}}));
}

TEST(Screening, ARequestDoesNotReachOverALongerTimeThanTheDestinationTakes) {
  Like spread = like([](std::uint64_t number) { return at(std::chrono::hours(number)); });
  spread.most.spread = std::chrono::hours(24);
  World world({}, {}, spread);
  world.add({.first = 20, .items = 30});
  std::vector<Numbers> sent = requests(world);
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_EQ(sent[0].size(), 25U);  // hours 20 to 44
  EXPECT_EQ(sent[1].size(), 5U);
}

TEST(Screening, AnItemOfSeveralRequestsIsSettledByTheLast) {
  World world({}, {}, like([](std::uint64_t number) { return alone(number == 2 ? 3 : 1); }));
  world.add({.first = 1, .items = 2});
  std::vector<std::pair<Numbers, std::uint32_t>> seen;
  while (Attempt* attempt = world.send()) {
    seen.emplace_back(world.numbers(*attempt), attempt->step);
    world.answer(attempt, Delivered{});
    EXPECT_EQ(world.imbalance(), "");
    EXPECT_EQ(world.count(Reason::delivered), seen.size() < 4 ? 1U : 2U);
  }
  EXPECT_EQ(seen, (std::vector<std::pair<Numbers, std::uint32_t>>{
                      {{1}, 0}, {{2}, 0}, {{2}, 1}, {{2}, 2}}));
  EXPECT_TRUE(world.delivery.drained());
}

TEST(Screening, OneRefusedRequestOfAnItemIsItsVerdictButTheOthersAreSent) {
  World world({}, {}, like([](std::uint64_t) { return alone(3); }));
  world.add({.first = 1, .items = 1});
  int sent = 0;
  while (Attempt* attempt = world.send()) {
    ++sent;
    if (attempt->step == 1) {
      world.answer(attempt, TakeApart{"422: bad level", false});
    } else {
      world.answer(attempt, Delivered{});
    }
  }
  EXPECT_EQ(sent, 3);
  EXPECT_EQ(world.count(Reason::refused_alone), 1U);
  EXPECT_EQ(world.count(Reason::delivered), 0U);
  ASSERT_EQ(world.quarantine.kept().size(), 1U);
  EXPECT_EQ(world.quarantine.kept().front().what.why, "422: bad level");
  EXPECT_TRUE(world.delivery.drained());
}

TEST(Screening, WhatWaitedTooLongIsLookedAtAgain) {
  bool too_old = false;
  Like aging = like([&](std::uint64_t number) {
    if (!too_old || number != 2) return sent();
    Stretch made = filtered(Reason::outside_window);
    made.fate = Stretch::Fate::quarantine;
    return made;
  });
  aging.good_for = std::chrono::hours(1);
  World world({}, {}, aging);
  world.add({.first = 1, .items = 3});
  auto* attempt = world.send();
  ASSERT_NE(attempt, nullptr);
  world.answer(attempt, Retry{std::chrono::minutes(5), "503", false});
  world.now += std::chrono::minutes(50);
  attempt = world.send();
  ASSERT_NE(attempt, nullptr);
  EXPECT_EQ(world.numbers(*attempt), (Numbers{1, 2, 3}));
  EXPECT_EQ(attempt->number, 2U) << "the same request again";
  world.answer(attempt, Retry{std::chrono::hours(2), "503", false});
  too_old = true;
  world.now += std::chrono::hours(4);
  EXPECT_EQ(requests(world), (std::vector<Numbers>{{1, 3}}));
  EXPECT_EQ(world.count(Reason::outside_window), 1U);
  EXPECT_TRUE(world.delivery.drained());
}

TEST(Screening, OfSeveralThatWaitedTooLongOneMayBeNothingAnyMore) {
  bool too_old = false;
  Like aging = like([&](std::uint64_t) {
    if (!too_old) return sent();
    Stretch made = filtered(Reason::outside_window);
    made.fate = Stretch::Fate::quarantine;
    return made;
  });
  aging.good_for = std::chrono::hours(1);
  World world({}, {}, aging);
  world.add({.first = 1, .items = 2});
  auto* attempt = world.send();
  ASSERT_NE(attempt, nullptr);
  world.add({.first = 3, .items = 1});
  world.now += std::chrono::seconds(1);
  auto* second = world.send();
  ASSERT_NE(second, nullptr);
  world.answer(attempt, Retry{std::nullopt, "503", false});
  world.answer(second, Retry{std::nullopt, "503", false});
  too_old = true;
  world.now += std::chrono::hours(4);
  EXPECT_EQ(requests(world), std::vector<Numbers>{});
  EXPECT_EQ(world.count(Reason::outside_window), 3U);
  EXPECT_TRUE(world.delivery.drained());
}

TEST(Screening, WhatIsTakenOutOfARecordLeavesNoRequestOverTheLimit) {
  Like most = like(
      [](std::uint64_t number) { return number % 2 == 0 ? sent() : filtered(Reason::no_error); });
  most.most.request_bytes = 2'000;
  World world({}, {}, most);
  world.add({.first = 1, .items = 100, .per_scope = 100});
  int sent_requests = 0;
  while (Attempt* attempt = world.send()) {
    ++sent_requests;
    EXPECT_LE(world.delivery.raw_body(*attempt).size(), 2'000U);
    world.answer(attempt, Delivered{});
  }
  EXPECT_GE(sent_requests, 2);
  EXPECT_EQ(world.count(Reason::delivered), 50U);
  EXPECT_TRUE(world.delivery.drained());
}

TEST(Screening, SeesTheTimeThatALogRecordWithoutOneWillBeSentWith) {
  std::vector<bool> timed;
  Like logs = like([](std::uint64_t) { return sent(); });
  logs.log_time = true;
  logs.looked_at = [&](std::string_view body) {
    timed.push_back(body.find(wire_fixed64(1, 3'600'000'000'000)) != std::string_view::npos);
  };
  World world({}, {}, logs);
  world.add({.signal = Signal::logs, .first = 1, .items = 1, .log_time = false});
  ASSERT_NE(world.send(), nullptr);
  EXPECT_EQ(timed, std::vector<bool>{true});
}

TEST(Screening, WhileItIsParkedAnEagerScreenStillFilters) {
  Like errors_only = like([](std::uint64_t number) {
    return number % 10 == 0 ? alone(1) : filtered(Reason::no_error);
  });
  errors_only.eager = true;
  World world({}, {}, errors_only);
  world.add({.first = 10, .items = 1});
  auto* attempt = world.send();
  ASSERT_NE(attempt, nullptr);
  world.answer(attempt, destination::Park{"403: wrong token", false});
  world.add({.first = 11, .items = 8});
  world.add({.first = 19, .items = 2});
  world.now += std::chrono::milliseconds(60);
  EXPECT_EQ(world.send(), nullptr);
  EXPECT_EQ(world.count(Reason::no_error), 9U);
  EXPECT_EQ(world.journal.held_items(world.delivery.cursor()), 2U);
  world.delivery.credentials_changed(world.now);
  EXPECT_EQ(requests(world), (std::vector<Numbers>{{20}, {10}}));
  EXPECT_TRUE(world.delivery.drained());
}

TEST(Screening, ABacklogOfNothingToSendIsLookedAtInPieces) {
  World world({}, {}, like([](std::uint64_t) { return filtered(Reason::no_error); }));
  for (int i = 0; i < 12; ++i) world.add({.first = 1, .items = 1, .padding = 1'000'000});
  EXPECT_LE(world.wait(), std::chrono::milliseconds(1));
  EXPECT_FALSE(world.delivery.drained());
  for (int turns = 0; turns < 20 && !world.delivery.drained(); ++turns) {
    world.now += std::chrono::milliseconds(1);
    world.wait();
  }
  EXPECT_TRUE(world.delivery.drained());
}

}  // namespace
}  // namespace forager::test
