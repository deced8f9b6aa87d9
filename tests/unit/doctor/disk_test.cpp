#include <algorithm>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "doctor/disk_check.h"
#include "support/temp_folder.h"

namespace forager::doctor {
namespace {

using config::JournalKind;
using std::chrono::microseconds;

constexpr std::uint64_t gib = std::uint64_t{1} << 30U;
constexpr std::int64_t ext4 = 0xef53;
constexpr std::int64_t tmpfs = 0x01021994;

DiskFacts good() {
  DiskFacts made;
  made.directory = "/var/lib/forager";
  made.there = true;
  made.owner = made.us = 1000;
  made.mode = 0700;
  made.free_bytes = 10 * gib;
  made.file_system = ext4;
  made.syncs = {microseconds(900), microseconds(4000), microseconds(1000)};
  return made;
}

DiskFacts refused() {
  DiskFacts made = good();
  made.problem = "can't write in /var/lib/forager: Permission denied";
  return made;
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

Level worst(const std::vector<Finding>& found) {
  return std::ranges::max(found, {}, &Finding::level).level;
}

TEST(Journal, OnAGoodDiskIsOkInEveryLine) {
  const auto found = judge_disks({good()}, JournalKind::automatic, gib);
  ASSERT_EQ(found.size(), 4U);
  EXPECT_EQ(worst(found), Level::ok);
  EXPECT_TRUE(has(found[0].what, "owner 1000, mode 0700, we are user 1000")) << found[0].what;
  EXPECT_TRUE(has(found[3].what, "1.0 ms (4.0 ms at worst, of 3)")) << found[3].what;
}

TEST(Journal, InMemoryAsAskedIsOk) {
  const auto found = judge_disks({}, JournalKind::memory, gib);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].level, Level::ok);
}

TEST(Journal, ThatCannotBeWrittenFailsWhereDiskWasAskedForAndWarnsElsewhere) {
  const auto must = judge_disks({refused()}, JournalKind::disk, gib);
  ASSERT_EQ(must.size(), 1U);
  EXPECT_EQ(must[0].level, Level::failure);
  EXPECT_EQ(must[0].area, Area::machine);
  EXPECT_TRUE(has(must[0].fix, "chown 1000 /var/lib/forager")) << must[0].fix;
  const auto may = judge_disks({refused()}, JournalKind::automatic, gib);
  EXPECT_EQ(may[0].level, Level::warning);
  EXPECT_TRUE(has(may[0].what, "lost at a restart")) << may[0].what;
}

TEST(Journal, IsTheFirstDirectoryThatServes) {
  DiskFacts second = good();
  second.directory = "/home/app/.local/state/forager";
  const auto found = judge_disks({refused(), second}, JournalKind::automatic, gib);
  EXPECT_EQ(worst(found), Level::ok);
  EXPECT_TRUE(has(found[0].what, second.directory)) << found[0].what;
}

TEST(Journal, OpenInARunningForagerNamesItsProcess) {
  DiskFacts facts = good();
  facts.holder = 4711;
  const Finding found = judge_directory(facts);
  EXPECT_EQ(found.level, Level::ok);
  EXPECT_TRUE(has(found.what, "process 4711")) << found.what;
}

TEST(Journal, ThatOthersMayReadIsAWarning) {
  DiskFacts facts = good();
  facts.mode = 0755;
  EXPECT_EQ(judge_directory(facts).level, Level::warning);
  facts.mode = 0750;
  EXPECT_EQ(judge_directory(facts).level, Level::ok);
}

TEST(Space, CountsWhatTheJournalHasAlready) {
  DiskFacts facts = good();
  facts.free_bytes = gib / 2;
  facts.journal_bytes = gib / 2;
  EXPECT_EQ(judge_space(facts, gib).level, Level::ok);
  facts.journal_bytes -= 1;
  const Finding less = judge_space(facts, gib);
  EXPECT_EQ(less.level, Level::warning);
  EXPECT_TRUE(has(less.fix, "FORAGER_JOURNAL_BYTES to 921MiB")) << less.fix;
}

TEST(Space, ThatIsNearlyGoneIsAFailure) {
  DiskFacts facts = good();
  facts.free_bytes = std::uint64_t{63} << 20U;
  EXPECT_EQ(judge_space(facts, gib).level, Level::failure);
  EXPECT_EQ(judge_space(facts, std::uint64_t{32} << 20U).level, Level::ok) << "a small journal";
}

TEST(FileSystem, ThatIsMemoryOrALayerOrFarAwayIsAWarning) {
  DiskFacts facts = good();
  for (const std::int64_t type : {tmpfs, std::int64_t{0x794c7630}, std::int64_t{0x6969}}) {
    facts.file_system = type;
    const Finding found = judge_file_system(facts);
    EXPECT_EQ(found.level, Level::warning) << found.what;
    EXPECT_FALSE(found.fix.empty());
  }
  EXPECT_TRUE(has(judge_file_system(facts).what, "nfs"));
  facts.file_system = 0x1234;
  EXPECT_EQ(judge_file_system(facts).what, "on file system 0x1234");
}

TEST(Syncs, AreJudgedByTheirMiddle) {
  DiskFacts facts = good();
  facts.syncs = {microseconds(1000), microseconds(900'000), microseconds(1000)};
  EXPECT_EQ(judge_syncs(facts)->level, Level::ok) << "one slow sync is none";
  facts.syncs = {microseconds(50'000), microseconds(900'000), microseconds(1000)};
  EXPECT_EQ(judge_syncs(facts)->level, Level::warning);
  facts.syncs.clear();
  EXPECT_FALSE(judge_syncs(facts));
}

TEST(Reading, MeasuresADirectoryAndLeavesNothingThere) {
  const test::TempFolder folder;
  const DiskFacts facts = read_disk(folder.path());
  EXPECT_TRUE(facts.there);
  EXPECT_EQ(facts.problem, "");
  EXPECT_EQ(facts.syncs.size(), 8U);
  EXPECT_GT(facts.free_bytes, 0U);
  EXPECT_NE(facts.file_system, 0);
  EXPECT_FALSE(facts.holder);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Reading, MakesNoDirectory) {
  const test::TempFolder folder;
  const std::string below = folder.path() + "/a/b";
  const DiskFacts facts = read_disk(below);
  EXPECT_FALSE(facts.there);
  EXPECT_EQ(facts.problem, "");
  EXPECT_GT(facts.free_bytes, 0U);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Reading, SaysWhenAFileIsInTheWay) {
  const test::TempFolder folder;
  const std::string file = folder.path() + "/file";
  std::ofstream(file) << "x";
  EXPECT_TRUE(has(read_disk(file).problem, "Not a directory"));
  EXPECT_TRUE(has(read_disk(file + "/below").problem, "Not a directory"));
}

}  // namespace
}  // namespace forager::doctor
