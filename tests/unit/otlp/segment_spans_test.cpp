#include "otlp/segment_spans.h"

#include <map>
#include <optional>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "opentelemetry/proto/collector/trace/v1/trace_service.pb.h"
#include "otlp/segment_parts.h"
#include "otlp/walk.h"

namespace forager::otlp {
namespace {

namespace pb = opentelemetry::proto;
using Request = pb::collector::trace::v1::ExportTraceServiceRequest;
using pb::trace::v1::Span;
using testing::ElementsAre;

/// An attribute as text, whatever its kind.
std::string shown(const pb::common::v1::AnyValue& value) {
  switch (value.value_case()) {
    case pb::common::v1::AnyValue::kStringValue:
      return value.string_value();
    case pb::common::v1::AnyValue::kBoolValue:
      return value.bool_value() ? "true" : "false";
    case pb::common::v1::AnyValue::kIntValue:
      return "int " + std::to_string(value.int_value());
    case pb::common::v1::AnyValue::kDoubleValue:
      return "double " + std::to_string(value.double_value());
    case pb::common::v1::AnyValue::kArrayValue: {
      std::string all;
      for (const auto& one : value.array_value().values()) all += shown(one) + ",";
      return all;
    }
    default:
      return "nothing";
  }
}

template <class List>
std::map<std::string, std::string> shown_all(const List& attributes) {
  std::map<std::string, std::string> all;
  for (const auto& one : attributes) {
    EXPECT_TRUE(all.emplace(one.key(), shown(one.value())).second) << "twice: " << one.key();
  }
  return all;
}

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    text += digits[static_cast<unsigned char>(c) >> 4U];
    text += digits[static_cast<unsigned char>(c) & 15U];
  }
  return text;
}

struct Made {
  SegmentSpans counts;
  Request request;
  std::vector<Span> spans;
  std::map<std::string, std::string> resource;
};

Made made_of(std::string_view document) {
  Made made;
  std::string body;
  made.counts = append_segment_spans(document, body);
  const auto shape = walk(Signal::traces, body);
  EXPECT_TRUE(shape) << shape.error().what;
  EXPECT_EQ(shape->items, made.counts.spans);
  EXPECT_EQ(shape->repaired, 0U) << "text is UTF-8 already";
  EXPECT_TRUE(made.request.ParseFromString(body));
  for (const auto& resource : made.request.resource_spans()) {
    made.resource = shown_all(resource.resource().attributes());
    for (const auto& scope : resource.scope_spans())
      made.spans.insert(made.spans.end(), scope.spans().begin(), scope.spans().end());
  }
  return made;
}

/// The example of AWS's documentation, with what a web framework of an SDK adds.
constexpr std::string_view web = R"({
  "name": "Scorekeep", "id": "1311fb11a81e2ae8", "trace_id": "1-5880168b-fd5158284b67678a3bb5a78c",
  "start_time": 1484789387.126, "end_time": 1484789387.535, "parent_id": "0b1e1bdb0b1e1bdb",
  "http": {"request": {"method": "POST", "url": "http://user:pw@scorekeep.example:5000/api?a=1#x",
                       "client_ip": "203.0.113.9", "x_forwarded_for": true, "user_agent": "curl/8"},
           "response": {"status": 200, "content_length": "512"}},
  "aws": {"account_id": "123456789012", "ec2": {"instance_id": "i-1", "availability_zone": "us-east-2b"},
          "ecs": {"container": "app"}, "region": "us-east-2",
          "xray": {"sdk": "X-Ray for Python", "sdk_version": "2.15.0", "sampling_rule_name": "Default"},
          "cloudwatch_logs": [{"log_group": "g", "arn": "a"}, {"log_group": "h"}]},
  "service": {"version": "scorekeep-202", "runtime": "CPython", "runtime_version": "3.11"},
  "user": "5M388M1E", "origin": "AWS::ECS::Container",
  "annotations": {"game": "chess", "players": 2, "rated": true, "score": 1.5},
  "metadata": {"default": {"board": {"rows": [8, 8]}, "note": "hi"}, "debug": {"on": true}},
  "subsegments": [
    {"name": "DynamoDB", "id": "53995c3f42cd8ad8", "start_time": 1484789387.2, "end_time": 1484789387.3,
     "namespace": "aws",
     "aws": {"operation": "UpdateItem", "region": "us-west-2", "request_id": "R1", "table_name": "games"},
     "http": {"response": {"status": 200}},
     "subsegments": [{"name": "inner", "id": "53995c3f42cd8ad9", "start_time": 1484789387.25,
                      "end_time": 1484789387.26, "precursor_ids": ["53995c3f42cd8ad8"]}]},
    {"name": "orders@db.example", "id": "53995c3f42cd8ada", "start_time": 1484789387.3,
     "end_time": 1484789387.4, "namespace": "remote",
     "sql": {"url": "postgresql://me:secret@db.example:5432/orders", "database_type": "Postgres",
             "sanitized_query": "SELECT ?", "user": "me", "driver_version": "psycopg2 2.9"}}]
})";

TEST(SegmentSpans, KeepIdsParentsAndTimesExactly) {
  const Made made = made_of(web);
  EXPECT_EQ(made.counts.spans, 4U);
  EXPECT_EQ(made.counts.in_progress + made.counts.unreadable, 0U);
  ASSERT_EQ(made.spans.size(), 4U);
  for (const Span& span : made.spans)
    EXPECT_EQ(hex(span.trace_id()), "5880168bfd5158284b67678a3bb5a78c");
  const Span& segment = made.spans[0];
  EXPECT_EQ(segment.name(), "Scorekeep");
  EXPECT_EQ(hex(segment.span_id()), "1311fb11a81e2ae8");
  EXPECT_EQ(hex(segment.parent_span_id()), "0b1e1bdb0b1e1bdb");
  EXPECT_EQ(segment.kind(), Span::SPAN_KIND_SERVER);
  EXPECT_EQ(segment.start_time_unix_nano(), 1'484'789'387'126'000'000U);
  EXPECT_EQ(segment.end_time_unix_nano(), 1'484'789'387'535'000'000U);
  EXPECT_EQ(segment.flags(), 0x301U) << "its parent is in another process";
  EXPECT_EQ(made.spans[1].kind(), Span::SPAN_KIND_CLIENT);
  EXPECT_EQ(made.spans[1].parent_span_id(), segment.span_id());
  EXPECT_EQ(made.spans[1].flags(), 0x101U);
  EXPECT_EQ(made.spans[2].name(), "inner");
  EXPECT_EQ(made.spans[2].kind(), Span::SPAN_KIND_INTERNAL);
  EXPECT_EQ(made.spans[2].parent_span_id(), made.spans[1].span_id());
  ASSERT_EQ(made.spans[2].links_size(), 1);
  EXPECT_EQ(made.spans[2].links(0).span_id(), made.spans[1].span_id());
  EXPECT_EQ(made.spans[2].links(0).trace_id(), segment.trace_id());
  EXPECT_EQ(made.spans[3].parent_span_id(), segment.span_id());
}

TEST(SegmentSpans, SayWhatTheConventionsHaveNamesFor) {
  const Made made = made_of(web);
  const std::map<std::string, std::string> resource{{"service.name", "Scorekeep"},
                                                    {"service.version", "scorekeep-202"},
                                                    {"process.runtime.name", "CPython"},
                                                    {"process.runtime.version", "3.11"},
                                                    {"cloud.provider", "aws"},
                                                    {"cloud.platform", "aws_ecs"},
                                                    {"cloud.account.id", "123456789012"},
                                                    {"cloud.region", "us-east-2"},
                                                    {"cloud.availability_zone", "us-east-2b"},
                                                    {"container.name", "app"},
                                                    {"host.id", "i-1"},
                                                    {"telemetry.sdk.name", "X-Ray for Python"},
                                                    {"telemetry.sdk.version", "2.15.0"},
                                                    {"telemetry.sdk.language", "python"},
                                                    {"aws.log.group.names", "g,h,"},
                                                    {"aws.log.group.arns", "a,"}};
  EXPECT_EQ(made.resource, resource);
  const std::map<std::string, std::string> segment{
      {"http.request.method", "POST"},
      {"url.full", "http://scorekeep.example:5000/api?a=1#x"},
      {"url.scheme", "http"},
      {"url.path", "/api"},
      {"url.query", "a=1"},
      {"server.address", "scorekeep.example"},
      {"server.port", "int 5000"},
      {"user_agent.original", "curl/8"},
      {"client.address", "203.0.113.9"},
      {"aws.xray.x_forwarded_for", "true"},
      {"http.response.status_code", "int 200"},
      {"http.response.body.size", "int 512"},
      {"aws.xray.sampling_rule", "Default"},
      {"enduser.id", "5M388M1E"},
      {"game", "chess"},
      {"players", "int 2"},
      {"rated", "true"},
      {"score", "double 1.500000"},
      {"aws.xray.metadata.default.board", R"({"rows": [8, 8]})"},
      {"aws.xray.metadata.default.note", "hi"},
      {"aws.xray.metadata.debug.on", "true"}};
  EXPECT_EQ(shown_all(made.spans[0].attributes()), segment);
  const std::map<std::string, std::string> call{{"rpc.system", "aws-api"},
                                                {"rpc.service", "DynamoDB"},
                                                {"rpc.method", "UpdateItem"},
                                                {"cloud.region", "us-west-2"},
                                                {"aws.request_id", "R1"},
                                                {"aws.table_name", "games"},
                                                {"http.response.status_code", "int 200"}};
  EXPECT_EQ(shown_all(made.spans[1].attributes()), call);
  const std::map<std::string, std::string> query{{"db.system.name", "postgresql"},
                                                 {"db.query.text", "SELECT ?"},
                                                 {"server.address", "db.example"},
                                                 {"server.port", "int 5432"},
                                                 {"db.namespace", "orders"},
                                                 {"db.user", "me"},
                                                 {"aws.xray.sql.driver_version", "psycopg2 2.9"}};
  EXPECT_EQ(shown_all(made.spans[3].attributes()), query);
}

std::string segment_with(std::string_view fields, std::string_view end = R"("end_time":2)") {
  return R"({"trace_id":"1-5880168b-fd5158284b67678a3bb5a78c","id":"1311fb11a81e2ae8","name":"n",)"
         R"("start_time":1,)" +
         std::string(end) + std::string(fields) + "}";
}

std::string python_with(std::string_view fields) {
  return segment_with(R"(,"aws":{"xray":{"sdk":"X-Ray for Python"}})" + std::string(fields));
}

TEST(SegmentSpans, MakeFailuresAStatusAndExceptionsEvents) {
  const Made made = made_of(python_with(
      R"(,"fault":true,"error":true,"http":{"response":{"status":500}},)"
      R"("cause":{"working_directory":"/app","exceptions":[{"id":"a1","type":"KeyError",)"
      R"("message":"no such","remote":true,"cause":"b2",)"
      R"("stack":[{"path":"app.py","line":10,"label":"main"},{"path":"cart.py","line":7,"label":"add"}]},)"
      R"({"id":"b2","type":"OSError","message":"gone","stack":[{"path":"io.py","line":1,"label":"read"}]}]})"));
  ASSERT_EQ(made.spans.size(), 1U);
  const Span& span = made.spans[0];
  EXPECT_EQ(span.status().code(), pb::trace::v1::Status::STATUS_CODE_ERROR);
  EXPECT_EQ(span.status().message(), "no such");
  const auto attributes = shown_all(span.attributes());
  EXPECT_EQ(attributes.at("error.type"), "KeyError");
  EXPECT_EQ(attributes.at("aws.xray.fault"), "true");
  EXPECT_FALSE(attributes.contains("aws.xray.throttle"));
  ASSERT_EQ(span.events_size(), 1) << "a cause is told with what it caused";
  EXPECT_EQ(span.events(0).name(), "exception");
  EXPECT_EQ(span.events(0).time_unix_nano(), 2'000'000'000U);
  const std::map<std::string, std::string> event{
      {"exception.type", "KeyError"},
      {"exception.message", "no such"},
      {"aws.xray.exception.remote", "true"},
      {"exception.stacktrace",
       "Traceback (most recent call last):\n"
       "  File \"io.py\", line 1, in read\n"
       "OSError: gone\n"
       "\nThe above exception was the direct cause of the following exception:\n\n"
       "Traceback (most recent call last):\n"
       "  File \"app.py\", line 10, in main\n"
       "  File \"cart.py\", line 7, in add\n"
       "KeyError: no such\n"}};
  EXPECT_EQ(shown_all(span.events(0).attributes()), event);
}

TEST(SegmentSpans, NameAFailureWithoutAnExceptionByWhatThereIs) {
  const auto type_of = [](const std::string& fields) {
    const Made made = made_of(segment_with(fields));
    const auto attributes = shown_all(made.spans.at(0).attributes());
    const auto found = attributes.find("error.type");
    const bool failed = made.spans[0].status().code() == pb::trace::v1::Status::STATUS_CODE_ERROR;
    EXPECT_EQ(failed, found != attributes.end());
    return found == attributes.end() ? std::string("-") : found->second;
  };
  EXPECT_EQ(type_of(R"(,"error":true,"http":{"response":{"status":404}})"), "404");
  EXPECT_EQ(type_of(R"(,"fault":true)"), "fault");
  EXPECT_EQ(type_of(R"(,"throttle":true,"error":true)"), "throttle");
  EXPECT_EQ(type_of(R"(,"error":false,"http":{"response":{"status":404}})"), "-");
  EXPECT_EQ(type_of(R"(,"cause":"a1b2c3d4a1b2c3d4","error":true)"), "error");
}

std::string stack_of(std::string_view sdk, std::string_view path) {
  const Made made = made_of(segment_with(
      R"(,"fault":true,"aws":{"xray":{"sdk":")" + std::string(sdk) +
      R"("}},"cause":{"exceptions":[{"id":"a","type":"T","message":"m","truncated":3,"stack":[{"path":")" +
      std::string(path) + R"(","line":7,"label":"f"}]}]})"));
  return shown_all(made.spans.at(0).events(0).attributes()).at("exception.stacktrace");
}

TEST(SegmentSpans, WriteStacksAsTheLanguageDoes) {
  EXPECT_EQ(stack_of("X-Ray for Java", "A.java"), "T: m\n\tat f(A.java:7)\n\t... 3 more\n");
  EXPECT_EQ(stack_of("X-Ray for Node.js", "/a.js"), "T: m\n    at f (/a.js:7)\n");
  EXPECT_EQ(stack_of("X-Ray for .NET Core", "a.cs"), "T: m\n   at f in a.cs:line 7\n");
  EXPECT_EQ(stack_of("X-Ray for Ruby", "a.rb"), "T: m\na.rb:7:in `f'\n");
  EXPECT_EQ(stack_of("X-Ray for Go", "a.go"), "T: m\n\ngoroutine 1 [running]:\nf(...)\n\ta.go:7\n");
  // a streamed subsegment doesn't say which SDK wrote it
  EXPECT_EQ(stack_of("", "a.py"),
            "Traceback (most recent call last):\n  File \"a.py\", line 7, in f\nT: m\n");
  EXPECT_EQ(stack_of("", "who.knows"), "T: m\n    at f (who.knows:7)\n");
}

TEST(SegmentSpans, LeaveOutWhatIsStillUnderWay) {
  const Made whole = made_of(segment_with("", R"("in_progress":true)"));
  EXPECT_EQ(whole.counts.spans, 0U);
  EXPECT_EQ(whole.counts.in_progress, 1U);
  EXPECT_EQ(whole.request.resource_spans_size(), 0) << "and then nothing at all is written";
  const Made part = made_of(segment_with(
      R"(,"subsegments":[{"id":"00000000000000a1","name":"slow","start_time":1,"in_progress":true,)"
      R"("subsegments":[{"id":"00000000000000a2","name":"done","start_time":1,"end_time":2}]}])"));
  EXPECT_EQ(part.counts.spans, 2U);
  EXPECT_EQ(part.counts.in_progress, 1U);
  EXPECT_EQ(hex(part.spans.at(1).parent_span_id()), "00000000000000a1") << "which comes later";
}

TEST(SegmentSpans, TakeASubsegmentThatComesByItself) {
  const Made made = made_of(
      segment_with(R"(,"type":"subsegment","parent_id":"00000000000000a1","namespace":"remote",)"
                   R"("aws":{"region":"eu-west-1"})"));
  ASSERT_EQ(made.spans.size(), 1U);
  EXPECT_EQ(made.spans[0].kind(), Span::SPAN_KIND_CLIENT);
  EXPECT_EQ(hex(made.spans[0].parent_span_id()), "00000000000000a1");
  EXPECT_EQ(made.spans[0].flags(), 0x101U);
  EXPECT_FALSE(made.resource.contains("service.name")) << "its name is not that of the service";
  EXPECT_EQ(shown_all(made.spans[0].attributes()).at("cloud.region"), "eu-west-1");
}

TEST(SegmentSpans, CountWhatCanNotBeRead) {
  for (
      const std::string_view bad :
      {"", "{", "[]", "null", R"("text")", R"({"name":"no trace"})",
       R"({"trace_id":"1-5880168b-fd5158284b67678a3bb5a78"})",
       R"({"trace_id":"1-00000000-000000000000000000000000","id":"1311fb11a81e2ae8","start_time":1,"end_time":2})",
       R"({"trace_id":"1-5880168b-fd5158284b67678a3bb5a78c","id":"1311fb11a81e2ae","start_time":1,"end_time":2})",
       R"({"trace_id":"1-5880168b-fd5158284b67678a3bb5a78c","id":"1311fb11a81e2ae8","start_time":"x","end_time":2})",
       R"({"trace_id":"1-5880168b-fd5158284b67678a3bb5a78c","id":"1311fb11a81e2ae8","start_time":-1,"end_time":2})",
       R"({"trace_id":"1-5880168b-fd5158284b67678a3bb5a78c","id":"1311fb11a81e2ae8","start_time":1,"end_time":1e99})"}) {
    const Made made = made_of(bad);
    EXPECT_EQ(made.counts.unreadable, 1U) << bad;
    EXPECT_EQ(made.request.resource_spans_size(), 0) << bad;
  }
  std::string deep;
  for (int i = 0; i < 5000; ++i) deep += R"({"subsegments":[)";
  EXPECT_EQ(made_of(deep).counts.unreadable, 1U);
  std::string chain = "{}";
  for (int i = 0; i < 120; ++i) {
    chain = R"({"id":"00000000000000a1","name":"n","start_time":1,"end_time":2,"subsegments":[)" +
            chain + "]}";
  }
  EXPECT_EQ(made_of(segment_with(R"(,"subsegments":[)" + chain + "]")).counts.spans, 121U);
}

TEST(SegmentSpans, SurviveExceptionsThatCauseOneAnother) {
  const Made made = made_of(python_with(
      R"(,"fault":true,"cause":{"exceptions":[)"
      R"({"id":"a","type":"A","cause":"a","stack":[{"path":"a.py","line":1,"label":"a"}]},)"
      R"({"id":"b","type":"B","cause":"c"},{"id":"c","type":"C","cause":"b"}]})"));
  ASSERT_EQ(made.spans.size(), 1U);
  EXPECT_EQ(made.spans[0].events_size(), 1);
  EXPECT_LT(made.spans[0].ByteSizeLong(), 4096U);
}

/// One datagram is at most 64 KiB, and must not become a hundred megabytes.
TEST(SegmentSpans, StayNearTheSizeOfTheirDocument) {
  constexpr std::size_t most = 64;
  std::string frames = "{}";
  for (int i = 0; i < 10'000; ++i) frames += ",{}";
  std::string causes = R"({"id":"x","cause":"x","stack":[)" + frames + "]}";
  for (int i = 0; i < 64; ++i) causes += R"(,{"cause":"x"})";
  const std::string stacks =
      python_with(R"(,"fault":true,"cause":{"exceptions":[)" + causes + "]}");
  std::string members = R"("":0)";
  for (int i = 0; i < 5'000; ++i) members += R"(,"":0)";
  const std::string names =
      segment_with(R"(,"metadata":{")" + std::string(30'000, 'n') + R"(":{)" + members + "}}");
  for (const std::string& document : {stacks, names}) {
    std::string request;
    EXPECT_EQ(append_segment_spans(document, request).spans, 1U);
    EXPECT_LT(request.size(), most * document.size());
  }
}

TEST(SegmentTimes, AreExactToTheNanosecond) {
  using segments::nanos_of;
  using Nanos = std::optional<std::uint64_t>;
  EXPECT_EQ(nanos_of("1700000000.1234567"), Nanos(1'700'000'000'123'456'700));
  EXPECT_EQ(nanos_of("1.478293361271E9"), Nanos(1'478'293'361'271'000'000));
  EXPECT_EQ(nanos_of("1478293361271e-3"), Nanos(1'478'293'361'271'000'000));
  EXPECT_EQ(nanos_of("0.0000000014"), Nanos(1));
  EXPECT_EQ(nanos_of("0.0000000015"), Nanos(2));
  EXPECT_EQ(nanos_of("0.00000000049"), Nanos(0));
  EXPECT_EQ(nanos_of("1e-30"), Nanos(0));
  EXPECT_EQ(nanos_of("0"), Nanos(0));
  EXPECT_EQ(nanos_of("18446744073.709551615"), Nanos(UINT64_MAX));
  EXPECT_EQ(nanos_of("18446744073.7095516154"), Nanos(UINT64_MAX));
  EXPECT_EQ(nanos_of("18446744073.7095516155"), std::nullopt) << "rounded up it is too large";
  EXPECT_EQ(nanos_of("18446744073.709551616"), std::nullopt);
  for (const std::string_view bad : {"", ".", "-1", "1e999", "e5", "1e", "true", "\"1\""})
    EXPECT_EQ(nanos_of(bad), std::nullopt) << bad;
}

}  // namespace
}  // namespace forager::otlp
