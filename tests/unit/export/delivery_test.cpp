// Sending, retrying, pausing and parking, each rule as a story.
#include "export/delivery.h"

#include "unit/export/world.h"

namespace forager::exporter {
namespace {

using destination::Codec;
using destination::Delivered;
using destination::Encoded;
using destination::Park;
using destination::Recode;
using destination::Retry;
using destination::TakeApart;
using ledger::Reason;
using std::chrono::milliseconds;
using std::chrono::seconds;
using test::World;

const Retry busy{std::nullopt, "503", false};

TEST(Delivery, SendsAtOnceWhenIdleAndSettlesWhatWasDelivered) {
  World w;
  EXPECT_EQ(w.wait(), Duration::max());
  w.add({.first = 1, .items = 3});
  Attempt* attempt = w.send();
  ASSERT_NE(attempt, nullptr);
  EXPECT_EQ(w.numbers(*attempt), (std::vector<std::uint64_t>{1, 2, 3}));
  EXPECT_EQ(attempt->items, 3U);
  EXPECT_EQ(attempt->number, 1U);
  EXPECT_FALSE(attempt->probe);
  EXPECT_FALSE(w.delivery.drained());
  w.answer(attempt, Delivered{});
  EXPECT_EQ(w.count(Reason::delivered), 3U);
  EXPECT_TRUE(w.delivery.drained());
  EXPECT_EQ(w.budget.used(), 0U);
  EXPECT_EQ(w.imbalance(), "");
}

TEST(Delivery, GathersWhileARequestIsInFlightButNoLongerThanItsLinger) {
  World w({.linger = milliseconds(200)});
  w.add({});
  Attempt* first = w.send();
  w.add({});
  w.now += milliseconds(50);
  w.add({});
  EXPECT_EQ(w.wait(), milliseconds(150));
  w.now += milliseconds(150);
  Attempt* second = w.send();
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(second->pieces.size(), 2U);
  w.add({});
  w.answer(second, Delivered{});
  EXPECT_EQ(w.wait(), milliseconds(200)) << "the first is still in flight";
  w.answer(first, Delivered{});
  EXPECT_NE(w.send(), nullptr) << "idle again";
}

TEST(Delivery, KeepsItsConcurrency) {
  World w({.concurrency = 2, .linger = seconds(0)});
  for (int i = 0; i < 3; ++i) {
    w.add({});
    EXPECT_EQ(w.send() != nullptr, i < 2);
  }
  EXPECT_EQ(w.wait(), Duration::max());
}

TEST(Delivery, WakesItsShellWhenSomethingChanged) {
  World w({}, {.retention = seconds(10)});
  int woken = 0;
  w.delivery.on_wake([&] { ++woken; });
  w.add({});
  EXPECT_EQ(woken, 1);
  Attempt* attempt = w.send();
  EXPECT_EQ(woken, 1) << "not by its own asking";
  w.answer(attempt, busy);
  EXPECT_EQ(woken, 2);
  w.delivery.credentials_changed(w.now);
  EXPECT_EQ(woken, 3);
  w.journal.expire_old(w.now + seconds(10));
  EXPECT_EQ(woken, 4);
}

TEST(Delivery, BooksARejectedNumberClampedToTheBatch) {
  using Said = std::pair<std::int64_t, std::uint64_t>;
  for (const auto& [said, booked] :
       {Said{0, 0}, Said{4, 4}, Said{5, 5}, Said{99, 5}, Said{-1, 0}, Said{INT64_MAX, 5}}) {
    World w;
    w.add({.items = 3});
    w.add({.items = 2});
    Attempt* attempt = w.send();
    ASSERT_EQ(attempt->items, 5U);
    w.answer(attempt, Delivered{said, "span too old"});
    EXPECT_EQ(w.count(Reason::partial_success), booked) << said;
    EXPECT_EQ(w.count(Reason::delivered), 5 - booked) << said;
    EXPECT_TRUE(w.delivery.drained());
    EXPECT_EQ(w.imbalance(), "");
    EXPECT_EQ(w.delivery.state().last_error, booked == 0 ? "" : "span too old");
  }
}

TEST(Delivery, RetriesTheSameAttemptWithItsBytesAfterABackoff) {
  World w;
  w.add({.first = 1, .items = 2});
  Attempt* first = w.send();
  const AttemptId id = first->id;
  first->encoded = Encoded{Signal::traces, first->codec, 2, Chain(Slice(std::string("bytes")))};
  w.delivery.failed(id, {net::TransportError::Kind::reset, "connection reset by host:443"}, w.now);
  EXPECT_EQ(w.delivery.state().last_error, "connection reset by host:443");
  EXPECT_EQ(w.delivery.state().kind, DeliveryState::Kind::retrying);
  EXPECT_EQ(w.wait(), milliseconds(500)) << "half of the first second, by the jitter of the test";
  w.now += milliseconds(500);
  Attempt* again = w.send();
  ASSERT_NE(again, nullptr);
  EXPECT_EQ(again->id, id);
  EXPECT_EQ(again->number, 2U);
  ASSERT_TRUE(again->encoded);
  EXPECT_EQ(again->encoded->body.joined(), "bytes");
  w.answer(again, busy);
  EXPECT_EQ(w.wait(), seconds(1)) << "twice as long";
  EXPECT_EQ(w.imbalance(), "");
}

TEST(Delivery, NeverGivesUp) {
  World w;
  w.add({});
  for (int i = 0; i < 2000; ++i) {
    Attempt* attempt = w.send();
    ASSERT_NE(attempt, nullptr) << i;
    w.answer(attempt, busy);
    const Duration wait = w.wait();
    ASSERT_LE(wait, seconds(60));
    w.now += wait;
  }
  EXPECT_EQ(w.journal.held(w.delivery.cursor()).items, 1U);
}

TEST(Delivery, ObeysRetryAfterWithEverythingItHas) {
  World w;
  w.add({});
  Attempt* attempt = w.send();
  w.answer(attempt, Retry{seconds(20), "429", false});
  w.add({});
  EXPECT_EQ(w.wait(), seconds(20) + milliseconds(500)) << "new data doesn't go earlier either";
  w.delivery.credentials_changed(w.now);
  EXPECT_GE(w.wait(), seconds(20)) << "another key is no excuse";
  w.now += seconds(21);
  EXPECT_NE(w.send(), nullptr);
}

TEST(Delivery, OpensItsBreakerAndLetsOneProbeThrough) {
  World w({.concurrency = 4, .linger = seconds(0)});
  for (int i = 0; i < 8; ++i) w.add({.items = 1, .padding = 10});
  for (int i = 0; i < 5; ++i) {
    w.add({});
    Attempt* attempt = w.send();
    ASSERT_NE(attempt, nullptr);
    w.answer(attempt, busy);
  }
  EXPECT_EQ(w.delivery.state().kind, DeliveryState::Kind::open);
  w.add({});
  const Duration pause = w.wait();
  EXPECT_EQ(pause, milliseconds(500)) << "of the breaker's first second";
  w.now += pause;
  Attempt* probe = w.send();
  ASSERT_NE(probe, nullptr);
  EXPECT_TRUE(probe->probe);
  EXPECT_EQ(w.send(), nullptr) << "one probe at a time";
  w.answer(probe, busy);
  EXPECT_EQ(w.wait(), seconds(1));
  w.now += seconds(1);
  probe = w.send();
  w.answer(probe, Delivered{});
  Attempt* first = w.send();
  ASSERT_NE(first, nullptr) << "what waited goes on without its old backoff";
  EXPECT_EQ(w.send(), nullptr) << "slow start";
  w.answer(first, Delivered{});
  EXPECT_NE(w.send(), nullptr);
  EXPECT_NE(w.send(), nullptr);
  EXPECT_EQ(w.send(), nullptr);
}

TEST(Delivery, DoesNotSitOutOldBackoffsOnceTheOutageIsOver) {
  World w;
  w.add({.first = 1});
  for (int i = 0; i < 5; ++i) {
    w.answer(w.send(), busy);
    w.now += w.wait();
  }
  w.add({.first = 2});
  Attempt* probe = w.send();  // the first would not be due for 8 s
  ASSERT_EQ(w.numbers(*probe), std::vector<std::uint64_t>{2});
  w.answer(probe, Delivered{});
  Attempt* old = w.send();
  ASSERT_NE(old, nullptr);
  EXPECT_EQ(w.numbers(*old), std::vector<std::uint64_t>{1});
}

TEST(Delivery, ProbesWithOtherDataNextTimeSoThatOneBatchCannotKeepItShut) {
  World w({.linger = seconds(0), .breaker_failures = 1});
  w.add({.first = 666});
  const auto judge = [&](const std::vector<std::uint64_t>& numbers) -> destination::Verdict {
    if (numbers.front() == 666) return Retry{std::nullopt, "500", true};
    return Delivered{};
  };
  w.serve(judge);
  w.add({.first = 1});
  for (int i = 0; i < 3; ++i) {
    w.now += seconds(60);
    w.serve(judge);
  }
  EXPECT_EQ(w.count(Reason::delivered), 1U);
}

TEST(Delivery, ParksOnBadCredentialsAndProbesOnceInAWhile) {
  World w({.linger = seconds(0)});
  w.add({});
  w.answer(w.send(), Park{"401: unknown key; set HONEYCOMB_API_KEY"});
  EXPECT_EQ(w.delivery.state().kind, DeliveryState::Kind::parked);
  EXPECT_EQ(w.delivery.state().why_parked, "401: unknown key; set HONEYCOMB_API_KEY");
  for (int i = 0; i < 50; ++i) w.add({});
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(w.wait(), seconds(30));
    w.now += seconds(30);
    Attempt* probe = w.send();
    ASSERT_NE(probe, nullptr);
    EXPECT_TRUE(probe->probe);
    EXPECT_EQ(w.send(), nullptr) << "one request only";
    w.answer(probe, Park{"401"});
  }
  w.now += seconds(30);
  w.delivery.failed(w.send()->id, {net::TransportError::Kind::connect, "refused"}, w.now);
  EXPECT_EQ(w.wait(), seconds(30)) << "an outage is no reason to probe more often";
  w.now += seconds(30);
  w.answer(w.send(), Delivered{});
  EXPECT_NE(w.delivery.state().kind, DeliveryState::Kind::parked);
  w.serve(test::refuses({}));
  EXPECT_EQ(w.count(Reason::delivered), 51U);
}

TEST(Delivery, GoesOnAtOnceWhenTheCredentialChanges) {
  World w;
  w.add({});
  w.answer(w.send(), Park{"401"});
  EXPECT_EQ(w.wait(), seconds(30));
  w.delivery.credentials_changed(w.now);
  Attempt* attempt = w.send();
  ASSERT_NE(attempt, nullptr);
  EXPECT_FALSE(attempt->probe);
  w.answer(attempt, Delivered{});
  EXPECT_TRUE(w.delivery.drained());
}

TEST(Delivery, DoesNotParkForACredentialThatWasReplacedMeanwhile) {
  World w;
  w.add({});
  Attempt* old = w.send();
  w.delivery.credentials_changed(w.now);
  w.answer(old, Park{"401"});
  EXPECT_NE(w.delivery.state().kind, DeliveryState::Kind::parked);
  EXPECT_NE(w.send(), nullptr);
}

TEST(Delivery, StaysParkedWhenAnOlderRequestIsDeliveredLate) {
  World w({.linger = seconds(0)});
  w.add({});
  Attempt* early = w.send();
  w.add({});
  w.answer(w.send(), Park{"401"});
  w.answer(early, Delivered{});
  EXPECT_EQ(w.delivery.state().kind, DeliveryState::Kind::parked);
  EXPECT_EQ(w.wait(), seconds(30));
}

TEST(Delivery, SendsOnceAgainAsGzipAndRemembersIfThatHelped) {
  World w({.linger = seconds(0)});
  w.add({});
  Attempt* attempt = w.send();
  EXPECT_EQ(attempt->codec, Codec::zstd);
  attempt->encoded = Encoded{};
  w.answer(attempt, Recode{"415"});
  attempt = w.send();
  ASSERT_NE(attempt, nullptr) << "at once";
  EXPECT_EQ(attempt->codec, Codec::gzip);
  EXPECT_FALSE(attempt->encoded);
  EXPECT_EQ(w.delivery.state().codec, Codec::zstd) << "not yet proven";
  w.answer(attempt, Delivered{});
  EXPECT_EQ(w.delivery.state().codec, Codec::gzip);
  w.add({});
  EXPECT_EQ(w.send()->codec, Codec::gzip);
}

TEST(Delivery, EncodesWaitingAttemptsAnewOnceTheCodecIsKnown) {
  World w({.linger = seconds(0)});
  w.add({});
  Attempt* waits = w.send();
  waits->encoded = Encoded{};
  w.answer(waits, busy);
  w.add({});
  w.answer(w.send(), Recode{"415"});
  w.answer(w.send(), Delivered{});
  w.now += seconds(1);
  Attempt* again = w.send();
  ASSERT_NE(again, nullptr);
  EXPECT_EQ(again->codec, Codec::gzip);
  EXPECT_FALSE(again->encoded);
}

TEST(Delivery, DoesNotBlameTheCodecForABadItem) {
  World w({.linger = seconds(0)});
  w.add({.items = 8});
  int zstd = 0;
  while (Attempt* attempt = w.send()) {
    const auto numbers = w.numbers(*attempt);
    const bool bad = std::find(numbers.begin(), numbers.end(), 5U) != numbers.end();
    if (attempt->codec == Codec::zstd) ++zstd;
    if (!bad) {
      w.answer(attempt, Delivered{});
    } else if (attempt->codec == Codec::zstd) {
      w.answer(attempt, Recode{"400"});
    } else {
      w.answer(attempt, TakeApart{"400", false});
    }
  }
  EXPECT_EQ(zstd, 1) << "its parts go as gzip, once each";
  EXPECT_EQ(w.count(Reason::delivered), 7U);
  EXPECT_EQ(w.delivery.state().codec, Codec::zstd);
}

TEST(Delivery, DoesNotHurryAProbeForAnOlderRequestThatIsToBeRecoded) {
  World w({.concurrency = 2, .linger = seconds(0)});
  w.add({.first = 1});
  Attempt* first = w.send();
  w.add({.first = 2});
  Attempt* second = w.send();
  ASSERT_NE(second, nullptr);
  w.answer(first, Park{"401"});
  w.answer(second, Recode{"415"});
  EXPECT_EQ(w.wait(), seconds(30));
}

TEST(Delivery, WaitsBetweenTheProbesOfABatchThatServerErrorsTookApart) {
  World w({.concurrency = 2, .linger = seconds(0)});
  w.add({.first = 1, .items = 4});
  Attempt* bad = w.send();
  w.add({.first = 5});
  w.answer(w.send(), Delivered{});
  constexpr int one_short_of_suspicion = 4;
  for (int i = 0; i < one_short_of_suspicion; ++i) {
    w.answer(bad, Retry{std::nullopt, "500", true});
    w.add({.first = static_cast<std::uint64_t>(6 + i)});
    while (Attempt* other = w.send()) {
      if (other->items == 4) {
        bad = other;
        break;
      }
      w.answer(other, Delivered{});
    }
    if (bad->number != static_cast<std::uint32_t>(i + 2)) {
      w.now += seconds(60);
      bad = w.send();
    }
    ASSERT_EQ(bad->items, 4U);
  }
  w.add({.first = 20});
  Attempt* other = w.send();
  ASSERT_NE(other, nullptr);
  w.answer(other, Park{"401"});
  w.answer(bad, Retry{std::nullopt, "500", true});
  EXPECT_EQ(w.delivery.counts().taken_apart, 1U);
  EXPECT_EQ(w.wait(), seconds(30));
  w.now += seconds(30);
  ASSERT_NE(w.send(), nullptr) << "one probe";
}

TEST(Delivery, ParksWhenNoCodecIsLeftToTry) {
  World w({.codec = Codec::gzip});
  w.add({});
  w.answer(w.send(), Recode{"415: unsupported media type"});
  EXPECT_EQ(w.delivery.state().kind, DeliveryState::Kind::parked);
}

TEST(Delivery, DropsWhatExpiredWhileItWaitedBeforeItIsSentAgain) {
  World w({.linger = seconds(0)}, {.retention = seconds(60)});
  w.add({.first = 1, .items = 2});
  w.now += seconds(30);
  w.add({.first = 3, .items = 2});
  Attempt* attempt = w.send();
  ASSERT_EQ(attempt->items, 4U);
  attempt->encoded = Encoded{};
  w.answer(attempt, Retry{seconds(29), "503", false});
  w.now += seconds(30);
  attempt = w.send();
  ASSERT_NE(attempt, nullptr);
  EXPECT_EQ(w.numbers(*attempt), (std::vector<std::uint64_t>{3, 4}));
  EXPECT_EQ(attempt->items, 2U);
  EXPECT_FALSE(attempt->encoded);
  EXPECT_EQ(w.count(Reason::over_age), 2U);
  w.answer(attempt, Retry{seconds(40), "503", false});
  EXPECT_EQ(w.wait(), seconds(30)) << "it is there when the rest expires";
  w.now += seconds(30);
  EXPECT_EQ(w.wait(), seconds(10) + seconds(1)) << "the pause it was asked for";
  EXPECT_TRUE(w.delivery.drained());
  EXPECT_EQ(w.imbalance(), "");
}

TEST(Delivery, KeepsOnlyAFewEncodedBodiesInALongOutage) {
  World w({.concurrency = 2, .linger = seconds(0)});
  for (int i = 0; i < 200; ++i) {
    w.add({.padding = 10});
    while (Attempt* attempt = w.send()) {
      if (!attempt->encoded) {
        attempt->encoded = Encoded{};
        attempt->encoded_charge = w.budget.take_anyway(1'000'000);
      }
      w.answer(attempt, busy);
    }
    w.now += seconds(60);
  }
  EXPECT_GT(w.delivery.state().waiting, 4U);
  EXPECT_LE(w.budget.used(), 4 * 1'000'000U);
}

TEST(Delivery, SendsWithoutLingerWhileDraining) {
  World w({.linger = seconds(10)});
  w.add({});
  Attempt* first = w.send();
  w.add({});
  EXPECT_EQ(w.send(), nullptr);
  w.delivery.drain();
  EXPECT_NE(w.send(), nullptr);
  w.answer(first, Delivered{});
}

TEST(Delivery, PutsMissingLogTimesInOnlyForWhoeverAsksForIt) {
  for (const bool wanted : {false, true}) {
    test::Like like;
    like.log_time = wanted;
    World w({}, {}, like);
    const test::Numbered plan{.signal = Signal::logs, .items = 3, .log_time = false};
    w.add(plan);
    Attempt* attempt = w.send();
    const std::string body = w.delivery.raw_body(*attempt).joined();
    EXPECT_EQ(body != test::numbered_body(plan), wanted);
    EXPECT_LE(body.size(), attempt->bytes);
    std::string copy = body;
    EXPECT_EQ(otlp::walk(Signal::logs, copy).value().log_time_missing, !wanted);
  }
}

TEST(Delivery, SaysWhatItIsDoing) {
  World w;
  EXPECT_EQ(w.delivery.state().kind, DeliveryState::Kind::idle);
  w.now += seconds(5);
  w.add({.items = 2});
  Attempt* attempt = w.send();
  DeliveryState state = w.delivery.state();
  EXPECT_EQ(state.kind, DeliveryState::Kind::delivering);
  EXPECT_EQ(state.since, w.now);
  EXPECT_EQ(state.in_flight, 1U);
  EXPECT_EQ(state.held.items, 2U);
  EXPECT_EQ(state.held.oldest, w.now);
  EXPECT_FALSE(state.last_success);
  w.answer(attempt, Delivered{});
  state = w.delivery.state();
  EXPECT_EQ(state.kind, DeliveryState::Kind::idle);
  EXPECT_EQ(state.last_success, w.now);
  EXPECT_EQ(name(DeliveryState::Kind::parked), "parked");
}

}  // namespace
}  // namespace forager::exporter
