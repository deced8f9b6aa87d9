// The parts of `forager journal` that need no process: words, tables, moments, and reading a
// journal that is damaged or changes meanwhile. The commands themselves are in tests/integration.
#include <chrono>

#include <gtest/gtest.h>

#include "journal/quarantine_change.h"
#include "support/faulty_files.h"
#include "tools/before.h"
#include "tools/pretty.h"
#include "tools/stored.h"
#include "tools/table.h"

namespace forager::tools {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Before, IsAnAgeOrAMomentInUtc) {
  const WallTime now = WallTime(hours(1'000'000));
  EXPECT_EQ(parse_before("2h", now).value(), now - hours(2));
  EXPECT_EQ(parse_before("7d", now).value(), now - hours(7 * 24));
  EXPECT_EQ(parse_before("1970-01-02T03:04:05Z", now).value(),
            WallTime(hours(27) + seconds(4 * 60 + 5)));
}

TEST(Before, RefusesWhatIsNoMoment) {
  for (const char* wrong : {"", "5", "noon", "2026-02-30T00:00:00Z", "2026-01-01T24:00:00Z",
                            "2026-01-01T00:00:00", "2026-01-01T00:00:00Zx", "-1h"}) {
    const auto made = parse_before(wrong, WallTime());
    ASSERT_FALSE(made) << wrong;
    EXPECT_NE(made.error().what.find("write an age"), std::string::npos);
  }
}

TEST(Pretty, BreaksLinesOutsideOfStringsOnly) {
  EXPECT_EQ(pretty_json(R"({"a":[1,{"b":"x\",{[:"}],"c":{},"d":[]})"),
            "{\n  \"a\": [\n    1,\n    {\n      \"b\": \"x\\\",{[:\"\n    }\n  ],\n  \"c\": {},\n"
            "  \"d\": []\n}");
}

TEST(Table, IsAsWideAsItsCells) {
  Table table({{"name"}, {"n", true}, {"what"}});
  table.add({"a", "1000", "first"});
  table.add({"longer", "2", "x"});
  EXPECT_EQ(table.text(),
            "name       n  what\n"
            "a       1000  first\n"
            "longer     2  x\n");
}

TEST(Table, SaysBytesForPeople) {
  EXPECT_EQ(readable_bytes(1023), "1023 B");
  EXPECT_EQ(readable_bytes(1536), "1.5 KiB");
  EXPECT_EQ(readable_bytes(std::size_t{16} << 20U), "16.0 MiB");
}

/// Files with a journal in which two destinations were given four records and `a` settled one.
class StoredJournal : public testing::Test {
 protected:
  StoredJournal() {
    ledger::Ledger books;
    journal::Journal journal({}, books);
    journal::DiskSettings with;
    with.segment_bytes = 8192;
    with.seed = 7;
    journal.use_disk(with);
    const auto a = journal.open_cursor("a", {true, true, true});
    journal.open_cursor("b", {false, false, true});
    journal.recovered();
    for (std::uint32_t i = 1; i <= 4; ++i) {
      journal::Record record;
      record.signal = i % 2 == 0 ? Signal::logs : Signal::traces;
      record.items = i;
      record.arrived = WallTime(hours(i));
      record.body = Slice(std::string(100, static_cast<char>('a' + i)));
      journal.append(std::move(record), budget.take_anyway(1), now);
    }
    commit(journal);
    journal.settle(a, 1, 1, ledger::Reason::delivered, now);
    commit(journal);
  }
  void commit(journal::Journal& journal) {
    now += milliseconds(200);
    while (auto next = journal.take_commit(now))
      journal.committed(journal::run_commit(files, std::move(*next)), now);
  }
  static journal::DiskSettings with_seed() {
    journal::DiskSettings with;
    with.segment_bytes = 4096;
    with.seed = 9;
    return with;
  }
  std::string& bytes() { return files.files.begin()->second.now; }
  std::size_t frame_of(char body) { return bytes().find(std::string(100, body)); }

  test::FaultyFiles files;
  Budget budget{1'000'000};
  Time now{seconds(5000)};
};

TEST_F(StoredJournal, IsReadAsTheNextStartWould) {
  Stored stored(files);
  const auto calls = files.calls;
  ASSERT_TRUE(stored.read());
  EXPECT_EQ(files.calls, calls) << "nothing was written";
  EXPECT_EQ(stored.destinations(), (std::vector<std::string>{"a", "b"}));
  const auto all = stored.records({}).value();
  ASSERT_EQ(all.size(), 3U);
  const auto bodies = stored.bodies(all);
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i]->position, i + 2);
    EXPECT_EQ(bodies[i].body.view(), std::string(100, static_cast<char>('c' + i)));
  }
  using Holders = std::vector<std::pair<std::string, std::uint32_t>>;
  EXPECT_EQ(stored.holders(2), (Holders{{"a", 2}, {"b", 2}}));
  EXPECT_EQ(stored.holders(3), (Holders{{"a", 3}}));
  EXPECT_EQ(stored.segments().front().state_name(), "good");
  EXPECT_FALSE(stored.segments().front().unfinished);
}

TEST_F(StoredJournal, FiltersAndGoesOnWhereItEnded) {
  Stored stored(files);
  ASSERT_TRUE(stored.read());
  Stored::Filter filter;
  filter.destination = "b";
  EXPECT_EQ(stored.records(filter).value().size(), 2U);
  filter.after = 2;
  EXPECT_EQ(stored.records(filter).value().front()->position, 4U);
  filter = {};
  filter.signal = Signal::traces;
  EXPECT_EQ(stored.records(filter).value().front()->position, 3U);
  filter = {};
  filter.bytes_most = 1;
  EXPECT_EQ(stored.records(filter).value().size(), 1U);
  filter = {};
  filter.destination = "c";
  EXPECT_EQ(stored.records(filter).error().what,
            "the journal knows no destination of that name; it knows a, b");
}

TEST_F(StoredJournal, KnowsWhatAFlippedBitCosts) {
  bytes()[frame_of('d') + 3] ^= 1;
  Stored stored(files);
  ASSERT_TRUE(stored.read());
  const SegmentFacts& segment = stored.segments().front();
  ASSERT_EQ(segment.damage.size(), 1U);
  EXPECT_EQ(segment.state_name(), "damaged");
  EXPECT_FALSE(segment.news.empty());
  EXPECT_EQ(stored.records({}).value().size(), 2U);
}

TEST_F(StoredJournal, HasWhatIsInQuarantineAndSendsItAgain) {
  {
    Stored stored(files, with_seed());
    ASSERT_TRUE(stored.read());
    journal::Journal& journal = stored.journal();
    journal::Quarantined item;
    item.destination = "a";
    item.signal = Signal::logs;
    item.position = 2;
    item.last = 2;
    item.why = "\"no\"";
    item.when = std::chrono::steady_clock::now();
    item.bytes = Slice(std::string(100, 'c'));
    stored.quarantine().put(std::move(item));
    journal.settle(stored.find("a").value(), 2, 2, ledger::Reason::refused_alone, now);
    commit(journal);
  }
  Stored stored(files, with_seed());
  ASSERT_TRUE(stored.read());
  ASSERT_EQ(stored.quarantine().kept().size(), 1U);
  const auto& kept = stored.quarantine().kept().front();
  const std::string line = journal::quarantine_line(kept, WallTime(hours(1)));
  EXPECT_NE(line.find(R"("number":1,"destination":"a","signal":"logs","position":2,"items":2)"),
            std::string::npos)
      << line;
  EXPECT_NE(line.find(R"("reason":"refused_alone","why":"\"no\"","request":)"), std::string::npos);
  journal::QuarantineAsk ask;
  ask.any_destination = true;
  ask.numbers = {1, 1, 4};
  ask.destination = "b";
  auto done = journal::replay_quarantined(stored.journal(), stored.quarantine(), stored.budget(),
                                          ask, WallTime(hours(2)), now);
  EXPECT_EQ(done.entries, 0U);
  EXPECT_EQ(done.unknown, 2U) << "it is another destination's";
  ask.destination = "a";
  done = journal::replay_quarantined(stored.journal(), stored.quarantine(), stored.budget(), ask,
                                     WallTime(hours(2)), now);
  EXPECT_EQ(done.entries, 1U);
  EXPECT_EQ(done.items, 2U);
  EXPECT_EQ(done.unknown, 1U);
  commit(stored.journal());
  Stored again(files);
  ASSERT_TRUE(again.read());
  EXPECT_TRUE(again.quarantine().kept().empty());
  Stored::Filter filter;
  filter.destination = "a";
  const auto held = again.records(filter).value();
  ASSERT_EQ(held.size(), 3U);
  EXPECT_EQ(held.back()->items, 2U);
  EXPECT_EQ(again.bodies(held).back().body.view(), std::string(100, 'c'));
  using Holders = std::vector<std::pair<std::string, std::uint32_t>>;
  EXPECT_EQ(again.holders(held.back()->position), (Holders{{"a", 2}}));
}

TEST_F(StoredJournal, SendsAgainNoMoreThanTheCapHasRoomFor) {
  {
    Stored stored(files, with_seed());
    ASSERT_TRUE(stored.read());
    journal::Quarantined item;
    item.destination = "a";
    item.position = 3;
    item.last = 3;
    item.bytes = Slice(std::string(100, 'd'));
    stored.quarantine().put(std::move(item));
    stored.journal().settle(stored.find("a").value(), 3, 3, ledger::Reason::refused_alone, now);
    commit(stored.journal());
  }
  std::size_t there = 0;
  for (const auto& [name, file] : files.files) there += file.now.size();
  journal::QuarantineAsk ask;
  ask.any_destination = true;
  for (const bool room : {false, true}) {
    journal::DiskSettings with = with_seed();
    with.bytes_max = room ? 8 * there : there;
    Stored stored(files, with);
    ASSERT_TRUE(stored.read());
    const auto done = journal::replay_quarantined(stored.journal(), stored.quarantine(),
                                                  stored.budget(), ask, WallTime(hours(2)), now);
    EXPECT_EQ(done.full, !room);
    EXPECT_EQ(done.entries, room ? 1U : 0U);
    EXPECT_EQ(stored.quarantine().kept().size(), 1U) << "until it is durable";
  }
}

TEST_F(StoredJournal, GivesUpWhatIsOldForOneDestinationForGood) {
  Stored stored(files, with_seed());
  ASSERT_TRUE(stored.read());
  const auto gone = stored.journal().give_up(stored.find("a").value(), WallTime(hours(4)),
                                             ledger::Reason::given_up, now);
  EXPECT_EQ(gone.records, 2U);
  EXPECT_EQ(gone.items, 5U);
  EXPECT_EQ(stored.ledger().books()[0]->count(Signal::traces, ledger::Reason::given_up), 3U);
  commit(stored.journal());
  ASSERT_TRUE(stored.journal().synced());
  Stored again(files);
  ASSERT_TRUE(again.read());
  using Holders = std::vector<std::pair<std::string, std::uint32_t>>;
  EXPECT_EQ(again.holders(2), (Holders{{"b", 2}}));
  EXPECT_EQ(again.holders(3), Holders{});
  EXPECT_EQ(again.holders(4), (Holders{{"a", 4}, {"b", 4}}));
}

}  // namespace
}  // namespace forager::tools
