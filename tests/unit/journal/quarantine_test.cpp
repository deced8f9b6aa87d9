// What a destination refuses, on disk: as durable as the record's end, back after any restart, and
// sent again to that destination alone.
#include <gtest/gtest.h>

#include "unit/journal/bin.h"

namespace forager::journal {
namespace {

using ledger::Reason;
using ledger::State;
using test::FaultyFiles;

const std::vector<To> two{{"a"}, {"b"}};

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

TEST(DurableQuarantine, KeepsAllUnderAFullMemoryBudgetAndLetsBodiesGoInstead) {
  FaultyFiles files;
  constexpr std::uint64_t refused = 21;
  {
    Bin one(files, two);
    std::vector<Position> positions;
    for (std::uint64_t n = 1; n <= 200; ++n) positions.push_back(one.kept_record(n));
    const auto others = one.budget.take(one.budget.left());
    for (std::uint64_t n = 0; n < refused; ++n) one.quarantine(positions[n]);
    EXPECT_EQ(one.numbers().size(), refused);
    EXPECT_GT(one.budget.used(), one.budget.limit()) << "b holds the records";
    EXPECT_TRUE(one.journal.missing(positions).empty()) << "a batch may be made of them just now";
    one.commit();
    EXPECT_LE(one.budget.used(), one.budget.limit()) << "bodies made room";
    EXPECT_EQ(one.bin.let_go_items(), 0U);
    EXPECT_EQ(one.held(1).size(), 200U);
    one.confirm();
  }
  Bin next(files, two);
  EXPECT_EQ(next.numbers().size(), refused);
  EXPECT_EQ(next.held(0).size(), 200U - refused);
  EXPECT_EQ(next.imbalance(), "");
}

TEST(DurableQuarantine, IsBackUnderAFullMemoryBudget) {
  FaultyFiles files;
  {
    Bin one(files);
    for (std::uint64_t n = 1; n <= 9; ++n) one.quarantine(one.kept_record(n));
    one.confirm();
  }
  Life next(files, bin_cap, {{"a"}}, {}, false, bin_bytes);
  const auto others = next.budget.take(next.budget.left());
  next.recover();
  EXPECT_EQ(next.bin.kept().size(), 9U);
  EXPECT_EQ(next.lost(), 0U);
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

TEST(DurableQuarantine, ReadsNoMomentOutsideOfWhatClocksSay) {
  FaultyFiles files;
  Bin one(files);
  const auto begun = static_cast<std::int64_t>(unix_nanos(one.wall));
  EXPECT_EQ(one.journal.time_of(begun - 5), one.journal.time_of(begun) - Duration(5));
  EXPECT_EQ(one.journal.time_of(INT64_MAX), one.journal.time_of(begun));
  EXPECT_EQ(one.journal.time_of(INT64_MIN), one.journal.time_of(0));
}

}  // namespace
}  // namespace forager::journal
