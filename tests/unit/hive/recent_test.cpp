#include "hive/recent.h"

#include <gtest/gtest.h>

namespace forager::hive {
namespace {

Kept kept(Signal signal, std::string body, WallTime at = {}) {
  Kept made;
  made.received_at = at;
  made.signal = signal;
  made.items = 2;
  made.bytes = body.size();
  made.services = {"web \"1\""};
  made.body = std::move(body);
  return made;
}

std::string quoted(Signal /*signal*/, std::string_view body) {
  return "\"" + std::string(body) + "\"";
}

TEST(Recent, NeverPassesItsBytesAndForgetsTheOldest) {
  Recent recent(10'000, 100);
  for (int i = 0; i < 500; ++i) {
    recent.add(kept(Signal::logs, std::string(static_cast<std::size_t>(i * 7 % 2'400), 'x')));
    ASSERT_LE(recent.bytes(), 10'000U);
  }
  recent.add(kept(Signal::traces, "last"));
  EXPECT_EQ(recent.newest(0).body, "last");
  EXPECT_GT(recent.count(), 3U);
}

TEST(Recent, NeverPassesItsCount) {
  Recent recent(1U << 20U, 3);
  for (const char* body : {"a", "b", "c", "d"}) recent.add(kept(Signal::logs, body));
  ASSERT_EQ(recent.count(), 3U);
  EXPECT_EQ(recent.newest(2).body, "b");
}

TEST(Recent, KeepsTheFactsOfARequestThatIsTooLarge) {
  Recent recent(10'000, 100);
  recent.add(kept(Signal::traces, std::string(2'501, 'x')));
  ASSERT_EQ(recent.count(), 1U);
  EXPECT_FALSE(recent.newest(0).body);
  EXPECT_EQ(recent.newest(0).bytes, 2'501U);
  const std::string json = recent_json(recent, {}, quoted);
  EXPECT_NE(json.find("\"bytes\":2501,"), std::string::npos);
  EXPECT_NE(json.find("\"data\":null,\"note\":\"not kept"), std::string::npos);
}

TEST(Recent, IsListedNewestFirst) {
  Recent recent(10'000, 100);
  recent.add(kept(Signal::logs, "old"));
  recent.add(kept(Signal::traces, "new", WallTime(std::chrono::milliseconds(1'764'000'123'045))));
  EXPECT_EQ(recent_json(recent, {}, quoted),
            R"([{"received_at":"2025-11-24T16:02:03.045Z","signal":"traces","items":2,"bytes":3,)"
            R"("services":["web \"1\""],"data":"new"},)"
            R"({"received_at":"1970-01-01T00:00:00.000Z","signal":"logs","items":2,"bytes":3,)"
            R"("services":["web \"1\""],"data":"old"}])");
  EXPECT_EQ(recent_json(Recent(100, 1), {}, quoted), "[]");
}

TEST(Recent, IsFilteredBySignalBeforeItIsLimited) {
  Recent recent(10'000, 100);
  for (const char* body : {"1", "2", "3"}) {
    recent.add(kept(Signal::logs, body));
    recent.add(kept(Signal::traces, "t"));
  }
  const std::string json = recent_json(recent, {2, Signal::logs}, quoted);
  EXPECT_NE(json.find("\"data\":\"3\""), std::string::npos);
  EXPECT_NE(json.find("\"data\":\"2\""), std::string::npos);
  EXPECT_EQ(json.find("\"data\":\"1\""), std::string::npos);
  EXPECT_EQ(json.find("traces"), std::string::npos);
}

TEST(Recent, StopsWritingDataWhenTheAnswerIsLong) {
  Recent recent(1U << 20U, 100);
  for (int i = 0; i < 20; ++i) recent.add(kept(Signal::logs, "small"));
  const auto inflate = [](Signal, std::string_view) { return std::string(1U << 20U, '1'); };
  const std::string json = recent_json(recent, {}, inflate);
  EXPECT_LT(json.size(), 6U << 20U);
  EXPECT_NE(json.find("left out"), std::string::npos);
}

TEST(RecentQuery, IsReadFromTheTarget) {
  EXPECT_EQ(parse_recent_query("")->limit, 20U);
  EXPECT_EQ(parse_recent_query("limit=7&signal=metrics")->limit, 7U);
  EXPECT_EQ(parse_recent_query("limit=7&signal=metrics")->signal, Signal::metrics);
  EXPECT_EQ(parse_recent_query("&limit=1000&")->limit, 1'000U);
}

TEST(RecentQuery, SaysWhatIsWrong) {
  for (const char* bad :
       {"limit=", "limit=0", "limit=1001", "limit=-1", "limit=5x", "limit=99999999999999999999"}) {
    const auto asked = parse_recent_query(bad);
    ASSERT_FALSE(asked) << bad;
    EXPECT_EQ(asked.error().what, "limit must be a number from 1 to 1000");
  }
  EXPECT_EQ(parse_recent_query("signal=spans").error().what,
            "signal must be traces, metrics or logs");
  EXPECT_NE(parse_recent_query("x=1").error().what.find("limit=N"), std::string::npos);
}

}  // namespace
}  // namespace forager::hive
