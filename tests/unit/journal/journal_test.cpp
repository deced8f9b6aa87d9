#include "journal/journal.h"

#include <gtest/gtest.h>

#include "journal/quarantine.h"

namespace forager::journal {
namespace {

using ledger::Reason;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::array<bool, signal_count> everything{true, true, true};
constexpr std::array<bool, signal_count> only_logs{false, false, true};
constexpr std::size_t unit = 1000;  ///< what one test record costs

/// A journal that holds `room` test records, and its books.
struct Desk {
  explicit Desk(std::size_t room, bool expire = false, Duration retention = Duration::zero())
      : journal({room * unit, expire, retention}, books) {}

  std::optional<Position> append(Signal signal = Signal::traces, std::uint32_t items = 2) {
    Record record;
    record.signal = signal;
    record.items = items;
    record.arrived = WallTime(now.time_since_epoch());
    record.body = Slice(std::string(unit - record_overhead, 'x'));
    auto charge = budget.take(record.body.size());
    return journal.append(std::move(record), std::move(charge.value()), now);
  }
  void deliver(CursorId cursor, Position position, std::uint32_t items = 2) {
    journal.settle(cursor, position, items, Reason::delivered, now);
  }
  std::string imbalance() {
    return ledger::imbalance(
        books, [this](std::string_view name, Signal s) { return journal.held_items(name, s); });
  }

  ledger::Ledger books;
  Budget budget{100'000'000};
  Time now{seconds(1000)};
  Journal journal;
};

TEST(Journal, KeepsARecordUntilTheLastDestinationHasSettledIt) {
  Desk desk(10);
  const CursorId a = desk.journal.open_cursor("a", everything);
  const CursorId b = desk.journal.open_cursor("b", everything);
  std::vector<Position> passed;
  desk.journal.on_passed([&](Position p) { passed.push_back(p); });
  const Position p = desk.append().value();
  EXPECT_TRUE(desk.journal.durable(p));
  desk.deliver(a, p, 1);
  EXPECT_EQ(desk.journal.remaining(a, p), 1U);
  desk.deliver(a, p, 1);
  EXPECT_EQ(desk.journal.remaining(a, p), 0U);
  ASSERT_NE(desk.journal.find(p), nullptr);
  EXPECT_EQ(desk.journal.held(a).records, 0U);
  EXPECT_EQ(desk.journal.held(b).items, 2U);
  EXPECT_EQ(desk.imbalance(), "");
  EXPECT_GT(desk.budget.used(), 0U);
  desk.deliver(b, p);
  EXPECT_EQ(desk.journal.find(p), nullptr);
  EXPECT_EQ(desk.budget.used(), 0U) << "the charge goes with the body";
  EXPECT_EQ(desk.journal.bytes(), 0U);
  EXPECT_EQ(passed, std::vector<Position>{p});
  EXPECT_EQ(desk.imbalance(), "");
}

TEST(Journal, GivesADestinationOnlyItsSignals) {
  Desk desk(10);
  const CursorId logs = desk.journal.open_cursor("logs", only_logs);
  int told = 0;
  desk.journal.listen(logs,
                      {[&](const Record& r, Time) { told += static_cast<int>(r.items); }, {}});
  EXPECT_EQ(desk.append(Signal::traces), not_routed);
  EXPECT_EQ(desk.journal.records(), 0U);
  EXPECT_EQ(desk.budget.used(), 0U);
  EXPECT_FALSE(desk.journal.routed(Signal::traces));
  const CursorId all = desk.journal.open_cursor("all", everything);
  desk.append(Signal::traces);
  desk.append(Signal::logs);
  EXPECT_EQ(told, 2);
  EXPECT_EQ(desk.journal.held(logs).records, 1U);
  EXPECT_EQ(desk.journal.held(all).records, 2U);
  EXPECT_EQ(desk.books.book("logs").accepted(Signal::traces), 0U);
  EXPECT_EQ(desk.imbalance(), "");
}

TEST(Journal, BeginsANewDestinationWithTheNextRecord) {
  Desk desk(10);
  desk.journal.open_cursor("old", everything);
  desk.append();
  const CursorId late = desk.journal.open_cursor("late", everything);
  EXPECT_EQ(desk.journal.held(late).records, 0U);
  desk.append();
  EXPECT_EQ(desk.journal.held(late).records, 1U);
}

TEST(Journal, RefusesTheAppWhenTheOnlyDestinationLags) {
  Desk desk(3);
  const CursorId a = desk.journal.open_cursor("a", everything);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(desk.append());
  EXPECT_FALSE(desk.append());
  EXPECT_EQ(desk.books.book("a").accepted(Signal::traces), 6U) << "a refusal books nothing";
  EXPECT_EQ(desk.budget.used(), 3 * (unit - record_overhead));
  desk.deliver(a, 1);
  EXPECT_EQ(desk.append(), 4U);
  EXPECT_EQ(desk.imbalance(), "");
}

TEST(Journal, LetsADestinationThatAloneLagsKeepHalfAndExpiresItsOldest) {
  Desk desk(10);
  const CursorId dead = desk.journal.open_cursor("dead", everything);
  const CursorId alive = desk.journal.open_cursor("alive", everything);
  std::vector<Position> expired;
  desk.journal.listen(dead, {{}, [&](const Record& r) { expired.push_back(r.position); }});
  for (int i = 0; i < 50; ++i) {
    const auto p = desk.append();
    ASSERT_TRUE(p) << "the app must not suffer";
    desk.deliver(alive, *p);
    ASSERT_EQ(desk.imbalance(), "");
  }
  EXPECT_GE(desk.journal.held(dead).records, 5U);
  ASSERT_EQ(expired.size(), 50 - desk.journal.held(dead).records);
  EXPECT_EQ(expired.front(), 1U);
  EXPECT_EQ(expired.back(), expired.size()) << "the oldest go, in order";
  EXPECT_EQ(desk.books.book("dead").count(Signal::traces, Reason::over_share), 2 * expired.size());
  EXPECT_EQ(desk.books.book("alive").count(Signal::traces, Reason::delivered), 100U);
}

TEST(Journal, ExpiresForTwoDeadDestinationsSoThatTheThirdGoesOn) {
  Desk desk(10);
  desk.journal.open_cursor("dead", everything);
  desk.journal.open_cursor("gone", everything);
  const CursorId alive = desk.journal.open_cursor("alive", everything);
  for (int i = 0; i < 30; ++i) {
    const auto p = desk.append();
    ASSERT_TRUE(p);
    desk.deliver(alive, *p);
  }
  EXPECT_EQ(desk.imbalance(), "");
  EXPECT_EQ(desk.books.book("alive").count(Signal::traces, ledger::State::expired), 0U);
}

TEST(Journal, NeverExpiresForShareWhatAnotherDestinationStillNeeds) {
  Desk desk(10);
  const CursorId dead = desk.journal.open_cursor("dead", everything);
  const CursorId slow = desk.journal.open_cursor("slow", everything);
  for (int i = 0; i < 10; ++i) desk.append();
  for (Position p = 5; p <= 10; ++p) desk.deliver(slow, p);  // slow still holds 1 to 4
  EXPECT_TRUE(desk.append());
  EXPECT_EQ(desk.journal.remaining(dead, 1), 2U);
  EXPECT_EQ(desk.journal.remaining(dead, 5), 0U) << "the oldest that frees anything";
  EXPECT_EQ(desk.imbalance(), "");
}

TEST(Journal, RefusesASignalWhoseDestinationsAllLagButNotTheOthers) {
  Desk desk(10);
  desk.journal.open_cursor("dead", everything);
  const CursorId logs = desk.journal.open_cursor("logs", only_logs);
  for (int i = 0; i < 10; ++i) desk.append(Signal::traces);
  EXPECT_FALSE(desk.append(Signal::traces)) << "dead is the only one that takes traces";
  const auto p = desk.append(Signal::logs);
  ASSERT_TRUE(p) << "logs keeps up";
  desk.deliver(logs, *p);
  EXPECT_EQ(desk.books.book("dead").count(Signal::traces, Reason::over_share), 2U);
}

TEST(Journal, LeavesRecordsInFlightAloneWhenItExpires) {
  Desk desk(4, true);
  const CursorId a = desk.journal.open_cursor("a", everything);
  for (int i = 0; i < 4; ++i) desk.append();
  desk.journal.take(a, 1);
  desk.journal.take(a, 1);
  desk.journal.release(a, 1);
  EXPECT_TRUE(desk.append());
  EXPECT_EQ(desk.journal.remaining(a, 1), 2U) << "still in flight once";
  EXPECT_EQ(desk.journal.remaining(a, 2), 0U);
  desk.journal.release(a, 1);
  EXPECT_TRUE(desk.append());
  EXPECT_EQ(desk.journal.remaining(a, 1), 0U);
  EXPECT_EQ(desk.books.book("a").count(Signal::traces, Reason::made_room), 4U);
}

TEST(Journal, RefusesARecordThatIsLargerThanTheJournal) {
  Desk desk(1, true);
  desk.journal.open_cursor("a", everything);
  desk.append();
  Record record;
  record.items = 1;
  record.body = Slice(std::string(unit, 'x'));
  EXPECT_FALSE(desk.journal.append(std::move(record), {}, desk.now));
  EXPECT_EQ(desk.journal.records(), 1U) << "nothing is expired in vain";
}

TEST(Journal, ExpiresByAgeAndSaysWhichTimeRange) {
  Desk desk(10, false, seconds(60));
  const CursorId a = desk.journal.open_cursor("a", everything);
  const Time start = desk.now;
  desk.append(Signal::logs);
  desk.now += seconds(10);
  desk.append(Signal::logs);
  desk.append(Signal::traces);
  desk.journal.take(a, 3);
  EXPECT_EQ(desk.journal.next_expiry(), start + seconds(60));
  desk.journal.expire_old(start + milliseconds(59'999));
  EXPECT_EQ(desk.journal.records(), 3U);
  desk.journal.expire_old(start + seconds(70));
  EXPECT_EQ(desk.journal.records(), 1U) << "what is in flight waits for its answer";
  EXPECT_EQ(desk.journal.next_expiry(), Time::max());
  const auto expiries = desk.journal.take_expiries();
  ASSERT_EQ(expiries.size(), 1U);
  EXPECT_EQ(expiries[0].destination, "a");
  EXPECT_EQ(expiries[0].signal, Signal::logs);
  EXPECT_EQ(expiries[0].reason, Reason::over_age);
  EXPECT_EQ(expiries[0].records, 2U);
  EXPECT_EQ(expiries[0].items, 4U);
  EXPECT_EQ(expiries[0].oldest, WallTime(start.time_since_epoch()));
  EXPECT_EQ(expiries[0].newest, WallTime(start.time_since_epoch()) + seconds(10));
  EXPECT_TRUE(desk.journal.take_expiries().empty());
  desk.journal.release(a, 3);
  desk.journal.expire_old(start + seconds(70));
  EXPECT_EQ(desk.journal.records(), 0U);
  EXPECT_EQ(desk.imbalance(), "");
}

TEST(Journal, ExpiresOnlyWhatIsLeftOfARecord) {
  Desk desk(10, false, seconds(60));
  const CursorId a = desk.journal.open_cursor("a", everything);
  desk.append(Signal::traces, 5);
  desk.deliver(a, 1, 3);
  desk.journal.expire_old(desk.now + seconds(60));
  EXPECT_EQ(desk.books.book("a").count(Signal::traces, Reason::over_age), 2U);
  EXPECT_EQ(desk.imbalance(), "");
}

TEST(Journal, BooksWhatIsHeldAtExitAsLost) {
  Desk desk(10);
  const CursorId a = desk.journal.open_cursor("a", everything);
  desk.journal.open_cursor("b", everything);
  desk.append();
  desk.append();
  desk.deliver(a, 1);
  EXPECT_EQ(desk.journal.lose_all(desk.now), 6U);
  EXPECT_EQ(desk.books.book("a").count(Signal::traces, ledger::State::lost), 2U);
  EXPECT_EQ(desk.books.book("b").count(Signal::traces, ledger::State::lost), 4U);
  EXPECT_EQ(desk.journal.records(), 0U);
  EXPECT_EQ(desk.imbalance(), "");
}

TEST(Journal, AsksTheAppToComeBackWhenThereWillBeRoom) {
  Desk desk(1000);
  const CursorId a = desk.journal.open_cursor("a", everything);
  EXPECT_EQ(desk.journal.retry_after(desk.now), seconds(60)) << "nothing drains";
  for (int second = 0; second < 100; ++second) {  // 10 records a second for 100 s
    desk.now += seconds(1);
    for (int i = 0; i < 10; ++i) desk.deliver(a, desk.append().value());
  }
  // A tenth of the journal, 100 records, takes 10 s.
  EXPECT_NEAR(static_cast<double>(desk.journal.retry_after(desk.now).count()), 10, 1);
  desk.now += seconds(600);
  EXPECT_EQ(desk.journal.retry_after(desk.now), seconds(60));
  for (int i = 0; i < 5000; ++i) desk.deliver(a, desk.append().value());
  EXPECT_EQ(desk.journal.retry_after(desk.now), seconds(1));
}

TEST(Journal, SaysHowLongItsBacklogTakesOnceItIsOne) {
  Desk desk(100);
  const CursorId only = desk.journal.open_cursor("only", everything);
  const Position first = desk.append().value();
  for (int i = 0; i < 10; ++i) desk.append();
  EXPECT_EQ(desk.journal.drain_time(desk.now), Duration::zero());  // it has just come
  desk.now += seconds(2);
  EXPECT_GT(desk.journal.drain_time(desk.now), std::chrono::hours(1));  // nothing has left yet
  desk.deliver(only, first);
  const Duration at_this_rate = desk.journal.drain_time(desk.now);
  EXPECT_GT(at_this_rate, seconds(10));
  EXPECT_LT(at_this_rate, seconds(1000));
}

TEST(Cursor, KnowsTheWatermarkBelowWhichAllIsSettled) {
  Cursor cursor("a", everything, 7);
  EXPECT_EQ(cursor.watermark(), 7U);
  Record record;
  record.items = 1;
  for (record.position = 8; record.position <= 10; ++record.position) cursor.hold(record, 1);
  cursor.skip(11);
  EXPECT_EQ(cursor.watermark(), 7U);
  record.position = 9;
  EXPECT_TRUE(cursor.settle(record, 1, 1));
  EXPECT_EQ(cursor.watermark(), 7U);
  record.position = 8;
  EXPECT_TRUE(cursor.settle(record, 1, 1));
  EXPECT_EQ(cursor.watermark(), 9U);
  record.position = 10;
  EXPECT_TRUE(cursor.settle(record, 1, 1));
  EXPECT_EQ(cursor.watermark(), 11U);
  EXPECT_EQ(cursor.held_bytes(), 0U);
}

TEST(Quarantine, LetsTheOldestBytesGoButKeepsCounting) {
  constexpr std::size_t each = sizeof(Quarantine::Kept) + 30;
  Budget budget(10 * each);
  Quarantine quarantine(3 * each + 10, budget);
  const auto item = [](Position position, std::size_t size) {
    Quarantined q;
    q.position = position;
    q.last = 1;
    q.bytes = Slice(std::string(size, 'q'));
    return q;
  };
  for (Position p = 1; p <= 5; ++p) quarantine.put(item(p, 30));
  ASSERT_EQ(quarantine.kept().size(), 3U);
  EXPECT_EQ(quarantine.kept().front().what.position, 3U);
  EXPECT_EQ(quarantine.total_items(), 5U);
  EXPECT_EQ(quarantine.let_go_items(), 2U);
  EXPECT_EQ(budget.used(), 3 * each);
  quarantine.put(item(6, 3 * each));
  EXPECT_EQ(quarantine.let_go_items(), 6U - quarantine.kept().size());
  EXPECT_LE(quarantine.bytes(), 3 * each + 10);
}

TEST(Quarantine, PassesAFullBudgetByNoMoreThanItsOwnBound) {
  constexpr std::size_t each = sizeof(Quarantine::Kept) + 40;
  Budget budget(1000);
  const auto others = budget.take(1000);
  Quarantine quarantine(3 * each, budget);
  Quarantined q;
  q.last = 1;
  q.bytes = Slice(std::string(40, 'q'));
  EXPECT_FALSE(quarantine.crowds());
  for (int i = 0; i < 5; ++i) {
    quarantine.put(q);
    EXPECT_LE(budget.used(), budget.limit() + quarantine.bytes_max());
  }
  EXPECT_EQ(quarantine.kept().size(), 3U);
  EXPECT_EQ(quarantine.let_go_items(), 2U);
  EXPECT_TRUE(quarantine.crowds());
  EXPECT_GE(quarantine.take_crowded_by(), 3 * each);
  EXPECT_EQ(quarantine.take_crowded_by(), 0U) << "asked for once";
  EXPECT_NE(quarantine.restore(q, 1), nullptr);
  EXPECT_EQ(quarantine.kept().size(), 3U);
}

TEST(Quarantine, LetsNothingGoForOneThatIsLargerThanAllOfIt) {
  constexpr std::size_t each = sizeof(Quarantine::Kept) + 40;
  Budget budget(100 * each);
  Quarantine quarantine(3 * each, budget);
  Quarantined q;
  q.last = 1;
  q.bytes = Slice(std::string(40, 'q'));
  quarantine.put(q);
  q.bytes = Slice(std::string(4 * each, 'q'));
  quarantine.put(q);
  EXPECT_EQ(quarantine.kept().size(), 1U);
  EXPECT_EQ(quarantine.let_go_items(), 1U);
}

}  // namespace
}  // namespace forager::journal
