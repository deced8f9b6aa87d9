#include "hive/lines.h"

#include <gtest/gtest.h>

#include "hive/printable.h"
#include "hive/screen.h"

namespace forager::hive {
namespace {

TEST(Printable, LetsNoControlCharacterThrough) {
  EXPECT_EQ(printable("a\x1b[2Jb\x7f", 50), "a?[2Jb?");
  EXPECT_EQ(printable("one\r\n\ttwo", 50), "one   two");
  EXPECT_EQ(printable("c1 \xC2\x9B[31m", 50), "c1 ?[31m");
  EXPECT_EQ(printable("turned \xE2\x80\xAE round", 50), "turned ? round");
  EXPECT_EQ(printable("bad \xC3( \xFF", 50), "bad ?( ?");
  EXPECT_EQ(printable("caf\xC3\xA9 \xE2\x82\xAC", 50), "caf\xC3\xA9 \xE2\x82\xAC");
}

TEST(Printable, OfEveryByteNoneIsAControlCharacter) {
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  for (const char c : printable(all, 1000)) EXPECT_TRUE(c >= 0x20 && c != 0x7F);
}

TEST(Printable, CutsBetweenCharacters) {
  EXPECT_EQ(printable("12345", 5), "12345");
  EXPECT_EQ(printable("123456", 5), "12...");
  EXPECT_EQ(printable("\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9", 5),
            "\xC3\xA9\xC3\xA9...");
  EXPECT_EQ(printable("123456", 2), "..");
}

TEST(Lines, WordDurationsAsPeopleDo) {
  EXPECT_EQ(duration_text(830'999), "830 us");
  EXPECT_EQ(duration_text(182'000'000), "182 ms");
  EXPECT_EQ(duration_text(999'999'999), "999 ms");
  EXPECT_EQ(duration_text(2'416'000'000), "2.41 s");
  EXPECT_EQ(duration_text(192'000'000'000), "3 min 12 s");
}

LogFacts log(std::uint64_t severity, std::string_view text) { return {"pay", {}, severity, text}; }

TEST(Lines, GiveEachErrorLogOneAndCountTheOthers) {
  const auto lines = log_lines(
      {log(9, "fine"), log(17, "card declined"), log(21, "out of memory"), log(13, "hm")});
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0].text, "pay  ERROR  card declined");
  EXPECT_TRUE(lines[0].bad);
  EXPECT_EQ(lines[1].text, "pay  FATAL  out of memory");
  EXPECT_EQ(lines[2].text, "pay  2 log records");
  EXPECT_EQ(lines[2].count, 2U);
  EXPECT_FALSE(lines[2].bad);
}

TEST(Lines, DoNotGrowWithTheNumberOfErrorsInARequest) {
  const auto lines = log_lines(std::vector<LogFacts>(5'000, log(17, "no")));
  ASSERT_EQ(lines.size(), 21U);
  EXPECT_EQ(lines.back().text, "... and 4980 more errors in the same request");
  EXPECT_EQ(lines.back().count, 4980U);
}

TEST(Lines, SummarizeMetricsInOne) {
  const auto lines = metric_lines(
      {{"web", "a", 2}, {"web", "b", 1}, {"", "a", 1}, {"web", "c", 1}, {"web", "d\x1b", 1}});
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0].text, "web, unknown_service  6 data points of 4 metrics: a, b, c, ...");
  EXPECT_TRUE(metric_lines({}).empty());
}

/// A screen whose lines end up in `shown`.
class ScreenTest : public testing::Test {
 protected:
  Screen screen(bool colour = false) {
    return {[this](std::string_view line) {
              if (full) return false;
              shown.emplace_back(line);
              return true;
            },
            colour};
  }
  std::vector<std::string> shown;
  bool full = false;
  Time start{std::chrono::hours(1)};
};

TEST_F(ScreenTest, SaysHowManyItLeftOutInASecond) {
  Screen on = screen();
  for (int i = 0; i < 332; ++i) on.show({LineKind::trace, 1, "t", false}, "14:03:07", start);
  on.show({LineKind::logs, 40, "l", false}, "14:03:07", start);
  EXPECT_EQ(shown.size(), Screen::lines_a_second);
  EXPECT_TRUE(on.behind());
  on.catch_up("14:03:07", start + std::chrono::milliseconds(999));
  EXPECT_EQ(shown.size(), Screen::lines_a_second);
  on.catch_up("14:03:08", start + std::chrono::seconds(1));
  EXPECT_EQ(shown.back(), "14:03:08 ... and 312 more traces, 40 more log records\n");
  EXPECT_FALSE(on.behind());
}

TEST_F(ScreenTest, CountsWhatTheTerminalHadNoRoomFor) {
  Screen on = screen();
  full = true;
  on.show({LineKind::trace, 1, "t", false}, "14:03:07", start);
  EXPECT_TRUE(on.behind());
  on.catch_up("14:03:08", start + std::chrono::seconds(2));
  EXPECT_TRUE(on.behind());
  full = false;
  on.catch_up("14:03:09", start + std::chrono::seconds(4));
  ASSERT_EQ(shown.size(), 1U);
  EXPECT_EQ(shown[0], "14:03:09 ... and 1 more trace\n");
}

TEST_F(ScreenTest, ColoursOnlyWhenAsked) {
  Screen(screen(false)).show({LineKind::trace, 1, "t", true}, "14:03:07", start);
  Screen(screen(true)).show({LineKind::trace, 1, "t", true}, "14:03:07", start);
  EXPECT_EQ(shown[0], "14:03:07 t\n");
  EXPECT_EQ(shown[1], "\x1b[2m14:03:07\x1b[0m \x1b[31mt\x1b[0m\n");
}

TEST(Colour, IsForTerminalsOfPeopleWhoDidNotRefuseIt) {
  EXPECT_TRUE(colour_wanted(true, nullptr));
  EXPECT_TRUE(colour_wanted(true, ""));
  EXPECT_FALSE(colour_wanted(true, "1"));
  EXPECT_FALSE(colour_wanted(false, nullptr));
}

}  // namespace
}  // namespace forager::hive
