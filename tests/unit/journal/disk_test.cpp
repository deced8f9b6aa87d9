// The disk journal against a model: after any crash, what was acknowledged and not settled is
// there, with its bytes, and the books balance.
#include <gtest/gtest.h>

#include "unit/journal/life.h"

namespace forager::journal {
namespace {

/// Appends, commits, settles and crashes at random; failing calls by chance.
void run_model(std::uint64_t seed, bool faults) {
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  test::FaultyFiles files;
  std::uint64_t number = 0;
  std::multiset<std::string> owed;           // acknowledged, not settled
  std::multiset<std::string> settled_since;  // may be repeated
  for (int life = 0; life < 4; ++life) {
    files.fails = {};
    Life one(files, 1U << 20U);
    ASSERT_EQ(one.imbalance(), "");
    auto held = one.held();
    for (const std::string& body : owed) {
      const auto at = held.find(body);
      ASSERT_NE(at, held.end()) << "acknowledged and lost: " << body.substr(0, 8);
      held.erase(at);
    }
    ASSERT_EQ(one.lost(), 0U) << ::testing::PrintToString(one.news);
    owed = one.held();  // repeats and what was never answered are owed now
    if (faults) files.fails = [&random](std::uint64_t) { return random() % 12 == 0; };
    std::map<Position, std::string> waiting;
    for (int step = 0; step < 60; ++step) {
      if (random() % 2 == 0) {
        const std::string body = body_of(++number);
        if (const auto position = one.append(number)) waiting[*position] = body;
      } else if (random() % 2 == 0) {
        one.commit();
        for (auto& [position, body] : waiting) {
          ASSERT_TRUE(one.journal.decided(position));
          if (!one.journal.voided(position)) owed.insert(body);
        }
        waiting.clear();
      } else if (const auto positions = one.positions(); !positions.empty()) {
        const Position position = positions[random() % positions.size()];
        owed.erase(owed.find(one.body(position)));
        one.settle(position);
      }
      if (random() % 8 == 0) one.journal.forget_bodies(2000);
      ASSERT_EQ(one.imbalance(), "");
    }
    files.crash(random);
  }
}

TEST(DiskJournal, LosesNothingAcknowledgedInAnyCrash) {
  for (std::uint64_t seed = 1; seed <= 150; ++seed) run_model(seed, false);
}

TEST(DiskJournal, LosesNothingAcknowledgedThoughTheDiskFails) {
  for (std::uint64_t seed = 1; seed <= 150; ++seed) run_model(seed, true);
}

TEST(DiskJournal, ForgetsASettledRecordForGoodOnceItIsSynced) {
  test::FaultyFiles files;
  std::mt19937_64 random(1);
  {
    Life one(files, 1U << 20U);
    const Position p = one.append(1).value();
    const Position q = one.append(2).value();
    EXPECT_FALSE(one.journal.durable(p));
    one.commit();
    EXPECT_TRUE(one.journal.durable(q));
    one.settle(p);
    one.commit();
  }
  files.crash(random);
  Life two(files, 1U << 20U);
  EXPECT_EQ(two.held(), std::multiset<std::string>{body_of(2)});
  EXPECT_EQ(two.books.book("a").recovered(Signal::traces), 1U);
}

TEST(DiskJournal, RemovesNothingForASnapshotThatWasNeverSynced) {
  test::FaultyFiles files;
  Position settled = 0;
  {
    Life one(files);
    settled = one.append(1).value();
    one.commit();
    one.settle(settled);
    one.commit();
  }
  {
    Life two(files);
    files.dies_at = files.calls + 3;  // created and written
    EXPECT_THROW(two.commit(), test::FaultyFiles::Died);
    files.dies_at = 0;
  }
  const auto found = find_segments(files).value();
  ASSERT_EQ(found.entries.size(), 2U);
  const FoundCursors cursors = find_cursors(files, found);
  EXPECT_EQ(cursors.snapshot_in, *format::first_of(found.entries.back().name));
  EXPECT_TRUE(cursors.unproven);
  {
    Life three(files, 1U << 20U, {{"a"}}, {}, false);
    three.recover_next();
    EXPECT_FALSE(three.journal.take_commit(three.now).has_value());
  }
  for (auto& [name, file] : files.files) file.now = file.synced;
  Life four(files);
  EXPECT_EQ(four.held(), std::multiset<std::string>{});
  EXPECT_EQ(four.lost(), 0U);
}

TEST(DiskJournal, TrustsASnapshotOnceACommitCameBehindIt) {
  test::FaultyFiles files;
  Life one(files);
  one.commit();
  EXPECT_TRUE(find_cursors(files, find_segments(files).value()).unproven);
  ASSERT_TRUE(one.append(1).has_value());
  one.commit();
  EXPECT_FALSE(find_cursors(files, find_segments(files).value()).unproven);
}

TEST(DiskJournal, MissesNoRecordThatPassedADestinationDuringRecovery) {
  test::FaultyFiles files;
  const std::vector<To> destinations{{"all"}, {"logs", {false, true, true}}};
  const auto signal = Signal::logs;
  {
    Life one(files, 1U << 20U, destinations);
    ASSERT_TRUE(one.append(1, signal).has_value());
    one.commit();
    one.confirm();
  }
  {
    Life two(files, 1U << 20U, destinations, {}, false);
    std::vector<Position> traces;
    for (std::uint64_t n = 2; n < 60; ++n) traces.push_back(two.append(n).value());
    two.commit();
    two.recover();
    two.commit();
    const std::size_t before = files.files.size();
    for (const Position p : traces) two.settle(p);
    two.commit();
    two.confirm();
    ASSERT_LT(files.files.size(), before) << "none of their segments went";
  }
  Life three(files, 1U << 20U, destinations);
  EXPECT_EQ(three.lost(), 0U) << ::testing::PrintToString(three.news);
  EXPECT_EQ(three.held(1), std::multiset<std::string>{body_of(1)});
}

TEST(DiskJournal, AnswersBeforeItRemovesWhatACommitMadeNeedless) {
  test::FaultyFiles files;
  Life one(files);
  std::vector<Position> all;
  while (files.files.size() < 4) {
    all.push_back(one.append(all.size() + 1).value());
    one.commit();
  }
  for (const Position p : all) one.settle(p);
  const Position last = one.append(1000).value();
  one.now += std::chrono::milliseconds(200);
  const auto write = [&] {
    auto commit = one.journal.take_commit(one.now);
    if (commit) one.journal.committed(write_commit(files, std::move(*commit)), one.now);
    return commit.has_value();
  };
  while (write()) continue;
  EXPECT_TRUE(one.journal.durable(last));
  EXPECT_TRUE(one.journal.removing());
  EXPECT_EQ(files.files.size(), 4U);
  const Position next = one.append(1001).value();
  EXPECT_TRUE(write()) << "the next one doesn't wait either";
  EXPECT_TRUE(one.journal.durable(next));
  EXPECT_EQ(files.files.size(), 4U);
  {
    test::FaultyFiles crashed;  // here: what was needless is removed by the next run
    crashed.files = files.files;
    Life other(crashed);
    EXPECT_EQ(other.held(), (std::multiset<std::string>{body_of(1000), body_of(1001)}));
    other.commit();
    EXPECT_LE(crashed.files.size(), 2U);
  }
  auto removal = one.journal.take_removal();
  ASSERT_TRUE(removal.has_value());
  EXPECT_FALSE(one.journal.take_removal().has_value());
  one.journal.removed(run_removal(files, std::move(*removal)));
  EXPECT_FALSE(one.journal.removing());
  EXPECT_EQ(files.files.size(), 1U);
  EXPECT_EQ(one.journal.disk_bytes(), files.files.size() * test_segment);
}

TEST(DiskJournal, GivesSegmentsBackWhenAllIsSettledAndRefusesAtItsCap) {
  test::FaultyFiles files;
  Life one(files, 6 * 8192);
  std::vector<Position> kept;
  for (std::uint64_t n = 1; n < 500; ++n) {
    const auto position = one.append(n);
    if (!position) break;
    kept.push_back(*position);
    one.commit();
  }
  EXPECT_LE(one.journal.disk_bytes(), 6U * 8192);
  ASSERT_LT(kept.size(), 400U) << "the cap was not kept";
  for (const Position p : kept) one.settle(p);
  one.commit();
  EXPECT_LE(files.files.size(), 2U);
  EXPECT_TRUE(one.append(1000).has_value());
}

}  // namespace
}  // namespace forager::journal
