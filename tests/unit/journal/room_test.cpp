// The cap of a disk journal: whole segments are given up, by the rule of shares, and space is free
// at once; and which bodies stay in memory.
#include <gtest/gtest.h>

#include "unit/journal/life.h"

namespace forager::journal {
namespace {

using test::FaultyFiles;

constexpr std::size_t segments = 16;
constexpr std::size_t cap = segments * test_segment;

std::size_t bytes_on(const FaultyFiles& files) {
  std::size_t bytes = 0;
  for (const auto& [name, file] : files.files) bytes += file.now.size();
  return bytes;
}

struct Room : ::testing::Test {
  FaultyFiles files;

  /// Appends and commits; the first destination takes it at once.
  std::optional<Position> append(Life& life, std::uint64_t number) {
    const auto position = life.append(number);
    life.commit();
    if (position) life.settle(*position, 0);
    EXPECT_LE(bytes_on(files), cap);
    EXPECT_EQ(life.imbalance(), "");
    return position;
  }
  static std::uint64_t expired(const Life& life) { return life.booked(ledger::State::expired); }
};

TEST_F(Room, GivesUpTheFewOldRecordsThatPinTheOldestSegments) {
  Life one(files, cap, {{"quick"}, {"picky"}});
  std::uint64_t kept = 0;
  for (std::uint64_t n = 1; n <= 2000; ++n) {
    const auto position = append(one, n);
    ASSERT_TRUE(position.has_value()) << n << ": refused though one destination keeps up";
    if (n % 15 != 0) {
      one.settle(*position, 1);
    } else {
      ++kept;
    }
  }
  const std::uint64_t gone = expired(one);
  EXPECT_GT(gone, 0U);
  EXPECT_EQ(one.positions(1).size(), kept - gone);
  EXPECT_GE(one.positions(1).size(), (segments / 2 - 1) * (test_segment / 400 / 15))
      << "about half of the segments are its share";
  one.commit();
  Life two(files, cap, {{"quick"}, {"picky"}});
  EXPECT_EQ(two.held(1), one.held(1));
  EXPECT_EQ(two.lost(), 0U);
}

TEST_F(Room, LeavesALaggardHalfAndNeverRefusesTheOneThatKeepsUp) {
  Life one(files, cap, {{"quick"}, {"down"}});
  for (std::uint64_t n = 1; n <= 1500; ++n) ASSERT_TRUE(append(one, n).has_value()) << n;
  std::size_t held = 0;
  for (const Position p : one.positions(1)) held += one.body(p).size();
  EXPECT_GT(held, cap / 3);
  EXPECT_EQ(one.positions(1).back(), one.journal.last()) << "the oldest went, not the newest";
  EXPECT_EQ(expired(one) + one.positions(1).size(), 1500U);
}

TEST_F(Room, RefusesWhenAllLagAndGivesNothingUp) {
  Life one(files, cap, {{"down"}});
  std::uint64_t taken = 0;
  while (one.append(taken + 1)) {
    one.commit();
    ASSERT_LT(++taken, 1000U);
  }
  EXPECT_EQ(expired(one), 0U);
  EXPECT_EQ(one.positions().size(), taken);
  EXPECT_GT(bytes_on(files), cap - 2 * test_segment);
}

TEST_F(Room, GivesUpTheOldestWhenItIsToldTo) {
  Life one(files, cap, {{"down"}}, {.expire_when_full = true});
  for (std::uint64_t n = 1; n <= 1000; ++n) {
    ASSERT_TRUE(one.append(n).has_value()) << n;
    one.commit();
    ASSERT_LE(bytes_on(files), cap);
  }
  EXPECT_EQ(expired(one) + one.positions().size(), 1000U);
  EXPECT_EQ(one.imbalance(), "");
}

TEST_F(Room, DoesntGiveUpASegmentWithARecordInFlight) {
  Life one(files, cap, {{"quick"}, {"down"}});
  const Position first = append(one, 1).value();
  one.journal.take(1, first);
  for (std::uint64_t n = 2; n <= 1000; ++n) ASSERT_TRUE(append(one, n).has_value()) << n;
  ASSERT_NE(one.journal.find(first), nullptr);
  EXPECT_GT(expired(one), 0U);
  one.journal.release(1, first);
}

TEST_F(Room, GivesUpNothingOfASegmentThatTheQuarantineStillNeeds) {
  Life one(files, cap, {{"down"}}, {.expire_when_full = true}, true, 1U << 20U);
  std::uint64_t n = 0;
  while (expired(one) == 0) {
    ASSERT_TRUE(one.append(++n).has_value());
    one.commit();
  }
  const std::uint64_t gone = expired(one);
  std::size_t at = 0;
  for (const Position p : one.positions()) {
    if (at++ % 10 == 0) one.quarantine(p);  // of every segment some, and none is durable yet
  }
  while (one.append(++n)) ASSERT_LT(n, 2000U);
  EXPECT_EQ(expired(one), gone) << "what would not have made room";
  one.commit();
  EXPECT_TRUE(one.append(++n).has_value());
  EXPECT_GT(expired(one), gone);
  EXPECT_EQ(one.imbalance(), "");
}

TEST_F(Room, CountsAFileThatItCouldNotRemoveAndTriesAgain) {
  Life one(files, cap);
  std::vector<Position> all;
  while (files.files.size() < 5) {
    all.push_back(one.append(all.size() + 1).value());
    one.commit();
  }
  bool refuse = true;
  files.removes_fail = [&] { return refuse; };
  for (const Position p : all) one.settle(p);
  one.commit();
  EXPECT_EQ(files.files.size(), 5U);
  EXPECT_EQ(one.journal.disk_bytes(), bytes_on(files));
  EXPECT_EQ(one.journal.disk_trouble(), "");
  refuse = false;
  one.append(1000);
  one.commit();
  EXPECT_EQ(files.files.size(), 1U);
  EXPECT_EQ(one.journal.disk_bytes(), bytes_on(files));
}

TEST_F(Room, CountsTheFileOfACommitThatFailed) {
  Life one(files, cap);
  one.append(1);
  files.fails = [](std::uint64_t call) { return call == 2; };  // create, write
  one.commit();
  EXPECT_EQ(files.files.size(), 1U);
  EXPECT_EQ(one.journal.disk_bytes(), bytes_on(files));
  EXPECT_EQ(one.held().size(), 1U);

  // the open segment takes nothing, nor does the new one, and that can't be removed again
  for (const bool stays : {true, false}) {
    one.append(2);
    const auto before = files.calls;
    const std::size_t had = files.files.size();
    files.fails = [&](std::uint64_t call) { return call == before + 1 || call == before + 3; };
    files.removes_fail = [stays] { return stays; };
    one.commit();
    EXPECT_NE(one.journal.disk_trouble(), "");
    EXPECT_EQ(files.files.size(), had + (stays ? 1 : 0));
    EXPECT_EQ(one.journal.disk_bytes(), bytes_on(files));
    one.now += std::chrono::seconds(1);
    one.commit();
    EXPECT_EQ(one.journal.disk_trouble(), "");
    EXPECT_EQ(one.journal.disk_bytes(), bytes_on(files));
  }
  EXPECT_EQ(one.held().size(), 1U);
}

TEST_F(Room, RemovesASegmentOnlyAfterWhatSettledItsRecordsIsDurable) {
  Life one(files, cap);
  std::vector<Position> all;
  while (files.files.size() < 3) {
    all.push_back(one.append(all.size() + 1).value());
    one.commit();
  }
  for (const Position p : all) one.settle(p);
  auto commit = one.journal.take_commit(one.now);  // no 100 ms are waited for
  ASSERT_TRUE(commit.has_value());
  EXPECT_FALSE(commit->remove.empty());
  EXPECT_FALSE(commit->settled.empty());
  one.journal.committed(run_commit(files, std::move(*commit)), one.now);
}

TEST_F(Room, ForgetsTheNewestBodiesFirstAndCanReadThemBack) {
  Life one(files);
  std::vector<Position> all;
  std::size_t bytes = 0;
  for (std::uint64_t n = 1; n <= 200; ++n) {
    all.push_back(one.append(n).value());
    bytes += body_of(n).size();
  }
  EXPECT_EQ(one.journal.forget_bodies(1), 0U) << "not durable yet";
  one.commit();
  std::size_t freed = 0;
  while (one.journal.resident_bytes() > bytes / 2) {
    const std::size_t now = one.journal.forget_bodies(1);
    ASSERT_GT(now, 0U);
    freed += now;
  }
  EXPECT_EQ(one.journal.resident_bytes() + freed, bytes);
  EXPECT_FALSE(one.journal.find(all.front())->body.empty());
  EXPECT_TRUE(one.journal.find(all.back())->body.empty());
  EXPECT_FALSE(one.journal.find(all[50])->body.empty()) << "the newest go first";

  one.journal.restore_body(all[180], Slice(body_of(181)), one.budget);
  EXPECT_EQ(one.journal.forget_bodies(1), body_of(181).size()) << "the newest that has one";
  one.settle(all[190]);
  one.journal.take(0, all[0]);
  EXPECT_EQ(one.journal.forget_bodies(SIZE_MAX) + freed + body_of(1).size(), bytes);
  EXPECT_EQ(one.journal.resident_bytes(), body_of(1).size()) << "but not what is in flight";
  one.journal.release(0, all[0]);
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i == 190) continue;
    ASSERT_EQ(one.body(all[i]), body_of(i + 1));
  }
}

}  // namespace
}  // namespace forager::journal
