// A segment that the disk doesn't give when cursors are looked for, but gives later.
#include <gtest/gtest.h>

#include "journal/quarantine_change.h"
#include "unit/journal/bin.h"

namespace forager::journal {
namespace {

using test::FaultyFiles;

/// Two items in quarantine, each in a segment of its own.
std::string newest_with_item(FaultyFiles& files) {
  Bin one(files);
  const Position first = one.append(1).value();
  one.commit();
  one.quarantine(first);
  one.commit();
  std::string before;
  for (std::uint64_t number = 2; before.empty() || files.files.rbegin()->first == before;) {
    if (before.empty()) before = files.files.rbegin()->first;
    one.append(number++).value();
    one.commit();
  }
  const Position second = one.positions().back();
  one.quarantine(second);
  one.commit();
  one.confirm();
  EXPECT_EQ(one.bin.kept().size(), 2U);
  return files.files.rbegin()->first;
}

TEST(UnreadSegment, WhatIsInQuarantineThereIsFoundAllTheSame) {
  FaultyFiles files;
  const std::string newest = newest_with_item(files);
  {
    files.unreadable = newest;
    Life two(files, 16 * test_segment, {{"a"}}, {}, false, 1U << 20U);
    files.unreadable.clear();
    two.recover();
    EXPECT_EQ(two.bin.kept().size(), 2U);
    EXPECT_EQ(two.lost(), 0U);
    EXPECT_EQ(two.imbalance(), "");
    two.commit();
    two.confirm();
  }
  Bin three(files);  // the snapshot of the second names both
  EXPECT_EQ(three.bin.kept().size(), 2U);
  EXPECT_EQ(three.lost(), 0U);
}

TEST(UnreadSegment, WhatIsKnownToHaveEndedStaysAway) {
  FaultyFiles files;
  const std::string middle = newest_with_item(files);
  {
    Bin two(files);
    QuarantineAsk oldest;
    oldest.destination = "a";
    oldest.numbers = {two.bin.kept().front().number};
    EXPECT_EQ(drop_quarantined(two.journal, two.bin, oldest, ledger::Reason::given_up).items, 1U);
    two.commit();
    two.confirm();
    EXPECT_EQ(two.bin.kept().size(), 1U);
  }
  files.unreadable = middle;
  Life three(files, 16 * test_segment, {{"a"}}, {}, false, 1U << 20U);
  files.unreadable.clear();
  three.recover();
  EXPECT_EQ(three.bin.kept().size(), 1U);
  EXPECT_EQ(three.lost(), 0U);
}

}  // namespace
}  // namespace forager::journal
