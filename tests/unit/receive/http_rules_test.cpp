#include "receive/http_rules.h"

#include <gtest/gtest.h>

#include "receive/http_reply.h"

namespace forager::receive {
namespace {

constexpr std::size_t limit = 1000;

Head good() {
  Head head;
  head.method = Method::post;
  head.target = "/v1/traces";
  head.media_seen = true;
  head.encoding = otlp::Encoding::protobuf;
  head.length = 10;
  return head;
}

int status_of(const Head& head, const Origins& origins = {}) {
  const auto decision = decide(head, limit, origins);
  const auto* turned = std::get_if<Turned>(&decision);
  return turned == nullptr ? 200 : turned->status;
}
std::string message_for(std::string target) {
  Head head = good();
  head.target = std::move(target);
  const auto decision = decide(head, limit, {});
  const auto* turned = std::get_if<Turned>(&decision);
  return turned == nullptr ? "" : turned->message;
}
bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(Decide, TakesTheThreePathsWithQueryAndInAbsoluteForm) {
  for (const char* target : {"/v1/traces", "/v1/traces?x=1", "http://localhost:4318/v1/traces"}) {
    Head head = good();
    head.target = target;
    EXPECT_EQ(status_of(head), 200) << target;
  }
  Head head = good();
  head.target = "/v1/logs";
  EXPECT_EQ(std::get<Take>(decide(head, limit, {})).signal, Signal::logs);
  head.target = "/v1/metrics";
  EXPECT_EQ(std::get<Take>(decide(head, limit, {})).signal, Signal::metrics);
}

TEST(Decide, NamesTheThreePathsAndGuessesTheMistake) {
  struct Case {
    const char* target;
    const char* hint;
  };
  const Case cases[] = {
      {"/", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"},
      {"/v1/trace", "did you mean /v1/traces?"},
      {"/v1/metric", "did you mean /v1/metrics?"},
      {"/v1/log", "did you mean /v1/logs?"},
      {"/v1/logs/", "did you mean /v1/logs?"},
      {"/v1/traces/v1/traces", "twice"},
      {"/otlp/v1/traces", "own path"},
      {"/opentelemetry.proto.collector.trace.v1.TraceService/Export", "4317"},
      {"/v1development/profiles", "profiles"},
      {"/favicon.ico", ""},
      {"*", ""},
      {"http://localhost:4318", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"},
  };
  for (const Case& c : cases) {
    const std::string message = message_for(c.target);
    EXPECT_TRUE(contains(message, "/v1/traces, /v1/metrics or /v1/logs")) << c.target << message;
    EXPECT_TRUE(contains(message, c.hint)) << c.target << ": " << message;
  }
}

TEST(Decide, KeepsMessagesShortAndPrintable) {
  const std::string message = message_for("/\x01\xff" + std::string(5000, 'a'));
  EXPECT_LT(message.size(), 300U);
  EXPECT_TRUE(contains(message, "/??aaa"));
}

TEST(Decide, RefusesEachThingWithItsOwnStatus) {
  Head head = good();
  head.method = Method::other;
  EXPECT_EQ(status_of(head), 405);
  head = good();
  head.encoding.reset();
  EXPECT_EQ(status_of(head), 415);
  head = good();
  head.coding.reset();
  EXPECT_EQ(status_of(head), 415);
  head = good();
  head.expects_other = true;
  EXPECT_EQ(status_of(head), 417);
  head = good();
  head.transfer_unknown = true;
  EXPECT_EQ(status_of(head), 501);
  head = good();
  head.length.reset();
  EXPECT_EQ(status_of(head), 411);
  head.chunked = true;
  EXPECT_EQ(status_of(head), 200);
  head = good();
  head.length = limit;
  EXPECT_EQ(status_of(head), 200);
  head.length = limit + 1;
  EXPECT_EQ(status_of(head), 413);
}

TEST(Decide, AnswersInTheEncodingOfTheRequestAndElseInJson) {
  Head head = good();
  head.coding.reset();
  EXPECT_EQ(std::get<Turned>(decide(head, limit, {})).encoding, otlp::Encoding::protobuf);
  head = good();
  head.encoding.reset();
  EXPECT_EQ(std::get<Turned>(decide(head, limit, {})).encoding, otlp::Encoding::json);
}

TEST(Decide, AnswersAPreflightOnlyForAnAllowedOrigin) {
  Head head;
  head.method = Method::options;
  head.target = "/v1/traces";
  head.origin = "https://shop.example";
  head.preflight = true;
  EXPECT_EQ(status_of(head), 405);
  EXPECT_EQ(status_of(head, {"https://other.example"}), 405);
  EXPECT_EQ(status_of(head, {"https://other.example", "https://shop.example"}), 204);
  EXPECT_EQ(status_of(head, {"*"}), 204);
  EXPECT_EQ(cors_fields(head, {}), "");
  EXPECT_EQ(cors_fields(head, {"https://other.example"}), "Vary: Origin\r\n");
  EXPECT_EQ(cors_fields(head, {"*"}),
            "Access-Control-Allow-Origin: https://shop.example\r\nVary: Origin\r\n");
}

TEST(EncodingOf, IgnoresCaseBlanksAndParameters) {
  EXPECT_EQ(encoding_of("application/x-protobuf"), otlp::Encoding::protobuf);
  EXPECT_EQ(encoding_of("application/protobuf"), otlp::Encoding::protobuf);
  EXPECT_EQ(encoding_of(" Application/JSON ; charset=utf-8"), otlp::Encoding::json);
  EXPECT_EQ(encoding_of("application/jsonl"), std::nullopt);
  EXPECT_EQ(encoding_of("text/plain"), std::nullopt);
  EXPECT_EQ(encoding_of(""), std::nullopt);
}

TEST(GrowingBody, StopsAtTheLimitAndWithoutRoom) {
  Budget budget(100'000);
  GrowingBody body(50'000, *budget.take(0));
  EXPECT_TRUE(body.append(std::string(20'000, 'a')));
  EXPECT_TRUE(body.append(std::string(20'000, 'b')));
  EXPECT_EQ(body.charge().bytes(), budget.used());
  EXPECT_GE(budget.used(), 40'000U);
  EXPECT_EQ(body.wants(0), 0U);
  EXPECT_FALSE(body.append(std::string(10'001, 'c')));
  EXPECT_EQ(body.stopped(), GrowingBody::Stop::too_large);
  Budget small(30'000);
  GrowingBody starved(50'000, *small.take(0));
  EXPECT_TRUE(starved.append(std::string(16'000, 'a')));
  EXPECT_GT(starved.wants(16'000), small.left());
  EXPECT_FALSE(starved.append(std::string(16'000, 'b')));
  EXPECT_EQ(starved.stopped(), GrowingBody::Stop::no_room);
}

TEST(Render, WritesStatusFieldsAndBody) {
  Reply reply;
  reply.status = 429;
  reply.content_type = "application/json";
  reply.retry_after = std::chrono::seconds(9);
  reply.keep = Keep::close;
  EXPECT_EQ(
      render(reply, "{}"),
      "HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
      "Retry-After: 9\r\nConnection: close\r\n\r\n{}");
}

TEST(Render, HasFullSuccessReadyInBothEncodings) {
  EXPECT_EQ(success_reply(otlp::Encoding::protobuf, Keep::implied),
            "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(success_reply(otlp::Encoding::json, Keep::close),
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: "
            "close\r\n\r\n{}");
}

}  // namespace
}  // namespace forager::receive
