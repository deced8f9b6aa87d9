#include "destination/xray.h"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "destination/xray_segments.h"
#include "otlp/reply.h"
#include "support/otlp_builder.h"

namespace forager::destination {
namespace {

using namespace std::chrono_literals;
using test::wire_bytes;
using test::wire_fixed64;

constexpr WallTime now = std::chrono::sys_days(std::chrono::year(2026) / 11 / 24) + 12h;

XRayDestination xray(std::string prefix = "") {
  XRayConfig config;
  config.at = {"eu-west-1", "xray.eu-west-1.amazonaws.com", std::move(prefix)};
  return XRayDestination(config);
}

std::uint64_t at(std::chrono::nanoseconds from_now) {
  return unix_nanos(now) + static_cast<std::uint64_t>(from_now.count());
}

std::string span(std::chrono::nanoseconds start, std::chrono::nanoseconds lasting = 1s,
                 std::size_t bytes = 0) {
  return wire_bytes(1, "0123456789abcdef") + wire_bytes(2, "01234567") +
         wire_fixed64(7, at(start)) + wire_fixed64(8, at(start + lasting)) +
         wire_bytes(9, test::wire_attribute("k", std::string(bytes, 'v')));
}

std::string scope(const std::vector<std::string>& spans, std::string_view name = "scope") {
  std::string made = wire_bytes(1, wire_bytes(1, name));
  for (const auto& one : spans) made += wire_bytes(2, one);
  return made;
}

std::string resource(const std::vector<std::string>& scopes, std::size_t bytes = 10) {
  const auto attribute = test::wire_attribute("service.name", std::string(bytes, 's'));
  std::string made = wire_bytes(1, wire_bytes(1, attribute));
  for (const auto& one : scopes) made += wire_bytes(2, one);
  return made;
}

std::string request(const std::vector<std::string>& resources) {
  std::string made;
  for (const auto& one : resources) made += wire_bytes(1, one);
  return made;
}

std::string one_scope(const std::vector<std::string>& spans) {
  return request({resource({scope(spans)})});
}

/// "send[0,3) outside_window[3,4)".
std::string shown(const std::vector<Stretch>& stretches) {
  std::string text;
  for (const auto& s : stretches) {
    text += fmt::format("{}{}[{},{})", text.empty() ? "" : " ",
                        s.fate == Stretch::Fate::send ? "send" : ledger::facts(s.reason).label,
                        s.first, s.last);
  }
  return text;
}

std::vector<Stretch> look(std::string_view body) {
  return XRayScreen().look(Signal::traces, body, now);
}

TEST(XRayScreen, SendsAnOrdinaryRecordAsOneStretchWithItsTimes) {
  const auto seen =
      look(request({resource({scope({span(-3s), span(-1h, 30min)}), scope({span(-2s)})}),
                    resource({scope({}), scope({span(-1s, 2s)})})}));
  ASSERT_EQ(shown(seen), "send[0,4)");
  EXPECT_EQ(seen[0].oldest, static_cast<std::int64_t>(at(-1h)));
  EXPECT_EQ(seen[0].newest, static_cast<std::int64_t>(at(1s)));
  EXPECT_EQ(seen[0].lane, "");
  EXPECT_EQ(shown(look("")), "");
}

TEST(XRayScreen, HoldsBackSpansOutsideOfTheWindowAndSaysWhy) {
  const auto seen =
      look(one_scope({span(-1s), span(-14 * 24h), span(-20 * 24h), span(3h), span(-1s)}));
  ASSERT_EQ(shown(seen), "send[0,1) outside_window[1,3) outside_window[3,4) send[4,5)");
  EXPECT_EQ(seen[1].why,
            "the time of the span is 2026-11-10T12:00:00.000Z: AWS takes nothing older than 14 "
            "days");
  EXPECT_EQ(seen[2].why,
            "the time of the span is 2026-11-24T15:00:01.000Z: AWS takes nothing over 2 hours "
            "ahead");
}

TEST(XRayScreen, LeavesAMarginForTheTimeBetweenLookAndRequest) {
  const XRayScreen screen;
  const auto fate = [](std::chrono::nanoseconds start) {
    return look(one_scope({span(start, 0s)})).at(0).fate;
  };
  const auto old = -14 * 24h + screen.good_for() + 5min;
  EXPECT_EQ(fate(old), Stretch::Fate::send);
  EXPECT_EQ(fate(old - 1ns), Stretch::Fate::quarantine);
  EXPECT_EQ(fate(2h - 5min), Stretch::Fate::send);
  EXPECT_EQ(fate(2h - 5min + 1ns), Stretch::Fate::quarantine);
  EXPECT_GE(screen.good_for(), 5min);
}

TEST(XRayScreen, HoldsBackASpanWithoutATime) {
  const std::string bare = wire_bytes(1, "0123456789abcdef") + wire_fixed64(7, at(-1s));
  const auto seen = look(one_scope({bare, wire_bytes(5, "name")}));
  ASSERT_EQ(shown(seen), "outside_window[0,2)");
  EXPECT_EQ(seen[0].why, "the span has no time: AWS takes nothing older than 14 days");
}

TEST(XRayScreen, ReadsTheLastOfRepeatedTimesAndSwappedOnes) {
  const auto repeated =
      wire_fixed64(7, 1) + wire_fixed64(8, 1) + span(-1s) + wire_fixed64(7, at(-5s));
  const auto seen = look(one_scope({repeated, span(-2s, -9s)}));
  ASSERT_EQ(shown(seen), "send[0,2)");
  EXPECT_EQ(seen[0].oldest, static_cast<std::int64_t>(at(-11s)));
}

TEST(XRayScreen, MeasuresASpanAloneAndAnEnvelopeAlone) {
  const std::size_t frame = span(-1s, 1s, 150'000).size() - 150'000;
  const auto of_bytes = [&](std::size_t bytes) { return span(-1s, 1s, bytes - frame); };
  ASSERT_EQ(of_bytes(200'000).size(), 200'000U);
  const auto seen = look(one_scope({of_bytes(200'000), of_bytes(200'001)}));
  ASSERT_EQ(shown(seen), "send[0,1) over_item_limit[1,2)");
  EXPECT_EQ(seen[1].why, "the span has 200001 bytes, over the 200000 that X-Ray takes");

  const auto enveloped = look(request({
      resource({scope({span(-1s)})}, 15'900),
      resource({scope({span(-1s), span(-1s)})}, 16'100),
      resource({scope({span(-1s)}, std::string(16'100, 'n')), scope({span(-1s)})}),
  }));
  ASSERT_EQ(shown(enveloped), "send[0,1) over_envelope_limit[1,4) send[4,5)");
  EXPECT_NE(enveloped[1].why.find("its resource has 161"), std::string::npos) << enveloped[1].why;
}

TEST(XRayScreen, CountsAnEnvelopeThatComesAfterItsItems) {
  const std::string large = wire_bytes(1, wire_bytes(1, std::string(17'000, 'n')));
  EXPECT_EQ(shown(look(request({wire_bytes(2, scope({span(-1s)})) + large}))),
            "over_envelope_limit[0,1)");
  EXPECT_EQ(shown(look(request({wire_bytes(2, wire_bytes(2, span(-1s)) + large)}))),
            "over_envelope_limit[0,1)");
}

TEST(XRayScreen, HoldsBackTheItemThatAnEmptyEnvelopeOverTheLimitGoesWith) {
  const auto huge = resource({}, 17'000);
  const auto one = resource({scope({span(-1s)})});
  const auto huge_scope = scope({}, std::string(17'000, 'n'));
  EXPECT_EQ(shown(look(request({one, huge, one, one}))),
            "send[0,1) over_envelope_limit[1,2) send[2,3)");
  EXPECT_EQ(shown(look(request({one, one, huge}))), "send[0,1) over_envelope_limit[1,2)");
  EXPECT_EQ(shown(look(request({one, resource({huge_scope, scope({span(-1s)})}), one}))),
            "send[0,1) over_envelope_limit[1,2) send[2,3)");
  EXPECT_EQ(shown(look(request({resource({scope({span(-1s), span(-2s)}), huge_scope}), one}))),
            "send[0,1) over_envelope_limit[1,2) send[2,3)");
  EXPECT_EQ(shown(look(request({resource({huge_scope}), one}))), "over_envelope_limit[0,1)");
  EXPECT_EQ(shown(look(request({huge}))), "");
}

TEST(XRayScreen, BeginsANewStretchWhereTimesAreOverADayApart) {
  const auto seen = look(one_scope({span(-30h), span(-10h), span(-1s), span(-2s), span(-26h)}));
  ASSERT_EQ(shown(seen), "send[0,2) send[2,4) send[4,5)");
  for (const auto& s : seen) {
    EXPECT_LE(s.newest - s.oldest, std::chrono::nanoseconds(24h).count());
  }
  const auto longest = look(one_scope({span(-25h, 25h), span(-24h, 24h)}));
  ASSERT_EQ(shown(longest), "outside_window[0,1) send[1,2)");
  EXPECT_NE(longest[0].why.find("lasts 25 hours"), std::string::npos);
}

TEST(XRayScreen, SendsAllSegments) {
  const auto seen =
      XRayScreen().look(Signal::segments, wire_bytes(1, "{}") + wire_bytes(1, "{}"), now);
  EXPECT_EQ(shown(seen), "send[0,2)");
}

TEST(XRay, KeepsToTheLimitsOfTheEndpoint) {
  const auto x = xray();
  EXPECT_EQ(x.limits(Signal::traces).request_bytes, 5'000'000U);
  EXPECT_EQ(x.limits(Signal::traces).request_items, 10'000U);
  EXPECT_EQ(x.limits(Signal::traces).spread, 24h);
  EXPECT_EQ(x.limits(Signal::segments).request_items, 50U);
  EXPECT_FALSE(x.takes_codec(Signal::traces, Codec::zstd));
  EXPECT_TRUE(x.takes_codec(Signal::traces, Codec::gzip));
  EXPECT_FALSE(x.takes_codec(Signal::segments, Codec::gzip));
  EXPECT_TRUE(x.takes(Signal::traces) && x.takes(Signal::segments));
  EXPECT_FALSE(x.takes(Signal::logs) || x.takes(Signal::metrics));
  EXPECT_NE(x.make_screen(), nullptr);
}

TEST(XRay, SignsTheRequestThatItMade) {
  const auto x = xray("/vpc/");
  Credentials with;
  with.aws = AwsKeys{"AKID", Secret("secret"), Secret()};
  auto made = x.encode({Signal::traces, Codec::gzip, 1, Chain(Slice(std::string("body")))});
  EXPECT_EQ(made.target, "/vpc/v1/traces");
  x.sign(made, Signal::traces, with, now);
  ASSERT_EQ(made.secret_headers.size(), 1U);
  const std::string_view authorization = made.secret_headers[0].second.reveal();
  EXPECT_NE(authorization.find("Credential=AKID/20261124/eu-west-1/xray/aws4_request"),
            std::string_view::npos);
  EXPECT_NE(authorization.find("SignedHeaders=content-encoding;content-type;host;x-amz-date,"),
            std::string_view::npos);
}

net::Response status(int code, std::string_view words, std::vector<net::Header> headers = {}) {
  headers.push_back({"Content-Type", "application/x-protobuf"});
  return {code, std::move(headers),
          otlp::status_body(otlp::Encoding::protobuf, 3, words, std::nullopt)};
}

Verdict verdict(const net::Response& response, Signal signal = Signal::traces) {
  return xray().judge(response, signal, Codec::gzip, now);
}

TEST(XRay, ExplainsHowTransactionSearchIsTurnedOn) {
  const auto answer = status(
      400,
      "The OTLP API is supported with CloudWatch Logs as a Trace Segment Destination. Please ...");
  const std::string why = std::get<Park>(verdict(answer)).why;
  for (const std::string_view part :
       {"Transaction Search is off in eu-west-1", "aws logs put-resource-policy --region eu-west-1",
        R"("arn:aws:logs:eu-west-1:*:log-group:aws/spans:*")",
        "aws xray update-trace-segment-destination --region eu-west-1 --destination "
        "CloudWatchLogs"}) {
    EXPECT_NE(why.find(part), std::string::npos) << why;
  }
}

TEST(XRay, TellsTheKindsOfRefusalApart) {
  const auto stale =
      std::get<Park>(verdict(status(403, "The security token included in the request is expired")));
  EXPECT_TRUE(stale.stale_credentials);
  const auto denied = std::get<Park>(
      verdict(status(403,
                     "User: arn:aws:iam::1:user/x is not authorized to perform: xray:PutSpans on "
                     "resource: *")));
  EXPECT_FALSE(denied.stale_credentials);
  EXPECT_NE(denied.why.find("xray:PutSpans is not allowed: add to the role's policy "
                            "{\"Effect\":\"Allow\""),
            std::string::npos)
      << denied.why;
  const auto skewed = verdict(status(403, "Signature expired: x is now earlier than y",
                                     {{"Date", "Tue, 24 Nov 2026 12:20:00 GMT"}}));
  EXPECT_NE(std::get<Retry>(skewed).why.find("it is 2026-11-24T12:20:00.000Z there"),
            std::string::npos);
  EXPECT_TRUE(std::holds_alternative<Park>(
      verdict(status(403, "Signature expired: no Date to learn from"))));
  EXPECT_TRUE(std::holds_alternative<Park>(verdict(status(403, "anything else"))));
}

TEST(XRay, FollowsTheSharedTableForTheRest) {
  EXPECT_TRUE(std::holds_alternative<TakeApart>(verdict(status(400, "span 3 is wrong"))));
  EXPECT_TRUE(std::get<TakeApart>(verdict(status(413, "large"))).too_large);
  const auto throttled =
      std::get<Retry>(verdict(status(429, "Rate exceeded", {{"Retry-After", "7"}})));
  EXPECT_EQ(throttled.after, Duration(7s));
  EXPECT_TRUE(std::holds_alternative<Retry>(verdict(status(503, "busy"))));
  EXPECT_TRUE(std::get<Retry>(verdict(status(500, "oops"))).server_error);
  const auto partial = std::get<Delivered>(verdict(
      {200, {}, otlp::partial_success_body(Signal::traces, otlp::Encoding::protobuf, 3, "no")}));
  EXPECT_EQ(partial.rejected, 3);
}

TEST(XRaySegments, BecomeOneCallWithTheDocumentsAsText) {
  Chain body;
  body.push_back(Slice(wire_bytes(1, R"({"name":"a\n"})") + wire_bytes(1, "{}")));
  body.push_back(Slice(wire_bytes(1, "\"\xC3\xA9\x01")));
  const auto made = xray().encode({Signal::segments, Codec::none, 3, body});
  EXPECT_EQ(made.target, "/TraceSegments");
  EXPECT_EQ(made.body.joined(),
            "{\"TraceSegmentDocuments\":[\"{\\\"name\\\":\\\"a\\\\n\\\"}\",\"{}\","
            "\"\\\"\xC3\xA9\\u0001\"]}");
  EXPECT_EQ(segments_request(Chain(), "/p/").body.joined(), R"({"TraceSegmentDocuments":[]})");
  EXPECT_EQ(segments_request(Chain(), "/p/").target, "/p/TraceSegments");
}

TEST(XRaySegments, BooksTheUnprocessedOnesAsRejectedWithTheWordsOfEachCode) {
  const auto of = [](std::string body) {
    return std::get<Delivered>(verdict({200, {}, std::move(body)}, Signal::segments));
  };
  EXPECT_EQ(of(R"({"UnprocessedTraceSegments":[]})").rejected, 0);
  EXPECT_EQ(of(R"({"UnprocessedTraceSegments":[]})").message, "");
  const auto some =
      of(R"({"Other":[1,{"a":2}],"UnprocessedTraceSegments":[)"
         R"({"Id":"1","ErrorCode":"ParseError","Message":"bad"},)"
         R"({"Id":null,"ErrorCode":"MissingId","Message":null},{"ErrorCode":"ParseError"},{}]})");
  EXPECT_EQ(some.rejected, 4);
  EXPECT_EQ(some.message, "1 MissingId; 2 ParseError: bad; 1 no code");
  const auto odd = of("<html>");
  EXPECT_EQ(odd.rejected, 0);
  EXPECT_FALSE(odd.message.empty());
}

TEST(XRaySegments, ParkOrWaitAsSpansDo) {
  const auto throttled =
      verdict({429, {{"Content-Type", "application/json"}}, R"({"__type":"ThrottledException"})"},
              Signal::segments);
  EXPECT_TRUE(std::holds_alternative<Retry>(throttled));
  const auto bad = verdict({400, {}, R"({"__type":"InvalidRequestException","message":"no"})"},
                           Signal::segments);
  EXPECT_EQ(std::get<TakeApart>(bad).why,
            "xray.eu-west-1.amazonaws.com answered 400: InvalidRequestException: no");
}

}  // namespace
}  // namespace forager::destination
