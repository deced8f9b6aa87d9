// What a destination refuses, on disk: as durable as the record's end, back after any restart, and
// sent again to that destination alone.
#include <gtest/gtest.h>

#include "unit/journal/life.h"

namespace forager::journal {
namespace {

using ledger::Reason;
using ledger::State;
using test::FaultyFiles;

constexpr std::size_t bin_bytes = 1U << 20U;
constexpr std::size_t cap = 1U << 20U;
const std::vector<To> two{{"a"}, {"b"}};

struct Bin : Life {
  explicit Bin(FaultyFiles& on, const std::vector<To>& to = {{"a"}}, std::size_t room = bin_bytes)
      : Life(on, cap, to, {}, true, room) {}
  std::vector<std::uint64_t> numbers() const {
    std::vector<std::uint64_t> made;
    for (const auto& kept : bin.kept()) made.push_back(kept.number);
    return made;
  }
  Position kept_record(std::uint64_t number) {
    const Position p = append(number).value();
    commit();
    return p;
  }
};

using Numbers = std::vector<std::uint64_t>;
using Bodies = std::multiset<std::string>;

TEST(DurableQuarantine, IsBackAfterARestartWithAllThatWasKnownOfIt) {
  FaultyFiles files;
  {
    Bin one(files);
    one.quarantine(one.kept_record(1));
    one.confirm();
    EXPECT_EQ(one.imbalance(), "");
  }
  Bin next(files);
  ASSERT_EQ(next.numbers(), Numbers{1});
  const Quarantined& what = next.bin.kept().front().what;
  EXPECT_EQ(what.destination, "a");
  EXPECT_EQ(what.why, "refused");
  EXPECT_EQ(what.reason, Reason::refused_alone);
  EXPECT_EQ(what.arrived, next.wall);
  EXPECT_EQ(what.bytes.view(), body_of(1));
  EXPECT_EQ(what.items(), 1U);
  EXPECT_TRUE(next.held().empty());
  const auto& book = next.books.book("a");
  EXPECT_EQ(book.recovered(Signal::traces), 1U);
  EXPECT_EQ(book.count(Signal::traces, State::quarantined), 1U);
  EXPECT_EQ(next.imbalance(), "");
  next.quarantine(next.kept_record(2));
  EXPECT_EQ(next.numbers(), (Numbers{1, 2})) << "numbers go on";
}

TEST(DurableQuarantine, IsNotOnDiskBeforeTheWholeRecordIsSettled) {
  FaultyFiles files;
  {
    Bin one(files);
    const Position p = one.append(1, Signal::traces, {}, 3).value();
    one.commit();
    one.quarantine(p);
    one.commit();
    one.confirm();
  }
  {
    Bin next(files);
    EXPECT_EQ(next.numbers(), Numbers{}) << "else it would be there twice";
    ASSERT_EQ(next.positions().size(), 1U);
    const Position p = next.positions().front();
    EXPECT_EQ(next.journal.remaining(0, p), 3U);
    next.quarantine(p);
    next.quarantine(p);
    next.settle(p);
    next.confirm();
  }
  Bin last(files);
  EXPECT_EQ(last.numbers().size(), 2U);
  EXPECT_TRUE(last.held().empty());
  EXPECT_EQ(last.imbalance(), "");
}

TEST(DurableQuarantine, WhatIsLetGoForLackOfRoomIsGoneForGood) {
  FaultyFiles files;
  constexpr std::size_t room = 5 * (sizeof(Quarantine::Kept) + 400);
  {
    Bin one(files, {{"a"}}, room);
    for (std::uint64_t n = 1; n <= 30; ++n) one.quarantine(one.kept_record(n));
    one.confirm();
    EXPECT_GT(one.bin.let_go_items(), 20U);
    EXPECT_EQ(one.booked(State::quarantined), 30U);
  }
  Bin next(files, {{"a"}}, room);
  EXPECT_LT(next.numbers().size(), 10U);
  EXPECT_EQ(next.numbers().back(), 30U);
  EXPECT_EQ(next.bin.let_go_items(), 0U);
  EXPECT_EQ(next.imbalance(), "");
}

/// The copy of the first is durable, and the segment with the original still there; between them
/// the next run finds more than it has room for.
TEST(DurableQuarantine, BooksOnceWhatIsLetGoBetweenItsFrameAndItsCopy) {
  FaultyFiles files;
  constexpr std::uint64_t items = 30;
  {
    Bin one(files);
    const Position first = one.kept_record(1);
    const Position pins = one.kept_record(1000);
    one.quarantine(first);
    one.commit();
    for (std::uint64_t n = 2; n <= items; ++n) {
      const Position p = one.kept_record(n);
      one.kept_record(1000 + n);
      one.quarantine(p);
      one.commit();
    }
    const Position in = one.bin.kept().front().segment;
    files.removes_fail = [] { return true; };
    one.settle(pins);
    for (const Position p : one.positions()) {
      if (p < one.bin.kept().back().segment) one.settle(p);
    }
    one.commit();
    ASSERT_GT(one.bin.kept().front().segment, in) << "copied";
    one.confirm();
  }
  Bin next(files, {{"a"}}, 5 * (sizeof(Quarantine::Kept) + 400));
  next.commit();
  EXPECT_EQ(next.booked(State::quarantined), items);
  const Numbers kept = next.numbers();
  next.confirm();
  Bin last(files);
  EXPECT_EQ(last.numbers(), kept);
  EXPECT_EQ(last.lost(), 0U);
}

TEST(DurableQuarantine, DoesNotPinSegmentsThoughItsItemsStayForEver) {
  FaultyFiles files;
  Bin one(files);
  std::size_t most = 0;
  for (std::uint64_t n = 1; n <= 600; ++n) {
    const Position p = one.kept_record(n);
    n % 100 == 0 ? one.quarantine(p) : one.settle(p);
    one.commit();
    most = std::max(most, files.files.size());
  }
  EXPECT_LE(most, 4U) << "six small items";
  EXPECT_EQ(one.quarantined(), (Bodies{body_of(100), body_of(200), body_of(300), body_of(400),
                                       body_of(500), body_of(600)}));
  one.confirm();
  Bin next(files);
  EXPECT_EQ(next.quarantined(), one.quarantined());
  EXPECT_EQ(next.numbers(), one.numbers());
}

TEST(DurableQuarantine, LeavesASegmentThatIsMostlyQuarantineWhereItIs) {
  FaultyFiles files;
  Bin one(files);
  for (std::uint64_t n = 1; n <= 100; ++n) {
    one.quarantine(one.kept_record(n));
    one.commit();
  }
  const auto calls = files.calls;
  for (int i = 0; i < 20; ++i) one.commit();
  EXPECT_LE(files.calls, calls + 6) << "nothing is copied for ever";
  EXPECT_EQ(one.quarantined().size(), 100U);
  one.confirm();
  Bin next(files);
  EXPECT_EQ(next.quarantined().size(), 100U);
}

TEST(DurableQuarantine, KeepsTheCapAndGetsItsRoomWhileRecordsFillTheRest) {
  constexpr std::size_t small = 24 * test_segment;
  for (const bool expires : {false, true}) {
    FaultyFiles files;
    JournalConfig config;
    config.expire_when_full = expires;
    Life one(files, small, {{"a"}}, config, true, 1U << 20U);
    std::size_t refused = 0;
    std::size_t most = 0;
    for (std::uint64_t n = 1; n <= 2500; ++n) {
      const auto position = one.append(n);
      one.commit();
      if (!position) ++refused;
      const auto held = one.positions();
      if (n % 4 == 0 && !held.empty() && one.bin.bytes() < small / 10) {
        one.quarantine(held[held.size() / 2]);
        one.commit();
      }
      if (n % 9 == 0 &&
          one.journal.drop_quarantined(one.bin.kept().front().number, Reason::given_up)) {
        one.commit();
      }
      std::size_t bytes = 0;
      for (const auto& [name, file] : files.files) bytes += file.now.size();
      most = std::max(most, bytes);
      ASSERT_EQ(one.imbalance(), "");
    }
    EXPECT_LE(most, small + test_segment) << "one for what is settled may come on top";
    EXPECT_GT(one.bin.kept().size(), 10U);
    if (!expires) {
      EXPECT_GT(refused, 0U);
    }
    if (expires) {
      EXPECT_GT(one.booked(State::expired), 500U);
    }
    one.confirm();
    const auto kept = one.quarantined();
    Life next(files, small, {{"a"}}, config, true, 1U << 20U);
    EXPECT_EQ(next.quarantined(), kept);
    EXPECT_EQ(next.lost(), 0U);
    EXPECT_EQ(next.imbalance(), "");
  }
}

TEST(Replay, GoesToItsDestinationAloneAndIsBookedAsHeldOnceItIsDurable) {
  FaultyFiles files;
  Bin one(files, two);
  const Position p = one.kept_record(1);
  one.settle(p, 1);
  one.quarantine(p, 0);
  EXPECT_EQ(one.journal.replay(1, one.budget, one.wall, one.now), Replay::waits);
  one.commit();
  EXPECT_EQ(one.journal.replay(7, one.budget, one.wall, one.now), Replay::unknown);
  EXPECT_EQ(one.journal.replay(1, one.budget, one.wall, one.now), Replay::taken);
  EXPECT_EQ(one.journal.replay(1, one.budget, one.wall, one.now), Replay::waits) << "once";
  EXPECT_EQ(one.booked(State::quarantined), 1U);
  EXPECT_EQ(one.imbalance(), "");
  one.commit();
  EXPECT_EQ(one.imbalance(), "");
  EXPECT_EQ(one.booked(State::quarantined), 0U);
  EXPECT_EQ(one.books.book("a").ever(Signal::traces, Reason::refused_alone), 1U);
  EXPECT_EQ(one.numbers(), Numbers{});
  EXPECT_EQ(one.held(0), Bodies{body_of(1)});
  EXPECT_EQ(one.held(1), Bodies{});
  one.confirm();
  Bin next(files, two);
  EXPECT_EQ(next.held(0), Bodies{body_of(1)});
  EXPECT_EQ(next.held(1), Bodies{});
  EXPECT_EQ(next.numbers(), Numbers{});
  EXPECT_EQ(next.lost(), 0U);
  next.settle(next.positions().front());
  next.confirm();
  EXPECT_EQ(next.imbalance(), "");
  Bin last(files, two);
  EXPECT_EQ(last.held(0), Bodies{});
  EXPECT_EQ(last.numbers(), Numbers{});
}

TEST(Replay, IsDoneOnceMoreWhenTheRecordMayNeverHaveBeenSynced) {
  FaultyFiles files;
  {
    Bin one(files);
    one.quarantine(one.kept_record(1));
    one.commit();
    one.confirm();
    EXPECT_EQ(one.journal.replay(1, one.budget, one.wall, one.now), Replay::taken);
    files.dies_at = files.calls + 1;  // the write
    files.dies_after = true;
    EXPECT_THROW(one.commit(), FaultyFiles::Died);
    files.dies_at = 0;
  }
  {
    Bin next(files);  // only the process died: the page cache has it
    EXPECT_EQ(next.held(), Bodies{});
    EXPECT_EQ(next.numbers(), Numbers{1});
    next.commit();
    EXPECT_EQ(next.held(), Bodies{body_of(1)});
    EXPECT_EQ(next.numbers(), Numbers{});
    EXPECT_EQ(next.imbalance(), "");
    next.confirm();
  }
  for (auto& [name, file] : files.files) file.now = file.synced;  // the power goes
  Bin last(files);
  EXPECT_EQ(last.held(), Bodies{body_of(1)});
  EXPECT_EQ(last.numbers(), Numbers{});
  EXPECT_EQ(last.lost(), 0U);
}

TEST(Replay, StaysInQuarantineWhenTheDiskTakesNothing) {
  FaultyFiles files;
  Bin one(files);
  one.quarantine(one.kept_record(1));
  one.commit();
  EXPECT_EQ(one.journal.replay(1, one.budget, one.wall, one.now), Replay::taken);
  files.fails = [](std::uint64_t) { return true; };
  one.commit();
  EXPECT_EQ(one.imbalance(), "");
  EXPECT_EQ(one.numbers(), Numbers{1});
  EXPECT_EQ(one.journal.replay(1, one.budget, one.wall, one.now), Replay::full);
  files.fails = {};
  one.now += std::chrono::seconds(2);
  one.commit();
  EXPECT_EQ(one.journal.replay(1, one.budget, one.wall, one.now), Replay::taken);
  one.commit();
  EXPECT_EQ(one.held(), Bodies{body_of(1)});
}

TEST(Replay, NeedsADestinationThatTakesTheSignal) {
  FaultyFiles files;
  {
    Bin one(files);
    one.quarantine(one.kept_record(1));
    one.confirm();
  }
  Bin next(files, {{"a", {false, true, true}}});
  EXPECT_EQ(next.journal.replay(1, next.budget, next.wall, next.now), Replay::homeless);
}

TEST(Replay, ComesBackThroughMemoryToo) {
  ledger::Ledger books;
  Budget budget{100'000};
  Journal journal({}, books);
  Quarantine bin(50'000, budget);
  journal.use_quarantine(bin);
  const auto a = journal.open_cursor("a", {true, true, true});
  const auto b = journal.open_cursor("b", {true, true, true});
  const Time now{std::chrono::seconds(5)};
  Record record;
  record.items = 1;
  record.body = Slice(body_of(1));
  const Position p = journal.append(std::move(record), {}, now).value();
  journal.settle(b, p, 1, Reason::delivered, now);
  Quarantined item;
  item.destination = "a";
  item.position = p;
  item.last = 1;
  item.bytes = Slice(body_of(1));
  bin.put(std::move(item));
  journal.settle(a, p, 1, Reason::over_item_limit, now);
  EXPECT_EQ(books.book("a").count(Signal::traces, Reason::over_item_limit), 1U);
  EXPECT_EQ(journal.replay(1, budget, {}, now), Replay::taken);
  EXPECT_EQ(books.book("a").count(Signal::traces, Reason::over_item_limit), 0U);
  EXPECT_TRUE(bin.kept().empty());
  EXPECT_EQ(journal.held_items(a), 1U);
  EXPECT_EQ(journal.held_items(b), 0U);
  EXPECT_EQ(ledger::imbalance(
                books, [&](std::string_view n, Signal s) { return journal.held_items(n, s); }),
            "");
}

TEST(DurableQuarantine, IsOverForGoodWhenAPersonGivesItUp) {
  FaultyFiles files;
  {
    Bin one(files);
    one.quarantine(one.kept_record(1));
    one.quarantine(one.kept_record(2));
    one.commit();
    EXPECT_TRUE(one.journal.drop_quarantined(1, Reason::given_up));
    EXPECT_FALSE(one.journal.drop_quarantined(1, Reason::given_up));
    EXPECT_EQ(one.booked(State::quarantined), 1U);
    EXPECT_EQ(one.booked(State::expired), 1U);
    EXPECT_EQ(one.imbalance(), "");
    one.commit();
    one.confirm();
  }
  Bin next(files);
  EXPECT_EQ(next.numbers(), Numbers{2});
  EXPECT_EQ(next.booked(State::quarantined), 1U);
}

TEST(Audience, IsPassedByTheOthersAtOnceAndForGood) {
  FaultyFiles files;
  const std::vector<To> three{{"a"}, {"b"}, {"c"}};
  {
    Bin one(files, three);
    one.append(1, Signal::traces, Audience::only(1));
    one.append(2, Signal::traces, Audience::all_but(1));
    one.append(3);
    one.commit();
    EXPECT_EQ(one.held(0), (Bodies{body_of(2), body_of(3)}));
    EXPECT_EQ(one.held(1), (Bodies{body_of(1), body_of(3)}));
    EXPECT_EQ(one.books.book("a").accepted(Signal::traces), 2U);
    EXPECT_EQ(one.imbalance(), "");
    one.confirm();
  }
  Bin next(files, {{"c"}, {"a"}, {"b"}});  // numbered in another order
  EXPECT_EQ(next.held(0), (Bodies{body_of(2), body_of(3)}));
  EXPECT_EQ(next.held(1), (Bodies{body_of(2), body_of(3)}));
  EXPECT_EQ(next.held(2), (Bodies{body_of(1), body_of(3)}));
  EXPECT_EQ(next.lost(), 0U);
  EXPECT_EQ(next.imbalance(), "");
}

TEST(Audience, OfNobodyIsNotRouted) {
  FaultyFiles files;
  Bin one(files);
  EXPECT_EQ(one.append(1, Signal::traces, Audience::all_but(0)), not_routed);
}

TEST(ReleasedDestination, IsForgottenByLaterRuns) {
  FaultyFiles files;
  {
    Bin one(files, two);
    one.kept_record(1);
    one.confirm();
  }
  {
    Bin next(files, {{"a"}});
    ASSERT_EQ(next.journal.cursor_name(1), "b");
    next.journal.give_up(1, WallTime::max(), Reason::destination_removed, next.now);
    next.journal.forget_cursor(1);
    next.commit();
    for (std::uint64_t n = 2; n < 40; ++n) next.kept_record(n);  // into other segments
    next.confirm();
  }
  Bin last(files, {{"a"}});
  EXPECT_EQ(last.journal.cursors(), 1U) << "its name is gone";
  EXPECT_EQ(last.held().size(), 39U);
  EXPECT_EQ(last.lost(), 0U);
  Bin again(files, two);  // configured once more: it begins anew
  EXPECT_EQ(again.held(1), Bodies{});
  EXPECT_EQ(again.lost(), 0U);
}

}  // namespace
}  // namespace forager::journal
