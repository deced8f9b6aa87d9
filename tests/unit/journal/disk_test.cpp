// The disk journal against a model: after any crash, what was acknowledged and not settled is
// there, with its bytes, and the books balance.
#include <set>

#include <gtest/gtest.h>

#include "journal/recovery.h"
#include "support/faulty_files.h"

namespace forager::journal {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::string body_of(std::uint64_t number) {
  std::string text = std::to_string(number) + ":";
  return text.append(20 + number * 37 % 700, static_cast<char>('a' + number % 26));
}

/// One process's life on the files.
struct Life {
  Life(test::FaultyFiles& on, std::size_t cap) : files(on) {
    auto found = find_segments(files).value();
    DiskSettings with;
    with.bytes_max = cap;
    with.segment_bytes = 8192;
    with.run = found.next_run;
    with.seed = found.next_run;
    journal.use_disk(with);
    cursor = journal.open_cursor("a", {true, true, true});
    Recovery recovery(journal, budget, found, [](const format::Group&) { return own_group; });
    recovery.begin(find_cursors(files, found));
    while (const auto entry = recovery.next()) {
      for (auto& line : recovery.apply(read_segment(files, *entry), now, WallTime(seconds(1000))))
        news.push_back(line);
    }
    if (found.entries.empty()) journal.recovered();
  }
  std::optional<Position> append(std::uint64_t number) {
    Record record;
    record.items = 1;
    record.arrived = WallTime(seconds(1000));
    record.body = Slice(body_of(number));
    return journal.append(std::move(record), budget.take_anyway(1), now);
  }
  void commit() {
    now += milliseconds(200);
    while (auto commit = journal.take_commit(now)) {
      journal.committed(run_commit(files, std::move(*commit)), now);
    }
  }
  void settle(Position position) {
    journal.settle(cursor, position, 1, ledger::Reason::delivered, now);
  }
  std::string body(Position position) {
    const auto wanted = journal.missing(std::span(&position, 1));
    if (wanted.empty()) return std::string(journal.find(position)->body.view());
    return std::string(read_bodies(files, wanted).front().body.view());
  }
  std::multiset<std::string> held() {
    std::multiset<std::string> made;
    std::vector<Position> all;
    journal.listen(cursor, {});
    for (Position p : positions()) made.insert(body(p));
    return made;
  }
  std::vector<Position> positions() const { return journal.held_positions(cursor); }
  std::string imbalance() {
    return ledger::imbalance(
        books, [this](std::string_view name, Signal s) { return journal.held_items(name, s); });
  }

  test::FaultyFiles& files;
  ledger::Ledger books;
  Budget budget{100'000'000};
  Time now{seconds(5000)};
  Journal journal{JournalConfig{.bytes_max = 1U << 20U}, books};
  CursorId cursor = 0;
  std::vector<std::string> news;
};

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

TEST(DiskJournal, BooksAFlippedBitAsLostAndKeepsTheRest) {
  test::FaultyFiles files;
  {
    Life one(files, 1U << 20U);
    for (std::uint64_t n = 1; n <= 3; ++n) one.append(n);
    one.commit();
  }
  const auto pristine = files.files;
  const std::string& name = pristine.begin()->first;
  for (std::size_t at = 0; at < 2400; at += 3) {
    files.files = pristine;
    files.files.at(name).now[at] = static_cast<char>(files.files.at(name).now[at] ^ 4);
    Life two(files, 1U << 20U);
    ASSERT_EQ(two.imbalance(), "") << at;
    for (const std::string& body : two.held()) {
      ASSERT_TRUE(body == body_of(1) || body == body_of(2) || body == body_of(3)) << at;
    }
    ASSERT_GE(two.held().size(), 2U) << at;
  }
}

TEST(DiskJournal, ReadsASegmentCutOffAnywhere) {
  test::FaultyFiles files;
  {
    Life one(files, 1U << 20U);
    for (std::uint64_t n = 1; n <= 3; ++n) one.append(n);
    one.commit();
  }
  const auto pristine = files.files;
  for (std::size_t size = 0; size < 2400; size += 7) {
    files.files = pristine;
    files.files.begin()->second.now.resize(size);
    Life two(files, 1U << 20U);
    ASSERT_EQ(two.imbalance(), "") << size;
    ASSERT_LE(two.held().size(), 3U);
  }
}

}  // namespace
}  // namespace forager::journal
