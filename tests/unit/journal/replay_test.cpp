// What was in quarantine, sent again to its destination alone; records that are not for everyone;
// destinations that are released.
#include <gtest/gtest.h>

#include "journal/quarantine_change.h"
#include "unit/journal/bin.h"

namespace forager::journal {
namespace {

using ledger::Reason;
using ledger::State;
using test::FaultyFiles;

const std::vector<To> two{{"a"}, {"b"}};

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

TEST(ReleasedDestination, KeepsItsNameWhileSomethingOfItIsBeingSentAgain) {
  FaultyFiles files;
  {
    Bin one(files, two);
    const Position p = one.kept_record(1);
    one.settle(p, 0);
    one.quarantine(p, 1);
    one.confirm();
  }
  {
    Bin next(files, {{"a"}});
    ASSERT_EQ(next.journal.cursor_name(1), "b");
    ASSERT_EQ(next.journal.replay(1, next.budget, next.wall, next.now), Replay::taken);
    const auto release = [&next] {
      return release_destination(next.journal, next.bin, 1, WallTime::max(), next.now);
    };
    const Released first = release();
    EXPECT_EQ(first.quarantined.waiting, 1U);
    EXPECT_FALSE(first.forgotten);
    next.commit();
    EXPECT_EQ(next.held(1), Bodies{body_of(1)});
    const Released second = release();
    EXPECT_EQ(second.held.items, 1U);
    EXPECT_TRUE(second.forgotten);
    EXPECT_EQ(next.imbalance(), "");
    for (std::uint64_t n = 2; n < 40; ++n) next.kept_record(n);
    next.confirm();
  }
  Bin last(files, {{"a"}});
  EXPECT_EQ(last.journal.cursors(), 1U);
  EXPECT_EQ(last.held().size(), 38U) << "nobody else is given it";
  EXPECT_EQ(last.lost(), 0U);
}

}  // namespace
}  // namespace forager::journal
