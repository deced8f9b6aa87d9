// Damaged bytes on disk: what they cost is booked as lost, once, and nothing else suffers.
#include <gtest/gtest.h>

#include "unit/journal/life.h"

namespace forager::journal {
namespace {

using test::FaultyFiles;

void flip(FaultyFiles& files, const std::string& name, std::size_t at) {
  char& byte = files.files.at(name).now.at(at);
  byte = static_cast<char>(byte ^ 4);
}
/// A byte of the first place where `text` is.
void flip(FaultyFiles& files, const std::string& text) {
  for (auto& [name, file] : files.files) {
    const std::size_t at = file.now.find(text);
    if (at == std::string::npos) continue;
    return flip(files, name, at + text.size() / 2);
  }
  FAIL() << text << " is nowhere";
}

std::multiset<std::string> bodies(std::initializer_list<std::uint64_t> numbers) {
  std::multiset<std::string> made;
  for (const std::uint64_t n : numbers) made.insert(body_of(n));
  return made;
}

/// Three records, durable and confirmed.
void write_three(FaultyFiles& files, const std::vector<To>& to = {{"a"}}) {
  Life one(files, 1U << 20U, to);
  for (std::uint64_t n = 1; n <= 3; ++n) one.append(n);
  one.commit();
  one.confirm();
  ASSERT_TRUE(one.journal.synced());
}

/// As many segments as it takes; returns the records of each.
std::vector<std::vector<Position>> write_segments(FaultyFiles& files, std::size_t segments) {
  Life one(files);
  std::vector<std::vector<Position>> made;
  for (std::uint64_t n = 1; made.size() <= segments; ++n) {
    const Position p = one.append(n).value();
    one.commit();
    if (made.size() < files.files.size()) made.emplace_back();
    made.back().push_back(p);
  }
  one.confirm();
  return made;
}

std::array<bool, signal_count> only(Signal signal) {
  std::array<bool, signal_count> takes{};
  takes[static_cast<std::size_t>(signal)] = true;
  return takes;
}

std::string nth_name(const FaultyFiles& files, std::size_t n) {
  return std::next(files.files.begin(), static_cast<std::ptrdiff_t>(n))->first;
}

TEST(DamagedJournal, KeepsOrBooksEveryRecordWhicheverByteIsFlipped) {
  FaultyFiles files;
  write_three(files);
  const auto pristine = files.files;
  const std::string name = nth_name(files, 0);
  const std::size_t used = pristine.at(name).now.find_last_not_of('\0') + 1;
  for (std::size_t at = 0; at < used; ++at) {
    files.files = pristine;
    files.aside.clear();
    flip(files, name, at);
    Life two(files);
    ASSERT_EQ(two.imbalance(), "") << at;
    const std::size_t held = two.held().size();
    ASSERT_GE(held, 2U) << at;
    // how many items were in it may itself be what is damaged
    ASSERT_EQ(two.lost() != 0, held != 3) << at;
    two.commit();
    Life three(files);
    ASSERT_EQ(three.lost(), 0U) << "booked a second time: " << at;
    ASSERT_EQ(three.held(), two.held()) << at;
  }
}

TEST(DamagedJournal, ReadsASegmentCutOffAnywhere) {
  FaultyFiles files;
  write_three(files);
  const auto pristine = files.files;
  for (std::size_t size = 0; size < 2400; size += 7) {
    files.files = pristine;
    files.files.begin()->second.now.resize(size);
    Life two(files);
    ASSERT_EQ(two.imbalance(), "") << size;
    ASSERT_LE(two.held().size() + two.lost(), 3U) << size;
  }
}

TEST(DamagedJournal, GivesRecordsToAllWhoHoldThemThoughADestinationsNameIsDamaged) {
  for (const std::string damaged : {"alpha", "beta"}) {
    FaultyFiles files;
    write_three(files, {{"alpha"}, {"beta"}});
    flip(files, damaged);
    Life two(files, 1U << 20U, {{"alpha"}, {"beta"}});
    EXPECT_EQ(two.held(0), bodies({1, 2, 3})) << damaged;
    EXPECT_EQ(two.held(1), bodies({1, 2, 3})) << damaged;
    EXPECT_EQ(two.lost(), 0U);
    EXPECT_EQ(two.imbalance(), "");
  }
}

TEST(DamagedJournal, BooksWhatADestinationHadWhoseNameNobodyKnowsAnyMore) {
  FaultyFiles files;
  write_three(files, {{"alpha"}, {"beta"}});
  flip(files, "beta");
  Life two(files, 1U << 20U, {{"alpha"}});
  EXPECT_EQ(two.held(0), bodies({1, 2, 3}));
  EXPECT_EQ(two.lost(), 3U);
  EXPECT_EQ(two.imbalance(), "");
  two.commit();
  Life three(files, 1U << 20U, {{"alpha"}});
  EXPECT_EQ(three.held(0), bodies({1, 2, 3}));
  EXPECT_EQ(three.lost(), 0U);
}

TEST(DamagedJournal, BooksADamagedLastRecordAsLostOnceACommitAfterItSaysThatItWasDurable) {
  FaultyFiles files;
  write_three(files);
  flip(files, body_of(3));
  Life two(files);
  EXPECT_EQ(two.held(), bodies({1, 2}));
  EXPECT_EQ(two.lost(), 1U);
}

TEST(DamagedJournal, CallsAnUnconfirmedTailTornAndBooksNothing) {
  FaultyFiles files;
  {
    Life one(files);
    for (std::uint64_t n = 1; n <= 3; ++n) one.append(n);
    one.commit();
  }
  flip(files, body_of(2));
  Life two(files);
  EXPECT_EQ(two.held(), bodies({1, 3}));
  EXPECT_EQ(two.lost(), 0U);
  EXPECT_EQ(two.imbalance(), "");
}

TEST(DamagedJournal, ConfirmsTheLastRecordsASecondAfterThemWithOneCommit) {
  FaultyFiles files;
  Life one(files);
  one.append(1);
  one.commit();
  const Time due = one.journal.next_commit();
  EXPECT_EQ(due, one.now + std::chrono::seconds(1));
  EXPECT_FALSE(one.journal.take_commit(due - Duration(1)).has_value());
  one.now = due;
  const auto calls = files.calls;
  one.commit();
  EXPECT_EQ(files.calls, calls + 2) << "a write and a sync";
  EXPECT_EQ(one.journal.next_commit(), Time::max());
}

TEST(DamagedJournal, LetsTheNextSegmentConfirmTheEndOfTheOneBefore) {
  FaultyFiles files;
  const auto segments = write_segments(files, 2);
  flip(files, body_of(segments[0].back()));
  Life two(files);
  EXPECT_EQ(two.lost(), 1U);
  EXPECT_EQ(two.held().count(body_of(segments[0].back())), 0U);
  EXPECT_EQ(two.imbalance(), "");
}

TEST(DamagedJournal, SealsOffASegmentThatCantBeReadAndBooksItsRecordsOnce) {
  FaultyFiles files;
  const auto segments = write_segments(files, 3);
  const std::string name = nth_name(files, 1);
  const std::string was = files.files.at(name).now.replace(0, 400, 400, '?');
  std::size_t all = 0;
  for (const auto& some : segments) all += some.size();
  Life two(files);
  EXPECT_EQ(two.lost(), segments[1].size());
  EXPECT_EQ(two.held().size(), all - segments[1].size());
  EXPECT_EQ(two.imbalance(), "");
  EXPECT_TRUE(files.aside.empty()) << "first a snapshot must know what was lost";
  two.commit();
  ASSERT_TRUE(files.aside.contains(name)) << "renamed, not deleted";
  EXPECT_EQ(files.aside.at(name), was);
  EXPECT_FALSE(files.files.contains(name));
  Life three(files);
  EXPECT_EQ(three.lost(), 0U);
  EXPECT_EQ(three.held(), two.held());
}

TEST(DamagedJournal, LeavesASegmentWhereItIsUntilASnapshotKnowsWhatWasLost) {
  FaultyFiles files;
  write_segments(files, 3);
  const std::string name = nth_name(files, 1);
  files.files.at(name).now.replace(0, 400, 400, '?');
  const auto found = find_segments(files).value();
  ledger::Ledger books;
  Budget budget{1'000'000};
  Journal journal({}, books);
  DiskSettings with;
  with.run = found.next_run;
  journal.use_disk(with);
  journal.open_cursor("a", {true, true, true});
  Recovery recovery(journal, budget, found, [](const format::Group&) { return own_group; });
  recovery.begin(find_cursors(files, found));
  Time now{std::chrono::seconds(5000)};
  while (const auto entry = recovery.next()) {
    recovery.apply(read_segment(files, *entry), now, WallTime(std::chrono::seconds(1000)));
    ASSERT_EQ(files.aside.size(), 0U) << "though commits go on beside it";
    Record record;  // what comes meanwhile
    record.items = 1;
    record.body = Slice(body_of(1));
    if (recovery.next()) journal.append(std::move(record), budget.take_anyway(1), now);
    now += std::chrono::seconds(2);
    while (auto commit = recovery.next() ? journal.take_commit(now) : std::nullopt) {
      journal.committed(run_commit(files, std::move(*commit)), now);
    }
  }
  while (auto commit = journal.take_commit(now)) {
    journal.committed(run_commit(files, std::move(*commit)), now);
  }
  EXPECT_TRUE(files.aside.contains(name));
}

TEST(DamagedJournal, RemovesAFileThatWasCreatedAndNeverWritten) {
  FaultyFiles files;
  write_three(files);
  const std::string name = format::segment_name(1000);
  ASSERT_TRUE(files.create(name, test_segment));
  Life two(files);
  EXPECT_TRUE(two.news.empty());
  EXPECT_EQ(two.held(), bodies({1, 2, 3}));
  two.commit();
  EXPECT_FALSE(files.files.contains(name));
  EXPECT_TRUE(files.aside.empty());
}

TEST(DamagedJournal, MissesNothingOfADestinationThatDidntTakeIt) {
  FaultyFiles files;
  const std::vector<To> to{{"all"}, {"logs", only(Signal::logs)}};
  {
    Life one(files, 1U << 20U, to);
    const Position log = one.append(1, Signal::logs).value();
    one.commit();
    one.settle(log, 0);
    for (std::uint64_t n = 2; n < 80; ++n) {  // several segments come and go
      const Position trace = one.append(n).value();
      one.commit();
      one.settle(trace, 0);
    }
    one.commit();
    ASSERT_LE(files.files.size(), 3U);
  }
  Life two(files, 1U << 20U, to);
  EXPECT_EQ(two.held(1), bodies({1}));
  EXPECT_EQ(two.lost(), 0U);
  EXPECT_TRUE(two.news.empty());
}

TEST(DamagedJournal, TakesARecordOfTheFutureForNewAndOneOfThePastForOld) {
  JournalConfig config;
  config.retention = std::chrono::hours(1);
  for (const WallTime arrived :
       {WallTime::max(), WallTime(std::chrono::hours(1'000'000)), WallTime::min(), WallTime{}}) {
    FaultyFiles files;
    {
      Life one(files);
      one.arrived = arrived;
      one.append(1);
      one.commit();
    }
    Life two(files, 1U << 20U, {{"a"}}, config);
    ASSERT_EQ(two.positions().size(), 1U);
    const Time since = two.journal.appended_at(two.positions().front());
    EXPECT_LE(since, two.now);
    EXPECT_GE(since, Time{});
    if (arrived > two.wall) {
      EXPECT_EQ(since, two.now);
    }
  }
}

}  // namespace
}  // namespace forager::journal
