#include "batch/planner.h"

#include <gtest/gtest.h>

#include "unit/batch/numbered.h"

namespace forager::batch {
namespace {

using journal::Record;
using std::chrono::milliseconds;

/// A planner over a list of records that stands for the journal.
struct Desk {
  explicit Desk(Limits limits, bool adds_log_time = false)
      : planner(milliseconds(200), adds_log_time, [this](journal::Position p) {
          return p <= records.size() ? &records[p - 1] : nullptr;
        }) {
    for (const Signal s : all_signals) planner.set_limits(s, limits);
  }
  Record& add(const test::Numbered& plan, journal::GroupId group = 0) {
    Record record = test::numbered(plan);
    record.group = group;
    return put(std::move(record));
  }
  Record& put(Record record) {
    record.position = records.size() + 1;
    records.push_back(std::move(record));
    planner.add(records.back(), now);
    return records.back();
  }
  std::vector<journal::Position> positions(const Batch& batch) {
    std::vector<journal::Position> all;
    for (const Piece& piece : batch.pieces) all.push_back(piece.position);
    return all;
  }

  Time now{std::chrono::seconds(100)};
  std::deque<Record> records;
  Planner planner;
};
using Positions = std::vector<journal::Position>;

Limits limits_of(std::size_t bytes, std::uint32_t items = UINT32_MAX) {
  Limits limits;
  limits.request_bytes = bytes;
  limits.request_bytes_max = bytes;
  limits.request_items = items;
  return limits;
}

TEST(Planner, SendsAtOnceWhenIdleAndGathersWhileARequestIsInFlight) {
  Desk desk(limits_of(1'000'000));
  EXPECT_EQ(desk.planner.due(true), Time::max());
  desk.add({.items = 1});
  EXPECT_EQ(desk.planner.due(true), Time::min());
  EXPECT_EQ(desk.planner.due(false), desk.now + milliseconds(200));
  EXPECT_FALSE(desk.planner.take(desk.now, false));
  desk.now += milliseconds(150);
  desk.add({.items = 1});
  EXPECT_FALSE(desk.planner.take(desk.now, false));
  desk.now += milliseconds(50);  // the oldest has waited long enough, and takes the other along
  const auto batch = desk.planner.take(desk.now, false);
  ASSERT_TRUE(batch);
  EXPECT_EQ(desk.positions(*batch), (Positions{1, 2}));
  EXPECT_EQ(batch->items, 2U);
  EXPECT_TRUE(desk.planner.empty());
}

TEST(Planner, SendsAFullBatchWithoutWaiting) {
  Desk desk(limits_of(1'000'000, 10));
  desk.add({.items = 6});
  EXPECT_FALSE(desk.planner.take(desk.now, false));
  desk.add({.items = 4});
  desk.add({.items = 3});
  const auto batch = desk.planner.take(desk.now, false);
  ASSERT_TRUE(batch);
  EXPECT_EQ(desk.positions(*batch), (Positions{1, 2}));
  EXPECT_FALSE(desk.planner.take(desk.now, false)) << "the rest isn't full";
}

TEST(Planner, NeverPassesTheLimitOfBytes) {
  const std::size_t one = test::numbered({.items = 5, .padding = 50}).body.size();
  Desk desk(limits_of(one * 3));
  for (int i = 0; i < 10; ++i) desk.add({.items = 5, .padding = 50});
  std::size_t records = 0;
  while (const auto batch = desk.planner.take(desk.now, true)) {
    EXPECT_LE(batch->bytes, one * 3);
    EXPECT_EQ(batch->bytes, one * batch->pieces.size());
    records += batch->pieces.size();
  }
  EXPECT_EQ(records, 10U);
}

TEST(Planner, NeverMixesGroupsOrSignals) {
  Desk desk(limits_of(1'000'000));
  desk.add({.signal = Signal::traces}, 1);
  desk.add({.signal = Signal::traces}, 2);
  desk.add({.signal = Signal::logs}, 1);
  desk.add({.signal = Signal::traces}, 1);
  std::vector<Positions> batches;
  while (const auto batch = desk.planner.take(desk.now, true)) {
    batches.push_back(desk.positions(*batch));
  }
  EXPECT_EQ(batches, (std::vector<Positions>{{1, 4}, {2}, {3}}));
}

TEST(Planner, LetsGroupsTakeTurns) {
  Desk desk(limits_of(1'000'000, 10));
  for (int i = 0; i < 5; ++i) desk.add({.items = 10}, 1);  // a backlog
  desk.add({.items = 1}, 2);
  desk.now += milliseconds(200);
  desk.add({.items = 10}, 1);
  EXPECT_EQ(desk.planner.take(desk.now, false)->group, 1U);
  EXPECT_EQ(desk.planner.take(desk.now, false)->group, 2U) << "not behind the whole backlog";
  EXPECT_EQ(desk.planner.take(desk.now, false)->group, 1U);
}

TEST(Planner, CutsARecordThatIsOverTheLimitAndMergesItsLastPart) {
  Desk desk(limits_of(1'000'000, 10));
  desk.add({.first = 0, .items = 25});
  desk.add({.first = 25, .items = 3});
  std::vector<std::uint32_t> sizes;
  std::uint32_t next = 0;
  std::vector<Piece> last;
  while (const auto batch = desk.planner.take(desk.now, true)) {
    sizes.push_back(batch->items);
    if (batch->pieces.front().position == 1) {
      EXPECT_EQ(batch->pieces.front().first, next);
      EXPECT_FALSE(batch->pieces.front().whole);
      next = batch->pieces.front().last;
    }
    last = batch->pieces;
  }
  EXPECT_EQ(sizes, (std::vector<std::uint32_t>{10, 10, 8}));
  EXPECT_EQ(next, 25U);
  ASSERT_EQ(last.size(), 2U);
  EXPECT_TRUE(last[1].whole);
}

TEST(Planner, CutsByBytesWithTheEnvelopesCounted) {
  Desk desk(limits_of(2000));
  const Record& record = desk.add({.items = 100, .padding = 100});
  Cutter cutter(false);
  std::vector<std::uint64_t> numbers;
  while (const auto batch = desk.planner.take(desk.now, true)) {
    ASSERT_EQ(batch->pieces.size(), 1U);
    const Piece& piece = batch->pieces.front();
    const Buffer body = cutter.part(record, piece.first, piece.last);
    EXPECT_EQ(body.size(), batch->bytes);
    EXPECT_LE(body.size(), 2000U);
    for (const auto n : test::numbers_in(Signal::traces, body.view())) numbers.push_back(n);
  }
  ASSERT_EQ(numbers.size(), 100U);
  for (std::uint64_t n = 0; n < 100; ++n) EXPECT_EQ(numbers[n], n);
}

TEST(Planner, LetsTheRestOfACutRecordWaitForMoreLikeAnyOther) {
  Desk desk(limits_of(2000));
  desk.add({.items = 100, .padding = 100});
  while (const auto batch = desk.planner.take(desk.now, false)) {
    EXPECT_GT(batch->bytes, 1700U) << "only full ones";
  }
  EXPECT_EQ(desk.planner.due(false), desk.now + milliseconds(200));
  const auto rest = desk.planner.take(desk.now, true);
  ASSERT_TRUE(rest);
  EXPECT_LT(rest->bytes, 2000U);
  EXPECT_TRUE(desk.planner.empty());
}

TEST(Planner, SetsAsideASingleItemThatCanNeverBeSent) {
  // Item 3 of 6 is over the limit of an item.
  std::string scope;
  for (std::uint64_t n = 0; n < 6; ++n) {
    scope += test::wire_bytes(2, test::numbered_item({.padding = n == 3 ? 900U : 10U}, n));
  }
  Buffer body = Buffer::copy_of(test::wire_bytes(1, test::wire_bytes(2, scope)));
  const otlp::Shape shape = otlp::walk(Signal::traces, body.span()).value();
  Record record;
  record.items = shape.items;
  record.largest_item = shape.largest_item;
  record.body = Slice(std::move(body));
  Limits limits = limits_of(1'000'000);
  limits.item_bytes = 500;
  Desk desk(limits);
  desk.put(std::move(record));
  std::vector<std::pair<std::uint32_t, std::uint32_t>> sent;
  std::vector<std::uint32_t> aside;
  while (const auto batch = desk.planner.take(desk.now, true)) {
    const Piece& piece = batch->pieces.front();
    if (batch->over_limit) {
      aside.push_back(piece.first);
      EXPECT_EQ(batch->items, 1U);
    } else {
      sent.emplace_back(piece.first, piece.last);
    }
  }
  EXPECT_EQ(aside, std::vector<std::uint32_t>{3});
  EXPECT_EQ(sent, (std::vector<std::pair<std::uint32_t, std::uint32_t>>{{0, 3}, {4, 6}}));
}

TEST(Planner, TriesASingleItemThatIsOverALearnedLimitOnly) {
  Limits limits = limits_of(1'000'000);
  limits.request_bytes = 100;
  Desk desk(limits);
  desk.add({.items = 2, .padding = 500});
  for (int i = 0; i < 2; ++i) {
    const auto batch = desk.planner.take(desk.now, true);
    ASSERT_TRUE(batch);
    EXPECT_EQ(batch->items, 1U);
    EXPECT_FALSE(batch->over_limit);
  }
}

TEST(Planner, LeavesRoomForTheLogTimesItWillAdd) {
  const test::Numbered plan{.signal = Signal::logs, .items = 50, .log_time = false};
  const std::size_t body = test::numbered(plan).body.size();
  Desk plain(limits_of(body));
  plain.add(plan);
  EXPECT_EQ(plain.planner.take(plain.now, true)->items, 50U);
  Desk desk(limits_of(body), true);
  desk.add(plan);
  std::uint32_t items = 0;
  while (const auto batch = desk.planner.take(desk.now, true)) {
    EXPECT_LT(batch->items, 50U);
    EXPECT_LE(batch->bytes, body);
    items += batch->items;
  }
  EXPECT_EQ(items, 50U);
}

TEST(Planner, ForgetsWhatExpired) {
  Desk desk(limits_of(1'000'000, 10));
  for (int i = 0; i < 4; ++i) desk.add({.items = 3});
  for (const std::size_t p : {3U, 1U, 1U}) desk.planner.drop(desk.records[p - 1]);
  EXPECT_FALSE(desk.planner.take(desk.now, false)) << "6 items are no full batch";
  EXPECT_EQ(desk.positions(*desk.planner.take(desk.now, true)), (Positions{2, 4}));
  EXPECT_TRUE(desk.planner.empty());
  desk.planner.drop(desk.records[1]);
  desk.add({.items = 1});
  desk.planner.drop(desk.records[4]);
  EXPECT_TRUE(desk.planner.empty());
  EXPECT_EQ(desk.planner.due(true), Time::max());
}

TEST(Planner, AgesByTheOldestRecordThatIsLeft) {
  Desk desk(limits_of(1'000'000));
  desk.add({});
  desk.now += milliseconds(100);
  desk.add({});
  desk.planner.drop(desk.records[0]);
  EXPECT_EQ(desk.planner.due(false), desk.now + milliseconds(200));
}

TEST(Planner, SeesThatABatchIsFullWhenTheLimitShrinks) {
  Desk desk(limits_of(1'000'000));
  desk.add({.items = 10, .padding = 100});
  EXPECT_FALSE(desk.planner.take(desk.now, false));
  desk.planner.set_limits(Signal::traces, limits_of(500));
  EXPECT_TRUE(desk.planner.take(desk.now, false));
}

}  // namespace
}  // namespace forager::batch
