#include "destination/cloudwatch.h"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "otlp/reply.h"
#include "support/otlp_builder.h"

namespace forager::destination {
namespace {

using namespace std::chrono_literals;
using test::wire_bytes;
using test::wire_fixed64;

constexpr WallTime now = std::chrono::sys_days(std::chrono::year(2026) / 11 / 24) + 12h;

CloudWatchConfig config(std::string group = "/ecs/app", std::string stream = "web/1") {
  CloudWatchConfig made;
  made.at = {"eu-west-1", "logs.eu-west-1.amazonaws.com", ""};
  made.log_group = std::move(group);
  made.log_stream = std::move(stream);
  return made;
}

std::unique_ptr<CloudWatchDestination> logs(CloudWatchConfig from = config()) {
  auto made = CloudWatchDestination::make(std::move(from));
  EXPECT_TRUE(made) << made.error().what;
  return std::move(*made);
}

std::uint64_t at(std::chrono::nanoseconds from_now) {
  return unix_nanos(now) + static_cast<std::uint64_t>(from_now.count());
}

std::string record(std::chrono::nanoseconds time, std::string_view body = "hello") {
  return wire_fixed64(1, at(time)) + wire_bytes(5, wire_bytes(1, body));
}

std::string resource(std::string_view service, const std::vector<std::string>& records) {
  std::string scope = wire_bytes(1, wire_bytes(1, "scope"));
  for (const auto& one : records) scope += wire_bytes(2, one);
  const auto attribute = [](std::string_view key, std::string_view value) {
    return wire_bytes(1, test::wire_attribute(key, value));
  };
  const auto attributes = service.empty() ? std::string() : attribute("service.name", service);
  return wire_bytes(
      1, wire_bytes(1, attributes + attribute("host.name", "h:1")) + wire_bytes(2, scope));
}

std::string shown(const std::vector<Stretch>& stretches) {
  std::string text;
  for (const auto& s : stretches) {
    const std::string lane = s.lane.empty() ? "" : "@" + s.lane;
    text += fmt::format("{}{}{}[{},{})", text.empty() ? "" : " ",
                        s.fate == Stretch::Fate::send ? "send" : ledger::facts(s.reason).label,
                        lane, s.first, s.last);
  }
  return text;
}

std::vector<Stretch> look(std::string_view body, CloudWatchConfig from = config()) {
  return logs(std::move(from))->make_screen()->look(Signal::logs, body, now);
}

std::optional<std::string> header(const net::Request& request, std::string_view name) {
  for (const auto& h : request.headers) {
    if (h.name == name) return h.value;
  }
  return std::nullopt;
}

TEST(CloudWatchScreen, SendsAnOrdinaryRecordAsOneStretchWithItsWeight) {
  const auto seen = look(resource("a", {record(-3s), record(-1s)}) + resource("b", {record(-2s)}));
  ASSERT_EQ(shown(seen), "send[0,3)");
  EXPECT_EQ(seen[0].oldest, static_cast<std::int64_t>(at(-3s)));
  EXPECT_EQ(seen[0].newest, static_cast<std::int64_t>(at(-1s)));
  EXPECT_GT(seen[0].weight, 3 * 26U);
}

TEST(CloudWatchScreen, GivesEachResourceTheLaneOfItsAttributes) {
  const auto body = resource("a", {record(-1s)}) + resource("a", {record(-1s), record(-1s)}) +
                    resource("b", {}) + resource("b c", {record(-1s)}) +
                    resource("", {record(-1s)});
  EXPECT_EQ(shown(look(body, config("/x/{service.name:none}", "{host.name}"))),
            "send@/x/a\nh_1[0,3) send@/x/b_c\nh_1[3,4) send@/x/none\nh_1[4,5)");
  EXPECT_EQ(shown(look(body)), "send[0,5)");  // fixed names need no lane
}

TEST(CloudWatchScreen, TakesTheObservedTimeWhereThereIsNoOther) {
  const auto observed = wire_fixed64(11, at(-5s));
  const auto zero = wire_fixed64(1, 0) + wire_fixed64(11, at(-4s));
  const auto neither = wire_bytes(5, wire_bytes(1, "x"));
  const auto seen = look(resource("a", {observed, zero, neither}));
  ASSERT_EQ(shown(seen), "send[0,3)");
  EXPECT_EQ(seen[0].oldest, static_cast<std::int64_t>(at(-5s)));
  EXPECT_EQ(seen[0].newest, static_cast<std::int64_t>(at(0s)));  // of its arrival
  EXPECT_EQ(shown(look(resource("a", {wire_fixed64(11, at(-15 * 24h))}))), "outside_window[0,1)");
}

TEST(CloudWatchScreen, HoldsBackWhatTheWindowOrTheEnvelopeForbids) {
  const auto seen = look(resource("a", {record(-1s), record(-20 * 24h), record(4h)}) +
                         resource(std::string(17'000, 's'), {record(-1s)}));
  ASSERT_EQ(shown(seen),
            "send[0,1) outside_window[1,2) outside_window[2,3) over_envelope_limit[3,4)");
  EXPECT_NE(seen[1].why.find("the time of the log record is 2026-11-04T12:00:00.000Z"),
            std::string::npos)
      << seen[1].why;
}

TEST(CloudWatchScreen, CountsTheResourceForEachRecordAndEscapesInBodies) {
  const auto weight = [](std::string_view service, std::string_view body) {
    return look(resource(service, {record(-1s, body)})).at(0).weight;
  };
  const auto plain = weight("a", std::string(1000, 'x'));
  EXPECT_GE(weight(std::string(1001, 'a'), std::string(1000, 'x')), plain + 1000);
  EXPECT_GE(weight("a", std::string(1000, '"')), plain + 1000);
  EXPECT_GE(weight("a", std::string(1000, '\x01')), plain + 5000);
  const auto two = look(resource("a", {record(-1s), record(-1s)})).at(0).weight;
  EXPECT_EQ(two, 2 * look(resource("a", {record(-1s)})).at(0).weight);
}

TEST(CloudWatchScreen, NeverMakesAStretchHeavierThanARequest) {
  std::vector<std::string> records(40, record(-1s, std::string(100'000, 'x')));
  std::uint32_t items = 0;
  for (const auto& s : look(resource("a", records))) {
    EXPECT_EQ(s.first, items);
    EXPECT_LE(s.weight, 1'048'576U);
    EXPECT_GE(s.last - s.first, s.last == 40 ? 1U : 7U);
    items = s.last;
  }
  EXPECT_EQ(items, 40U);
}

TEST(CloudWatchScreen, MeasuresAnEventNearTheLimitToTheByteBeforeItIsHeldBack) {
  // By its bound (11/8 of the bytes) it is over 1,000,000, by its JSON it isn't.
  const auto seen = look(resource(
      "a", {record(-1s, std::string(990'000, 'x')), record(-1s, std::string(1'000'000, 'x')),
            record(-1s, std::string(500'000, '"'))}));
  ASSERT_EQ(shown(seen), "send[0,1) over_item_limit[1,3)");
  EXPECT_LE(seen[0].weight, 1'000'000U);
  EXPECT_NE(seen[1].why.find("makes an event of 1000"), std::string::npos) << seen[1].why;
}

TEST(CloudWatch, NamesGroupAndStreamInHeaders) {
  const Encoded batch{Signal::logs, Codec::gzip, 1, Chain(Slice(std::string("body")))};
  const auto fixed = logs()->encode(batch);
  EXPECT_EQ(fixed.target, "/v1/logs");
  EXPECT_EQ(header(fixed, "x-aws-log-group"), "/ecs/app");
  EXPECT_EQ(header(fixed, "x-aws-log-stream"), "web/1");
  EXPECT_EQ(header(fixed, "Content-Encoding"), "gzip");
  Encoded of_lane = batch;
  of_lane.lane = "/x/a\nh_1";
  const auto by_lane = logs(config("/x/{service.name}", "{host.name}"))->encode(of_lane);
  EXPECT_EQ(header(by_lane, "x-aws-log-group"), "/x/a");
  EXPECT_EQ(header(by_lane, "x-aws-log-stream"), "h_1");
}

TEST(CloudWatch, KeepsToTheLimitsOfTheEndpoint) {
  const auto l = logs();
  const Limits limits = l->limits(Signal::logs);
  EXPECT_EQ(limits.request_bytes, 1'048'576U);
  EXPECT_EQ(limits.request_weight, 1'048'576U);
  EXPECT_EQ(limits.request_items, 10'000U);
  EXPECT_EQ(limits.spread, 24h);
  EXPECT_TRUE(l->wants_log_time());
  EXPECT_TRUE(l->takes(Signal::logs));
  EXPECT_FALSE(l->takes(Signal::traces) || l->takes(Signal::metrics) || l->takes(Signal::segments));
  EXPECT_FALSE(l->takes_codec(Signal::logs, Codec::zstd));
}

TEST(CloudWatch, RefusesNamesThatAwsWould) {
  EXPECT_NE(CloudWatchDestination::make(config("a b")).error().what.find("the log group: "),
            std::string::npos);
  EXPECT_NE(CloudWatchDestination::make(config("/a", "b:c")).error().what.find("the log stream: "),
            std::string::npos);
}

net::Response error(int status, std::string_view code, std::string_view words) {
  return {status,
          {{"Content-Type", "application/x-amz-json-1.1"}},
          fmt::format(R"({{"__type":"{}","message":"{}"}})", code, words)};
}

const net::Response no_group =
    error(400, "ResourceNotFoundException", "The specified log group does not exist.");

TEST(CloudWatch, MakesAMissingGroupAndStream) {
  const auto l = logs(config("/x/{service.name}", "{host.name}"));
  const auto todo =
      std::get<Prepare>(l->judge_in_lane(no_group, Signal::logs, Codec::gzip, "/x/a\nh_1", now));
  ASSERT_EQ(todo.requests.size(), 2U);
  EXPECT_EQ(todo.requests[0].target, "/");
  EXPECT_EQ(header(todo.requests[0], "X-Amz-Target"), "Logs_20140328.CreateLogGroup");
  EXPECT_EQ(header(todo.requests[0], "Content-Type"), "application/x-amz-json-1.1");
  EXPECT_EQ(todo.requests[0].body.joined(), R"({"logGroupName":"/x/a"})");
  EXPECT_EQ(header(todo.requests[1], "X-Amz-Target"), "Logs_20140328.CreateLogStream");
  EXPECT_EQ(todo.requests[1].body.joined(), R"({"logGroupName":"/x/a","logStreamName":"h_1"})");
  EXPECT_NE(todo.why.find("log group /x/a and stream h_1 are made"), std::string::npos);
  for (const net::Response& answer :
       {error(404, "", "The specified log stream does not exist."),
        error(400, "ValidationException", "Log group '/x/a' not found"), no_group}) {
    EXPECT_TRUE(
        std::holds_alternative<Prepare>(logs()->judge(answer, Signal::logs, Codec::gzip, now)));
  }
  EXPECT_TRUE(std::holds_alternative<TakeApart>(
      logs()->judge(error(400, "", "log group header is odd"), Signal::logs, Codec::gzip, now)));
}

TEST(CloudWatch, SaysHowToMakeThemWhenItMayNot) {
  auto from = config();
  from.create = false;
  const auto why = std::get<Park>(logs(from)->judge(no_group, Signal::logs, Codec::gzip, now)).why;
  EXPECT_NE(why.find("aws logs create-log-group --region eu-west-1 --log-group-name '/ecs/app'"),
            std::string::npos)
      << why;
  EXPECT_NE(why.find("--log-stream-name 'web/1'"), std::string::npos) << why;
}

TEST(CloudWatch, GoesOnWhenGroupOrStreamIsThereAlready) {
  const auto l = logs();
  const auto good = [&](const net::Response& answer) {
    return std::holds_alternative<Delivered>(l->prepared(answer, now));
  };
  EXPECT_TRUE(good({200, {}, ""}));
  EXPECT_TRUE(good(error(400, "ResourceAlreadyExistsException", "The specified log group ...")));
  // It may be there though it may not be made: the stream will tell.
  EXPECT_TRUE(good(error(400, "AccessDeniedException",
                         "User: x is not authorized to perform: logs:CreateLogGroup on y")));
}

TEST(CloudWatch, SaysWhichPermissionItLacks) {
  const auto l = logs(config("/x/{service.name}", "s"));
  const auto parks = [&](const net::Response& answer) {
    return std::get<Park>(l->prepared(answer, now)).why;
  };
  const auto stream =
      parks(error(400, "AccessDeniedException",
                  "User: x is not authorized to perform: logs:CreateLogStream on y"));
  EXPECT_NE(stream.find(R"("Action":["logs:CreateLogGroup","logs:CreateLogStream"],)"
                        R"("Resource":"arn:aws:logs:eu-west-1:*:log-group:/x/*:*")"),
            std::string::npos)
      << stream;
  EXPECT_NE(parks(no_group).find("the log group isn't there and may not be made"),
            std::string::npos);
  EXPECT_FALSE(parks(error(400, "LimitExceededException", "too many groups")).empty());
  EXPECT_FALSE(parks(error(400, "InvalidParameterException", "odd name")).empty());
  const auto write =
      std::get<Park>(l->judge(error(403, "AccessDeniedException",
                                    "User: x is not authorized to perform: logs:PutLogEvents on y"),
                              Signal::logs, Codec::gzip, now));
  EXPECT_NE(write.why.find("logs:PutLogEvents is not allowed"), std::string::npos) << write.why;
}

TEST(CloudWatch, WaitsAndRefreshesAsTheCodeSays) {
  const auto l = logs();
  EXPECT_TRUE(std::holds_alternative<Retry>(
      l->prepared(error(400, "OperationAbortedException", "another call"), now)));
  EXPECT_TRUE(std::holds_alternative<Retry>(
      l->prepared(error(400, "ThrottlingException", "Rate exceeded"), now)));
  EXPECT_TRUE(std::get<Park>(l->prepared(error(400, "ExpiredTokenException", "expired"), now))
                  .stale_credentials);
  EXPECT_TRUE(std::holds_alternative<Retry>(l->prepared({503, {}, ""}, now)));
}

TEST(CloudWatch, PutsTheCountsOfAPartialSuccessIntoWords) {
  const auto l = logs();
  const auto read = [&](std::string_view message) {
    return std::get<Delivered>(l->judge(
        {200, {}, otlp::partial_success_body(Signal::logs, otlp::Encoding::protobuf, 5, message)},
        Signal::logs, Codec::gzip, now));
  };
  const auto counted =
      read(R"({"tooOldLogEventCount": 3, "tooNewLogEventCount": 1, "expiredLogEventCount": "1"})");
  EXPECT_EQ(counted.rejected, 5);
  EXPECT_EQ(counted.message,
            "3 too old (over 14 days), 1 too new (over 2 hours ahead), 1 older than the group's "
            "retention");
  EXPECT_EQ(read("other words").message, "other words");
  EXPECT_EQ(read(R"({"tooOldLogEventCount": 0})").message, R"({"tooOldLogEventCount": 0})");
}

TEST(CloudWatch, SignsAllThatItSends) {
  Credentials with;
  with.aws = AwsKeys{"AKID", Secret("secret"), Secret("token")};
  const auto l = logs();
  auto made = l->encode({Signal::logs, Codec::gzip, 1, Chain(Slice(std::string("body")))});
  l->sign(made, Signal::logs, with, now);
  const std::string_view authorization = made.secret_headers.back().second.reveal();
  EXPECT_NE(authorization.find("/eu-west-1/logs/aws4_request"), std::string_view::npos);
  EXPECT_NE(authorization.find("SignedHeaders=content-encoding;content-type;host;x-amz-date;"
                               "x-amz-security-token;x-aws-log-group;x-aws-log-stream,"),
            std::string_view::npos)
      << authorization;
}

}  // namespace
}  // namespace forager::destination
