#include "destination/rollbar.h"

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <string_view>
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

std::string uuid_in(const std::string& json) {
  const std::size_t at = json.find(R"("uuid":")");
  return at == std::string::npos ? "" : json.substr(at + 8, 36);
}
std::vector<std::string> uuids(const RollbarDestination& rollbar, Signal signal,
                               const std::string& body) {
  std::vector<std::string> made;
  for (const std::string& json : send_all(rollbar, *rollbar.make_screen(), signal, body)) {
    made.push_back(uuid_in(json));
  }
  return made;
}

TEST(RollbarScreen, GivesEqualErrorsOfARequestUuidsOfTheirOwnWhichStay) {
  const RollbarDestination rollbar({});
  const std::string log = test::log(17, "disk is full", {}, 0, "", "");
  const std::string twice = test::exception_event({{"exception.type", "E"}}, 0) +
                            test::exception_event({{"exception.type", "E"}}, 0);
  for (const auto& [signal, body] :
       {std::pair{Signal::logs, test::request({log, test::log(9, "fine"), log, log})},
        {Signal::traces, test::request({failing("m"), failing("m"), failing("m")})},
        {Signal::traces, test::request({test::span(twice), test::span(twice)})}}) {
    const auto first = uuids(rollbar, signal, body);
    const std::set<std::string> different(first.begin(), first.end());
    EXPECT_EQ(different.size(), first.size());
    EXPECT_GE(first.size(), 3U);
    EXPECT_FALSE(different.contains(""));
    EXPECT_EQ(uuids(rollbar, signal, body), first) << "as after a restart";
  }
}

TEST(RollbarScreen, NumbersEqualErrorsByTheirPlaceWhateverElseIsHeldBack) {
  const std::string log = test::log(17, "disk is full", {}, 0);
  const std::string body = test::request({log, log, log, log});
  const auto all = uuids(RollbarDestination({}), Signal::logs, body);
  RollbarConfig config;
  config.rate = {60, 1};
  const RollbarDestination careful(config);
  const auto screen = careful.make_screen();
  std::vector<std::string> seen;
  for (int minute = 0; minute < 2; ++minute) {  // the second time all are over the cap but one
    for (const auto& json : send_all(careful, *screen, Signal::logs, body)) {
      seen.push_back(uuid_in(json));
    }
  }
  EXPECT_EQ(seen, (std::vector<std::string>{all[0]}));
}

TEST(RollbarScreen, WritesAndReadsItsLanes) {
  const auto picks = picks_of(lane_of({{0, 0, 0}, {2, 57, 4}}), 3);
  ASSERT_EQ(picks.size(), 2U);
  EXPECT_EQ(picks[1].error, 2U);
  EXPECT_EQ(picks[1].held_back, 57U);
  EXPECT_EQ(picks[1].repeat, 4U);
  EXPECT_EQ(picks_of("", 3).size(), 3U);
  for (const std::string_view wrong :
       {"x", "1", "1:", "1:2", "1:2;", "1:2:3", ":", "7:0:0;", "99999999999999999999:1:0;"}) {
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

TEST(Rollbar, CutsToHalfOfItsSizeWhatWasTooLarge) {
  const RollbarDestination rollbar({});
  const auto size = [&](std::size_t ballast, bool squeezed) {
    const auto body = test::request(
        {test::span(test::exception_event({{"exception.type", "E"},
                                           {"exception.message", "disk is full"},
                                           {"exception.stacktrace", std::string(ballast, 's')}}))});
    Encoded batch{Signal::traces, Codec::none, 1, Chain(Slice(std::string(body)))};
    batch.squeezed = squeezed;
    const std::string json = rollbar.encode(batch).body.joined();
    EXPECT_TRUE(test::is_json(json) && has(json, "disk is full"));
    EXPECT_EQ(has(json, "truncated"), squeezed) << ballast;
    return json.size();
  };
  for (const std::size_t ballast : {1000U, 30'000U, 100'000U, 500'000U}) {
    const std::size_t before = size(ballast, false);
    EXPECT_LE(size(ballast, true), before / 2) << ballast;
  }
}

TEST(Rollbar, CutsNoRequestThatAnAppMaySend) {
  RollbarConfig config;
  config.request_limit = std::size_t{1} << 30U;
  constexpr std::size_t attributes = 64U << 10U;
  for (const Signal signal : {Signal::traces, Signal::logs}) {
    EXPECT_GE(RollbarDestination({}).limits(signal).request_bytes, (64U << 20U) + attributes);
    EXPECT_GE(RollbarDestination(config).limits(signal).request_bytes,
              config.request_limit + attributes);
  }
}

}  // namespace
}  // namespace forager::destination
