#include "destination/rollbar.h"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "destination/rollbar_screen.h"
#include "otlp/take_apart.h"
#include "unit/rollbar/errors.h"

namespace forager::destination {
namespace {

using namespace std::chrono_literals;
using Fate = Stretch::Fate;
using ledger::Reason;

constexpr WallTime now{std::chrono::seconds(1'767'225'600)};

std::string failing(std::string_view message, std::string_view id = test::a_span) {
  return test::span(
      test::exception_event({{"exception.type", "E"}, {"exception.message", message}}),
      test::a_trace, id);
}

std::optional<std::string> header(const net::Request& request, std::string_view name) {
  for (const auto& h : request.headers) {
    if (h.name == name) return h.value;
  }
  return std::nullopt;
}

/// What the delivery does: looks, then sends each item that may go, in as many steps as it was
/// told.
std::vector<std::string> send_all(const RollbarDestination& rollbar, Screen& screen, Signal signal,
                                  const std::string& body) {
  std::vector<std::string> sent;
  const auto cuts = otlp::index(signal, body);
  std::uint32_t expected = 0;
  for (const Stretch& stretch : screen.look(signal, body, now)) {
    EXPECT_EQ(stretch.first, expected) << "stretches have no gap";
    expected = stretch.last;
    if (stretch.fate != Fate::send) continue;
    EXPECT_EQ(stretch.last, stretch.first + 1);
    for (std::uint32_t step = 0; step < stretch.requests; ++step) {
      Encoded batch{signal,
                    Codec::none,
                    1,
                    Chain(Slice(otlp::part(signal, body, cuts, stretch.first, stretch.last))),
                    stretch.lane,
                    step};
      sent.push_back(rollbar.encode(batch).body.joined());
      EXPECT_TRUE(test::is_json(sent.back()));
    }
  }
  EXPECT_EQ(expected, cuts.items()) << "every item is in a stretch";
  return sent;
}
bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(Rollbar, PostsOneItemAsJson) {
  const RollbarDestination rollbar({});
  const auto body = test::request({failing("m")});
  const auto request =
      rollbar.encode({Signal::traces, Codec::none, 1, Chain(Slice(std::string(body)))});
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/api/1/item/");
  EXPECT_EQ(header(request, "Content-Type"), "application/json");
  EXPECT_EQ(header(request, "Content-Encoding"), std::nullopt);
  EXPECT_TRUE(request.secret_headers.empty());
  EXPECT_TRUE(has(request.body.joined(), R"("exception":{"class":"E","message":"m"})"));
  RollbarConfig below;
  below.path_prefix = "/proxy/";
  EXPECT_EQ(RollbarDestination(below)
                .encode({Signal::traces, Codec::none, 1, Chain(Slice(std::string(body)))})
                .target,
            "/proxy/api/1/item/");
}

TEST(Rollbar, TakesSpansAndLogsUncompressed) {
  const RollbarDestination rollbar({});
  EXPECT_TRUE(rollbar.takes(Signal::traces) && rollbar.takes(Signal::logs));
  EXPECT_FALSE(rollbar.takes(Signal::metrics) || rollbar.takes(Signal::segments));
  EXPECT_TRUE(rollbar.takes_codec(Signal::traces, Codec::none));
  EXPECT_FALSE(rollbar.takes_codec(Signal::traces, Codec::gzip));
  EXPECT_FALSE(rollbar.takes_codec(Signal::traces, Codec::zstd));
  RollbarConfig all;
  all.routed = {true, true, false, true};
  EXPECT_FALSE(RollbarDestination(all).takes(Signal::metrics));
  EXPECT_FALSE(RollbarDestination(all).takes(Signal::logs));
  EXPECT_FALSE(RollbarDestination(all).takes(Signal::segments));
}

TEST(Rollbar, SignsWithTheTokenAlone) {
  const RollbarDestination rollbar({});
  net::Request request;
  rollbar.sign(request, Signal::logs, {Secret("old"), ""}, now);
  rollbar.sign(request, Signal::logs, {Secret(" to\r\nken\n"), ""}, now);
  ASSERT_EQ(request.secret_headers.size(), 1U);
  EXPECT_EQ(request.secret_headers[0].first, "X-Rollbar-Access-Token");
  EXPECT_EQ(request.secret_headers[0].second.reveal(), "token");
  EXPECT_TRUE(request.headers.empty());
}

TEST(RollbarScreen, SendsEachErrorAloneAndNothingElse) {
  const RollbarDestination rollbar({});
  const auto screen = rollbar.make_screen();
  const auto body = test::request(
      {test::span(""), test::span(""), failing("a"), test::span(""), failing("b"), failing("c")});
  const auto stretches = screen->look(Signal::traces, body, now);
  ASSERT_EQ(stretches.size(), 5U) << "neighbours that stay are one stretch";
  EXPECT_EQ(stretches[0].last, 2U);
  EXPECT_EQ(stretches[0].fate, Fate::filter);
  EXPECT_EQ(stretches[0].reason, Reason::no_error);
  EXPECT_EQ(stretches[1].fate, Fate::send);
  EXPECT_EQ(stretches[1].requests, 1U);
  EXPECT_EQ(send_all(rollbar, *rollbar.make_screen(), Signal::traces, body).size(), 3U);
}

TEST(RollbarScreen, SeesAtOnceThatNothingIsAnError) {
  const RollbarDestination rollbar({});
  const auto screen = rollbar.make_screen();
  const auto body = test::otlp_request(Signal::traces, {2, 3, 50});
  const auto stretches = screen->look(Signal::traces, body, now);
  ASSERT_EQ(stretches.size(), 1U);
  EXPECT_EQ(stretches[0].last, 300U);
  EXPECT_EQ(stretches[0].reason, Reason::no_error);
  EXPECT_TRUE(screen->look(Signal::traces, "", now).empty());
}

TEST(RollbarScreen, MakesAsManyRequestsOfASpanAsItHasExceptions) {
  const RollbarDestination rollbar({});
  const auto body = test::request({test::span(
      test::exception_event({{"exception.message", "first"}}) + test::other_event("retry") +
      test::exception_event({{"exception.message", "second"}}) +
      test::exception_event({{"exception.message", "third"}}))});
  const auto sent = send_all(rollbar, *rollbar.make_screen(), Signal::traces, body);
  ASSERT_EQ(sent.size(), 3U);
  EXPECT_TRUE(has(sent[0], "\"first\"") && has(sent[1], "\"second\"") && has(sent[2], "\"third\""));
}

TEST(RollbarScreen, SendsAnExceptionOnceThatComesAsEventAndAsLog) {
  const RollbarDestination rollbar({});
  const auto screen = rollbar.make_screen();
  const auto spans = test::request({failing("a")});
  const auto logs =
      test::request({test::log(17, "oh", {{"exception.type", "E"}, {"exception.message", "a"}}),
                     test::log(17, "oh", {{"exception.type", "E"}, {"exception.message", "b"}})});
  EXPECT_EQ(send_all(rollbar, *screen, Signal::traces, spans).size(), 1U);
  const auto stretches = screen->look(Signal::logs, logs, now);
  ASSERT_EQ(stretches.size(), 2U);
  EXPECT_EQ(stretches[0].fate, Fate::filter);
  EXPECT_EQ(stretches[0].reason, Reason::duplicate);
  EXPECT_EQ(stretches[1].fate, Fate::send);
}

TEST(RollbarScreen, SendsOnlyTheNewOnesOfASpanWithSome) {
  const RollbarDestination rollbar({});
  const auto screen = rollbar.make_screen();
  const auto log = test::log(17, "oh", {{"exception.type", "E"}, {"exception.message", "b"}});
  EXPECT_EQ(send_all(rollbar, *screen, Signal::logs, test::request({log})).size(), 1U);
  std::string events;
  for (const std::string_view message : {"a", "b", "c"}) {
    events += test::exception_event({{"exception.type", "E"}, {"exception.message", message}});
  }
  const auto sent = send_all(rollbar, *screen, Signal::traces, test::request({test::span(events)}));
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_TRUE(has(sent[0], R"("message":"a")") && has(sent[1], R"("message":"c")"));
}

TEST(RollbarScreen, HoldsBackAStormAndSaysHowManyInTheNextItem) {
  RollbarConfig config;
  config.rate = {60, 4};
  const RollbarDestination rollbar(config);
  const auto screen = rollbar.make_screen();
  std::vector<std::string> spans;
  for (int i = 0; i < 10; ++i) {
    spans.push_back(failing(fmt::format("order {} failed", i), fmt::format("{:08}", i)));
  }
  const auto stretches = screen->look(Signal::traces, test::request(spans), now);
  ASSERT_EQ(stretches.size(), 5U);
  EXPECT_EQ(stretches.back().first, 4U);
  EXPECT_EQ(stretches.back().last, 10U);
  EXPECT_EQ(stretches.back().reason, Reason::rate_cap);
  const auto later = test::request({test::span(
      test::exception_event({{"exception.type", "E"}, {"exception.message", "order 11 failed"}},
                            test::a_time - 60'000'000'000))});
  const auto sent = send_all(rollbar, *screen, Signal::traces, later);
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_TRUE(has(sent[0], R"("held_back":6)")) << sent[0];
}

TEST(RollbarScreen, DoesAsItIsTold) {
  RollbarConfig config;
  config.read = {false, true};
  const RollbarDestination rollbar(config);
  const auto failed = test::wire_bytes(15, test::wire_varint(3, 2));
  EXPECT_EQ(send_all(rollbar, *rollbar.make_screen(), Signal::traces,
                     test::request({test::span(failed), test::span("")}))
                .size(),
            1U);
  EXPECT_TRUE(send_all(rollbar, *rollbar.make_screen(), Signal::logs,
                       test::request({test::log(17, "failed")}))
                  .empty());
}

TEST(RollbarScreen, WritesAndReadsItsLanes) {
  const auto picks = picks_of(lane_of({{0, 0}, {2, 57}}), 3);
  ASSERT_EQ(picks.size(), 2U);
  EXPECT_EQ(picks[1].error, 2U);
  EXPECT_EQ(picks[1].held_back, 57U);
  EXPECT_EQ(picks_of("", 3).size(), 3U);
  for (const std::string_view wrong :
       {"x", "1", "1:", "1:2", ":", "7:0;", "99999999999999999999:1;"}) {
    EXPECT_TRUE(picks_of(wrong, 3).empty()) << wrong;
  }
}

TEST(Rollbar, StaysAliveWhenAskedToSendWhatIsNoError) {
  const RollbarDestination rollbar({});
  for (const std::string& body : {std::string(), test::request({test::span("")})}) {
    const auto json =
        rollbar.encode({Signal::traces, Codec::none, 1, Chain(Slice(std::string(body)))})
            .body.joined();
    EXPECT_TRUE(test::is_json(json) && has(json, R"("body":{"message":{"body":)"));
  }
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

TEST(RollbarJudge, TriesAgainWhatIsRollbarsFault) {
  for (const int status : {500, 502, 503, 504}) {
    EXPECT_TRUE(std::holds_alternative<Retry>(judge(status, ""))) << status;
  }
  EXPECT_TRUE(std::holds_alternative<Park>(judge(404, "")));
}

}  // namespace
}  // namespace forager::destination
