#include "destination/clock_skew.h"

#include <chrono>
#include <string>

#include <gtest/gtest.h>

namespace forager::destination {
namespace {

using namespace std::chrono_literals;

constexpr WallTime noon = std::chrono::sys_days(std::chrono::year(2026) / 11 / 24) + 12h;
constexpr const char* noon_there = "Tue, 24 Nov 2026 12:00:00 GMT";

net::Response answer(int status, std::string body = "", const char* date = noon_there) {
  net::Response made{status, {}, std::move(body)};
  if (date != nullptr) made.headers.push_back({"Date", date});
  return made;
}

const net::Response expired = answer(
    403,
    R"j({"message":"Signature expired: 20261124T110000Z is now earlier than 20261124T115500Z )j"
    R"j((20261124T120000Z - 5 min.)"})j");

TEST(ClockSkew, LeavesSmallDifferencesAlone) {
  ClockSkew skew;
  EXPECT_FALSE(skew.learn(answer(200), noon - 4min));
  EXPECT_FALSE(skew.learn(answer(200), noon + 4min));
  EXPECT_EQ(skew.offset(), 0s);
}

TEST(ClockSkew, LearnsADifferenceOverFourMinutesFromAnyAnswer) {
  for (const int status : {200, 400, 429, 503}) {
    ClockSkew skew;
    EXPECT_TRUE(skew.learn(answer(status), noon - 10min)) << status;
    EXPECT_EQ(skew.offset(), 10min);
    EXPECT_EQ(skew.adjusted(noon - 10min), noon);
    EXPECT_FALSE(skew.learn(answer(status), noon - 10min + 30s));  // within what is tolerated
    EXPECT_EQ(skew.offset(), 10min);
  }
}

TEST(ClockSkew, LearnsASmallerOneWhenARefusalSaysSo) {
  ClockSkew skew;
  EXPECT_TRUE(skew.learn(expired, noon + 3min));
  EXPECT_EQ(skew.offset(), -3min);
  EXPECT_FALSE(skew.learn(answer(200), noon + 3min + 20s));  // and keeps it
  EXPECT_EQ(skew.offset(), -3min);
}

TEST(ClockSkew, ForgetsItOnceTheClockIsSetRight) {
  ClockSkew skew;
  skew.learn(answer(200), noon - 2h);
  EXPECT_EQ(skew.offset(), 2h);
  EXPECT_TRUE(skew.learn(answer(200), noon - 1s));
  EXPECT_EQ(skew.offset(), 0s);
}

TEST(ClockSkew, LearnsNothingWithoutADate) {
  ClockSkew skew;
  EXPECT_FALSE(skew.learn(answer(200, "", nullptr), noon - 1h));
  EXPECT_FALSE(skew.learn(answer(200, "", "yesterday"), noon - 1h));
  EXPECT_EQ(skew.offset(), 0s);
}

TEST(ClockSkew, KnowsTheRefusalsThatBlameTheClock) {
  EXPECT_TRUE(blames_clock(expired));
  EXPECT_TRUE(blames_clock(answer(403, R"({"__type":"RequestTimeTooSkewed","message":"x"})")));
  EXPECT_TRUE(blames_clock(answer(
      400,
      R"({"__type":"InvalidSignatureException","message":"Signature not yet current: ..."})")));
  EXPECT_FALSE(blames_clock(answer(200, "Signature expired")));
  EXPECT_FALSE(blames_clock(
      answer(403, R"({"message":"The security token included in the request is expired"})")));
}

}  // namespace
}  // namespace forager::destination
