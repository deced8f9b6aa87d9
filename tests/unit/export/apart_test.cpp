// Taking apart: the culprit alone ends in quarantine, its neighbours are delivered, and a
// destination that refuses everything is not answered by quarantining everything.
#include <map>

#include "unit/export/world.h"

namespace forager::exporter {
namespace {

using destination::Delivered;
using destination::Retry;
using destination::TakeApart;
using ledger::Reason;
using std::chrono::minutes;
using std::chrono::seconds;
using test::refuses;
using test::World;
using Numbers = std::vector<std::uint64_t>;

destination::Verdict refuse_all(const Numbers& /*numbers*/) {
  return TakeApart{"400: Transaction Search is off", false};
}

TEST(TakingApart, FindsTheOneBadItemAndDeliversItsNeighbours) {
  World w;
  for (std::uint64_t i = 0; i < 4; ++i) w.add({.first = i * 16, .items = 16});
  const int sent = w.serve(refuses({37}));
  EXPECT_EQ(w.count(Reason::delivered), 63U);
  EXPECT_EQ(w.count(Reason::refused_alone), 1U);
  EXPECT_LE(sent, 1 + 2 * 6) << "halving: two requests a level";
  ASSERT_EQ(w.quarantine.kept().size(), 1U);
  const journal::Quarantined& kept = w.quarantine.kept().front().what;
  EXPECT_EQ(kept.position, 3U);
  EXPECT_EQ(kept.first, 5U);
  EXPECT_EQ(kept.last, 6U);
  EXPECT_EQ(kept.why, "400: bad value");
  EXPECT_EQ(kept.destination, "honeycomb");
  EXPECT_EQ(test::numbers_in(Signal::traces, kept.bytes.view()), Numbers{37});
  EXPECT_TRUE(w.delivery.drained());
}

TEST(TakingApart, WorksForEverySignal) {
  for (const Signal s : otlp_signals) {
    World w;
    w.add({.signal = s, .first = 1, .items = 20, .per_scope = 3});
    w.serve(refuses({8, 13}));
    EXPECT_EQ(w.count(Reason::delivered, s), 18U);
    EXPECT_EQ(w.count(Reason::refused_alone, s), 2U);
  }
}

TEST(TakingApart, SplitsRangesOfRecordsBeforeRecords) {
  World w;
  for (std::uint64_t i = 0; i < 4; ++i) w.add({.first = i * 2, .items = 2});
  w.answer(w.send(), TakeApart{"400", false});
  Attempt* left = w.send();
  Attempt* right = w.send();
  EXPECT_EQ(w.numbers(*left), (Numbers{0, 1, 2, 3}));
  EXPECT_EQ(w.numbers(*right), (Numbers{4, 5, 6, 7}));
  EXPECT_TRUE(left->pieces[0].whole);
}

TEST(TakingApart, QuarantinesOneOrTwoBadItemsEvenIfNothingElseWasSent) {
  World w;
  w.add({.first = 1, .items = 2});
  w.serve(refuse_all);
  EXPECT_EQ(w.count(Reason::refused_alone), 2U);
  EXPECT_TRUE(w.delivery.drained());
}

TEST(TakingApart, ParksWhenTheFirstThreeSingleItemsAreAllRefused) {
  World w;
  w.add({.first = 1, .items = 100});
  w.serve(refuse_all);
  EXPECT_EQ(w.delivery.state().kind, DeliveryState::Kind::parked);
  EXPECT_NE(w.delivery.state().why_parked.find("Transaction Search is off"), std::string::npos);
  EXPECT_EQ(w.count(Reason::refused_alone), 0U);
  EXPECT_EQ(w.journal.held(w.delivery.cursor()).items, 100U) << "the suspects are held again";
  for (int i = 0; i < 20; ++i) {  // half an hour later still nothing is given up
    EXPECT_EQ(w.wait(), seconds(30));
    w.now += seconds(30);
    EXPECT_EQ(w.serve(refuse_all), 1);
  }
  EXPECT_EQ(w.count(Reason::refused_alone), 0U);
  w.now += seconds(30);
  w.serve(refuses({}));
  EXPECT_EQ(w.count(Reason::delivered), 100U) << "the three suspects among them";
  EXPECT_TRUE(w.delivery.drained());
}

TEST(TakingApart, CountsTheRefusalsOfSmallBatchesTogether) {
  World w;
  for (std::uint64_t i = 0; i < 5; ++i) {
    w.add({.first = i, .items = 1});
    w.serve(refuse_all);
  }
  EXPECT_EQ(w.delivery.state().kind, DeliveryState::Kind::parked);
  EXPECT_EQ(w.count(Reason::refused_alone), 2U);
}

TEST(TakingApart, BeginsToCountAnewWithEachDelivery) {
  World w;
  for (std::uint64_t i = 0; i < 10; ++i) {
    w.add({.first = i, .items = 1});
    w.serve(refuses({0, 2, 4, 6, 8}));
  }
  EXPECT_EQ(w.delivery.counts().parks, 0U);
  EXPECT_EQ(w.count(Reason::refused_alone), 5U);
}

TEST(TakingApart, SettlesASuspectAsSoonAsSomethingIsDelivered) {
  World w;
  w.add({.first = 0, .items = 4});
  const auto judge = refuses({0});
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(w.count(Reason::refused_alone), 0U);
    Attempt* attempt = w.send();
    w.answer(attempt, judge(w.numbers(*attempt)));
  }
  EXPECT_EQ(w.count(Reason::refused_alone), 0U) << "it may still be the destination's fault";
  Attempt* attempt = w.send();
  EXPECT_EQ(w.numbers(*attempt), Numbers{1});
  w.answer(attempt, Delivered{});
  EXPECT_EQ(w.count(Reason::refused_alone), 1U);
  EXPECT_FALSE(w.delivery.drained());
}

TEST(TakingApart, EndsASearchWhoseOtherPartsExpired) {
  World w({}, {.retention = seconds(60)});
  w.add({.first = 1});
  w.now += seconds(30);
  w.add({.first = 2});
  w.answer(w.send(), TakeApart{"400", false});
  Attempt* one = w.send();
  Attempt* two = w.send();
  ASSERT_EQ(w.numbers(*one), Numbers{1});
  w.answer(two, TakeApart{"400", false});
  w.answer(one, Retry{seconds(50), "503", false});
  EXPECT_EQ(w.count(Reason::refused_alone), 0U) << "the search is still on";
  w.now += seconds(30);
  w.wait();
  EXPECT_EQ(w.count(Reason::over_age), 1U);
  EXPECT_EQ(w.count(Reason::refused_alone), 1U);
  EXPECT_TRUE(w.delivery.drained());
}

TEST(TakingApart, LeavesASystemicParkWhenOnlyTheFirstItemsWereBad) {
  World w;
  w.add({.first = 0, .items = 32});
  const auto judge = refuses({0, 1, 2, 3, 4});
  w.serve(judge);
  EXPECT_EQ(w.delivery.state().kind, DeliveryState::Kind::parked);
  for (int i = 0; i < 20 && !w.delivery.drained(); ++i) {
    w.now += seconds(30);
    w.serve(judge);
  }
  EXPECT_EQ(w.count(Reason::delivered), 27U);
  EXPECT_EQ(w.count(Reason::refused_alone), 5U);
  EXPECT_TRUE(w.delivery.drained());
}

TEST(TakingApart, LooksElsewhereWhileItIsParkedForASystemicFault) {
  World w;
  w.add({.first = 0, .items = 256});
  Numbers bad;
  for (std::uint64_t n = 0; n < 100; ++n) bad.push_back(n);
  w.serve(refuses(bad));
  int probes = 0;
  for (; w.delivery.state().kind == DeliveryState::Kind::parked && probes < 50; ++probes) {
    w.now += seconds(30);
    w.serve(refuses(bad));
  }
  EXPECT_LE(probes, 8) << "it doesn't try one bad item after the other";
}

TEST(TakingApart, JudgesAnewAfterANewCredential) {
  World w;
  w.add({.first = 1, .items = 8});
  w.serve(refuse_all);
  ASSERT_EQ(w.delivery.state().kind, DeliveryState::Kind::parked);
  w.delivery.credentials_changed(w.now);
  for (int refused = 0; refused < 2;) {
    Attempt* attempt = w.send();
    ASSERT_NE(attempt, nullptr);
    if (attempt->items == 1) ++refused;
    w.answer(attempt, TakeApart{"400", false});
  }
  EXPECT_NE(w.delivery.state().kind, DeliveryState::Kind::parked) << "two are not three";
}

TEST(TakingApart, LeavesASystemicParkWithNewDataIfAllTheOldIsBad) {
  World w;
  w.add({.first = 0, .items = 4});
  const auto judge = refuses({0, 1, 2, 3});
  w.serve(judge);
  EXPECT_EQ(w.delivery.state().kind, DeliveryState::Kind::parked);
  w.add({.first = 4, .items = 1});
  for (int i = 0; i < 4; ++i) {
    w.now += seconds(30);
    w.serve(judge);
  }
  EXPECT_EQ(w.count(Reason::delivered), 1U);
  EXPECT_EQ(w.count(Reason::refused_alone), 4U);
}

TEST(TakingApart, DoesNotCallManyBadItemsSystemicWhenOthersGetThrough) {
  World w;
  w.add({.first = 0, .items = 64});
  Numbers odd;
  for (std::uint64_t n = 1; n < 64; n += 2) odd.push_back(n);
  w.serve(refuses(odd));
  EXPECT_EQ(w.count(Reason::delivered), 32U);
  EXPECT_EQ(w.count(Reason::refused_alone), 32U);
  EXPECT_EQ(w.delivery.counts().parks, 0U);
}

TEST(TakingApart, LetsNewDataTakeTurnsWithASearch) {
  World w({.concurrency = 1, .linger = seconds(0)});
  w.add({.first = 0, .items = 1000});
  w.answer(w.send(), TakeApart{"400", false});
  w.add({.first = 5000, .items = 1});
  int sent = 0;
  for (bool through = false; !through; ++sent) {
    Attempt* attempt = w.send();
    ASSERT_NE(attempt, nullptr);
    through = w.numbers(*attempt).front() == 5000;
    w.answer(attempt, through ? destination::Verdict(Delivered{}) : refuse_all({}));
  }
  EXPECT_LE(sent, 3);
}

TEST(TakingApart, HalvesTheLimitItLearnedFromA413AndNotOnceForEachRequestInFlight) {
  test::Like like;
  like.most.request_bytes = 400'000;
  World w({.concurrency = 2, .linger = seconds(0)}, {}, like);
  for (std::uint64_t i = 0; i < 10; ++i) w.add({.first = i * 10, .items = 10, .padding = 8000});
  Attempt* one = w.send();
  Attempt* two = w.send();
  ASSERT_GT(one->bytes, 300'000U);
  const std::size_t half = std::min(one->bytes, two->bytes) / 2;
  w.answer(one, TakeApart{"413", true});
  EXPECT_EQ(w.delivery.state().request_bytes[0], half);
  one = w.send();
  const std::size_t quarter = one->bytes / 2;
  w.answer(one, TakeApart{"413", true});
  w.answer(two, TakeApart{"413", true});
  EXPECT_EQ(w.delivery.state().request_bytes[0], quarter) << "a late answer teaches nothing new";
  std::size_t largest = 0;
  while (Attempt* attempt = w.send()) {
    largest = std::max(largest, attempt->bytes);
    w.answer(attempt, Delivered{});
  }
  EXPECT_LE(largest, half) << "the other half was cut already";
  EXPECT_EQ(w.count(Reason::delivered), 100U);
  EXPECT_EQ(w.delivery.state().request_bytes[1], 400'000U) << "other signals have their own";
}

TEST(TakingApart, LetsALearnedLimitGrowBackSlowly) {
  test::Like like;
  like.most.request_bytes = 400'000;
  World w({.linger = seconds(0)}, {}, like);
  const auto traffic = [&] {
    for (std::uint64_t i = 0; i < 20; ++i) w.add({.items = 10, .padding = 8000});
    while (Attempt* attempt = w.send()) w.answer(attempt, Delivered{});
  };
  w.add({.items = 40, .padding = 8000});
  w.answer(w.send(), TakeApart{"413", true});
  const std::size_t learned = w.delivery.state().request_bytes[0];
  traffic();
  EXPECT_EQ(w.delivery.state().request_bytes[0], learned);
  w.now += minutes(10);
  traffic();
  EXPECT_EQ(w.delivery.state().request_bytes[0], learned + learned / 4) << "once in ten minutes";
  for (int i = 0; i < 20; ++i) {
    w.now += minutes(10);
    traffic();
  }
  EXPECT_EQ(w.delivery.state().request_bytes[0], 400'000U) << "never over the destination's own";
}

TEST(TakingApart, QuarantinesASingleItemThatIsTooLargeForTheDestination) {
  World w;
  w.add({.first = 1, .items = 3, .padding = 1000});
  w.serve([](const Numbers& numbers) -> destination::Verdict {
    if (numbers.back() == 3) return TakeApart{"413: too large", true};
    return Delivered{};
  });
  EXPECT_EQ(w.count(Reason::delivered), 2U);
  EXPECT_EQ(w.count(Reason::refused_alone), 1U);
}

TEST(TakingApart, NeverSendsAnItemThatIsOverTheLimitByItself) {
  test::Like like;
  like.most.request_bytes = 1000;
  World w({}, {}, like);
  w.add({.first = 1, .items = 1, .padding = 2000});
  w.add({.first = 2, .items = 1});
  int woken = 0;
  w.delivery.on_wake([&] { ++woken; });
  Attempt* attempt = w.send();
  EXPECT_EQ(woken, 1) << "something was settled: a drain may be over";
  EXPECT_EQ(w.numbers(*attempt), Numbers{2});
  EXPECT_EQ(w.count(Reason::over_item_limit), 1U);
  ASSERT_EQ(w.quarantine.kept().size(), 1U);
  EXPECT_NE(w.quarantine.kept()[0].what.why.find("over the limit of 1000"), std::string::npos);
  EXPECT_EQ(w.imbalance(), "");
}

TEST(TakingApart, SuspectsABatchAfterFive500sOnlyIfOthersGetThrough) {
  World w({.linger = seconds(0), .retry = {.initial = seconds(1), .max = seconds(1)}});
  w.add({.first = 1});
  w.serve(refuses({}));  // what got through before proves nothing
  w.add({.first = 666, .items = 4});
  bool found = false;
  const auto judge = [&](const Numbers& numbers) -> destination::Verdict {
    const bool has_it = std::find(numbers.begin(), numbers.end(), 667U) != numbers.end();
    if (has_it) return Retry{std::nullopt, "500: boom", true};
    return Delivered{};
  };
  for (int i = 0; i < 20; ++i) {
    w.now += seconds(1);
    w.serve(judge);
  }
  EXPECT_EQ(w.delivery.counts().taken_apart, 0U) << "alone it may be an outage";
  for (std::uint64_t i = 0; i < 40 && !found; ++i) {
    w.now += seconds(1);
    w.add({.first = 10'000 + i, .items = 1});
    w.serve(judge);
    found = w.count(Reason::refused_alone) == 1;
  }
  EXPECT_TRUE(found);
  EXPECT_EQ(w.quarantine.kept().at(0).what.first, 1U);
  EXPECT_EQ(w.quarantine.kept().at(0).what.why, "500: boom");
  w.serve(judge);
  EXPECT_TRUE(w.delivery.drained());
  EXPECT_EQ(w.count(Reason::refused_alone), 1U);
}

TEST(TakingApart, DoesNotQuarantineInnocentsInAnOutageOf500s) {
  World w({.linger = seconds(0), .retry = {.initial = seconds(1), .max = seconds(1)}});
  w.add({.first = 1, .items = 8});
  const auto down = [](const Numbers&) -> destination::Verdict {
    return Retry{std::nullopt, "500", true};
  };
  w.serve(down);
  for (std::uint64_t i = 0; i < 10; ++i) {  // others get through: it is suspected
    w.now += seconds(1);
    w.add({.first = 100 + i});
    w.serve([&](const Numbers& n) -> destination::Verdict {
      if (n.front() < 100) return Retry{std::nullopt, "500", true};
      return Delivered{};
    });
    if (w.delivery.counts().taken_apart != 0) break;
  }
  const auto apart = w.delivery.counts().taken_apart;
  ASSERT_GT(apart, 0U);
  for (std::uint64_t i = 0; i < 100; ++i) {  // and now all is down
    w.now += seconds(1);
    w.add({.first = 200 + i});
    w.serve(down);
  }
  EXPECT_EQ(w.delivery.counts().taken_apart, apart) << "nothing else gets through";
  EXPECT_EQ(w.count(Reason::refused_alone), 0U);
  for (int i = 0; i < 10; ++i) {
    w.now += seconds(1);
    w.serve(refuses({}));
  }
  EXPECT_TRUE(w.delivery.drained());
}

TEST(TakingApart, GivesASingleItemFive500sOfItsOwn) {
  World w({.linger = seconds(0), .retry = {.initial = seconds(1), .max = seconds(1)}});
  w.add({.first = 1, .items = 2});
  std::map<std::uint64_t, int> alone;
  const auto judge = [&](const Numbers& n) -> destination::Verdict {
    if (n.front() > 2) return Delivered{};
    if (n.size() == 1 && ++alone[n.front()] > 4) return Delivered{};
    return Retry{std::nullopt, "500", true};
  };
  for (std::uint64_t i = 0; i < 40; ++i) {
    w.now += seconds(1);
    w.add({.first = 100 + i});
    w.serve(judge);
  }
  EXPECT_EQ(alone.size(), 2U) << "the batch was suspected";
  EXPECT_EQ(w.count(Reason::refused_alone), 0U);
  EXPECT_TRUE(w.delivery.drained());
}

}  // namespace
}  // namespace forager::exporter
