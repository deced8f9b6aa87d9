#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "destination/rollbar.h"

namespace forager::destination {
namespace {

using namespace std::chrono_literals;

constexpr WallTime now{std::chrono::seconds(1'767'225'600)};

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

net::Response answer(int status, std::string body, std::vector<net::Header> headers = {}) {
  headers.push_back({"Content-Type", "application/json"});
  return {status, std::move(headers), std::move(body)};
}
Verdict judge(int status, std::string body, std::vector<net::Header> headers = {}) {
  return RollbarDestination({}).judge(answer(status, std::move(body), std::move(headers)),
                                      Signal::traces, Codec::none, now);
}

TEST(RollbarJudge, TakesErrZeroForDelivered) {
  const auto verdict =
      judge(200, R"({"err":0,"result":{"id":null,"uuid":"d4c7acef55bf4c9e95e4"}})");
  EXPECT_EQ(std::get<Delivered>(verdict).message, "");
  EXPECT_EQ(std::get<Delivered>(judge(200, R"({ "result":[1,{"err":1}], "err" : 0 })")).message,
            "");
  for (const std::string strange : {"", "pong", "{}", R"({"err":"0"})", R"({"err":0)", "[]"}) {
    EXPECT_EQ(std::get<Delivered>(judge(200, strange)).message,
              "api.rollbar.com answered 200, but not as Rollbar does")
        << strange;
  }
  EXPECT_NE(std::get<TakeApart>(judge(200, R"({"err":1,"message":"no body"})")).why.find("no body"),
            std::string::npos);
}

TEST(RollbarJudge, ParksARefusedTokenWithTheFix) {
  for (const int status : {401, 403}) {
    const auto park =
        std::get<Park>(judge(status, R"({"err":1,"message":"invalid access token"})"));
    EXPECT_TRUE(has(park.why, "invalid access token")) << park.why;
    EXPECT_TRUE(has(park.why, "ROLLBAR_ACCESS_TOKEN is refused")) << park.why;
    EXPECT_TRUE(has(park.why, "post_server_item")) << park.why;
  }
}

TEST(RollbarJudge, SetsAsideWhatRollbarCallsWrong) {
  for (const int status : {400, 422}) {
    const auto apart = std::get<TakeApart>(
        judge(status, R"({"err":1,"message":"Invalid format. data.body is missing"})"));
    EXPECT_TRUE(has(apart.why, "data.body is missing")) << apart.why;
  }
  const auto large = std::get<TakeApart>(judge(413, ""));
  EXPECT_FALSE(large.too_large) << "no smaller request is to be learned from one item";
  EXPECT_TRUE(large.squeeze) << "but the item can be cut";
  EXPECT_TRUE(has(large.why, "524288 bytes")) << large.why;
}

TEST(RollbarJudge, WaitsAsLongAsTheLimitSaysAndAMinuteAtMost) {
  const auto after = [](std::vector<net::Header> headers) {
    return std::get<Retry>(judge(429, R"({"err":1,"message":"rate limited"})", std::move(headers)))
        .after;
  };
  EXPECT_EQ(after({{"X-Rate-Limit-Remaining-Seconds", "17"}}), Duration(17s));
  EXPECT_EQ(after({{"X-Rate-Limit-Remaining-Seconds", "900"}}), Duration(60s));
  EXPECT_EQ(after({{"X-Rate-Limit-Remaining-Seconds", "-3"}}), Duration(0s));
  EXPECT_EQ(after({{"X-Rate-Limit-Reset", "1767225630"}}), Duration(30s));
  EXPECT_EQ(after({{"X-Rate-Limit-Reset", "1767220000"}}), Duration(0s));
  EXPECT_EQ(after({{"X-Rate-Limit-Reset", "1767225630"}, {"X-Rate-Limit-Remaining-Seconds", "5"}}),
            Duration(5s));
  EXPECT_EQ(after({{"Retry-After", "120"}, {"X-Rate-Limit-Remaining-Seconds", "5"}}),
            Duration(120s));
  EXPECT_EQ(after({{"X-Rate-Limit-Remaining-Seconds", "soon"}}), std::nullopt);
  EXPECT_EQ(after({}), std::nullopt);
}

TEST(RollbarJudge, WaitsAfterTheLastCallThatIsAllowed) {
  const auto after = [](std::vector<net::Header> headers) {
    const auto verdict =
        std::get<Delivered>(judge(200, R"({"err":0,"result":{}})", std::move(headers)));
    EXPECT_EQ(verdict.rejected, 0);
    EXPECT_EQ(verdict.message, "");
    return verdict.after;
  };
  const net::Header none{"X-Rate-Limit-Remaining", "0"};
  EXPECT_EQ(after({none, {"X-Rate-Limit-Remaining-Seconds", "17"}}), Duration(17s));
  EXPECT_EQ(after({none, {"X-Rate-Limit-Reset", "1767225630"}}), Duration(30s));
  EXPECT_EQ(after({none, {"X-Rate-Limit-Reset", "1767229999"}}), Duration(60s)) << "at most";
  EXPECT_EQ(after({none, {"X-Rate-Limit-Reset", "1767220000"}}), Duration(0s));
  EXPECT_EQ(after({none}), std::nullopt);
  EXPECT_EQ(after({{"X-Rate-Limit-Remaining", "1"}, {"X-Rate-Limit-Remaining-Seconds", "17"}}),
            std::nullopt);
  EXPECT_EQ(after({{"X-Rate-Limit-Remaining-Seconds", "17"}}), std::nullopt);
}

TEST(RollbarJudge, TriesAgainWhatIsRollbarsFault) {
  for (const int status : {500, 502, 503, 504}) {
    EXPECT_TRUE(std::holds_alternative<Retry>(judge(status, ""))) << status;
  }
  EXPECT_TRUE(std::holds_alternative<Park>(judge(404, "")));
}

}  // namespace
}  // namespace forager::destination
