// The journal on a real directory: who may have it, and what an odd file does.
#include <filesystem>
#include <fstream>
#include <unistd.h>

#include <gtest/gtest.h>

#include "journal/posix_files.h"
#include "support/temp_folder.h"
#include "unit/journal/life.h"

namespace forager::journal {
namespace {

namespace fs = std::filesystem;

struct RealDirectory : ::testing::Test {
  /// Three records, durable and confirmed; the name of their segment.
  std::string write_three() {
    PosixFiles files(directory);
    EXPECT_TRUE(files.lock());
    Life one(files);
    for (std::uint64_t n = 1; n <= 3; ++n) one.append(n);
    one.commit();
    one.confirm();
    return format::segment_name(1);
  }
  std::string contents(const std::string& name) const {
    std::ifstream file(directory + "/" + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void put(const std::string& name, std::string_view bytes) const {
    std::ofstream(directory + "/" + name, std::ios::binary) << bytes;
  }
  test::TempFolder folder;
  std::string directory = folder.path();
};

TEST_F(RealDirectory, HasOneOwnerAndTheSecondIsToldWhich) {
  PosixFiles first(directory);
  ASSERT_TRUE(first.lock());
  PosixFiles second(directory);
  const auto refused = second.lock();
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().what.find("in use by process " + std::to_string(::getpid())),
            std::string::npos)
      << refused.error().what;
  EXPECT_NE(refused.error().what.find(directory), std::string::npos);
}

TEST_F(RealDirectory, IsFreeAgainWhenItsOwnerGoes) {
  {
    ASSERT_TRUE(PosixFiles(directory).lock());
  }
  PosixFiles second(directory);
  EXPECT_TRUE(second.lock());
}

TEST_F(RealDirectory, SaysWhichDirectoryItCantHave) {
  put("file", "");
  PosixFiles below_a_file(directory + "/file/data");
  const auto refused = below_a_file.lock();
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().what.find(directory + "/file/data"), std::string::npos);

  constexpr uid_t nobody = 65534;  // root may write anywhere
  const uid_t self = ::geteuid();
  fs::permissions(directory, fs::perms::owner_read | fs::perms::owner_exec);
  if (self == 0) {
    ASSERT_EQ(::seteuid(nobody), 0);
  }
  PosixFiles closed(directory);
  const auto denied = closed.lock();
  if (self == 0) {
    ASSERT_EQ(::seteuid(self), 0);
  }
  fs::permissions(directory, fs::perms::owner_all);
  ASSERT_FALSE(denied);
  EXPECT_NE(denied.error().what.find("Permission denied"), std::string::npos);
}

TEST_F(RealDirectory, KeepsItsFilesToItself) {
  const std::string name = write_three();
  const auto others = fs::perms::group_all | fs::perms::others_all;
  EXPECT_EQ(fs::status(directory + "/" + name).permissions() & others, fs::perms::none);
  EXPECT_EQ(fs::status(directory + "/lock").permissions() & others, fs::perms::none);
}

TEST_F(RealDirectory, GivesBackWhatWasWrittenAndFreesIt) {
  const std::string name = write_three();
  PosixFiles files(directory);
  Life two(files);
  ASSERT_EQ(two.held(), (std::multiset<std::string>{body_of(1), body_of(2), body_of(3)}));
  for (const Position p : two.positions()) two.settle(p);
  two.commit();
  EXPECT_FALSE(fs::exists(directory + "/" + name));
  EXPECT_TRUE(Life(files).held().empty());
}

TEST_F(RealDirectory, KeepsASegmentOfANewerVersionUntouched) {
  const std::string name = write_three();
  format::Header header;
  header.version = format::version + 1;
  header.first = header.run = 2;
  const std::string newer = format::write_header(header) + "whatever it may be";
  const std::string its_name = format::segment_name(2);
  put(its_name, newer);
  for (int life = 0; life < 3; ++life) {
    PosixFiles files(directory);
    Life next(files);
    ASSERT_EQ(next.news.size(), 1U);
    EXPECT_NE(next.news.front().find("newer Forager"), std::string::npos);
    EXPECT_EQ(next.lost(), 0U);
    for (const Position p : next.positions()) next.settle(p);
    next.commit();
  }
  EXPECT_EQ(contents(its_name), newer);
  EXPECT_FALSE(fs::exists(directory + "/" + name));
}

TEST_F(RealDirectory, RenamesWhatItCantReadAndLeavesItThere) {
  const std::string name = write_three();
  const std::string noise(1000, '?');
  put(name, noise);
  {
    PosixFiles files(directory);
    Life two(files);
    EXPECT_EQ(two.news.size(), 1U);
    two.commit();
  }
  EXPECT_EQ(contents(name + ".unreadable"), noise);
  EXPECT_FALSE(fs::exists(directory + "/" + name));
  PosixFiles files(directory);
  EXPECT_TRUE(Life(files).news.empty()) << "said once";
}

TEST_F(RealDirectory, ReadsASegmentThatWasTruncated) {
  const std::string name = write_three();
  const std::string whole = contents(name);
  for (std::size_t size = 0; size < 2000; size += 61) {
    put(name, std::string_view(whole).substr(0, size));
    PosixFiles files(directory);
    Life two(files);
    ASSERT_EQ(two.imbalance(), "") << size;
    ASSERT_LE(two.held().size() + two.lost(), 3U) << size;
  }
}

TEST_F(RealDirectory, LeavesOtherFilesAlone) {
  write_three();
  const std::vector<std::string> others{"notes.txt", "0.segment", "ffffffffffffffff.segment",
                                        "000000000000000A.segment"};
  for (const std::string& other : others) put(other, "mine");
  fs::create_directory(directory + "/" + format::segment_name(77));
  PosixFiles files(directory);
  Life two(files);
  EXPECT_EQ(two.held().size(), 3U);
  EXPECT_TRUE(two.news.empty());
  two.commit();
  for (const std::string& other : others) EXPECT_EQ(contents(other), "mine") << other;
}

}  // namespace
}  // namespace forager::journal
