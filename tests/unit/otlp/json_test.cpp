#include "otlp/json.h"

#include <cmath>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "opentelemetry/proto/collector/logs/v1/logs_service.pb.h"
#include "opentelemetry/proto/collector/metrics/v1/metrics_service.pb.h"
#include "opentelemetry/proto/collector/trace/v1/trace_service.pb.h"

namespace forager::otlp {
namespace {

namespace pb = opentelemetry::proto;
using LogRecord = pb::logs::v1::LogRecord;
using Span = pb::trace::v1::Span;
using AnyValue = pb::common::v1::AnyValue;

constexpr std::size_t limit = 1 << 20;

std::string bytes_of(Signal signal, std::string_view json) {
  const auto made = json_to_protobuf(signal, json, limit);
  EXPECT_TRUE(made.has_value()) << made.error().what << "\n" << json;
  return made ? std::string(made->view()) : std::string();
}

std::string fault_of(Signal signal, std::string_view json, std::size_t bytes = limit) {
  const auto made = json_to_protobuf(signal, json, bytes);
  EXPECT_FALSE(made.has_value()) << json;
  return made ? std::string() : made.error().what;
}

std::string in_span(std::string_view fields) {
  return R"({"resourceSpans":[{"scopeSpans":[{"spans":[{)" + std::string(fields) + "}]}]}]}";
}
std::string in_value(std::string_view value) {
  return R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":)" + std::string(value) +
         "}]}]}]}";
}

Span span_of(std::string_view fields) {
  pb::collector::trace::v1::ExportTraceServiceRequest request;
  EXPECT_TRUE(request.ParseFromString(bytes_of(Signal::traces, in_span(fields))));
  return request.resource_spans().at(0).scope_spans().at(0).spans().at(0);
}
AnyValue value_of(std::string_view value) {
  pb::collector::logs::v1::ExportLogsServiceRequest request;
  EXPECT_TRUE(request.ParseFromString(bytes_of(Signal::logs, in_value(value))));
  return request.resource_logs().at(0).scope_logs().at(0).log_records().at(0).body();
}
pb::metrics::v1::Metric metric_of(std::string_view metric) {
  const std::string json =
      R"({"resourceMetrics":[{"scopeMetrics":[{"metrics":[)" + std::string(metric) + "]}]}]}";
  pb::collector::metrics::v1::ExportMetricsServiceRequest request;
  EXPECT_TRUE(request.ParseFromString(bytes_of(Signal::metrics, json)));
  return request.resource_metrics().at(0).scope_metrics().at(0).metrics().at(0);
}
std::string span_fault(std::string_view fields) {
  return fault_of(Signal::traces, in_span(fields));
}

std::string from_hex(std::string_view hex) {
  std::string made;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    made += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  }
  return made;
}

TEST(JsonToProtobuf, MakesTheGoldenBytesOfTheSample) {
  constexpr std::string_view json =
      R"({"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"demo"}}]},
 "scopeSpans":[{"scope":{"name":"lib"},"spans":[{"traceId":"5b8efff798038103d269b633813fc60c",
 "spanId":"eee19b7ec3c1b174","name":"GET /","kind":2,
 "startTimeUnixNano":"1544712660000000000","endTimeUnixNano":"1544712661000000000"}]}]}]})";
  EXPECT_EQ(bytes_of(Signal::traces, json),
            from_hex("0a5c0a180a160a0c736572766963652e6e616d6512060a0464656d6f12400a050a036c6962123"
                     "70a105b8efff798038103d269b633813fc60c1208eee19b7ec3c1b1742a05474554202f300239"
                     "004859e3faeb6f15410012f41efbeb6f15"));
}

TEST(JsonToProtobuf, TakesAnEmptyRequestWithOrWithoutSpaceAndByteOrderMark) {
  for (const std::string_view json :
       {"{}", " { } \n", "\xEF\xBB\xBF{}", "{\"resourceSpans\":[]}", "{\"resourceSpans\":null}"}) {
    EXPECT_EQ(bytes_of(Signal::traces, json), "") << json;
  }
}

TEST(JsonToProtobuf, ReadsHexIdsInBothCasesAndEveryPlace) {
  const Span span = span_of(
      R"("traceId":"5B8EFFF798038103d269b633813FC60C","spanId":"EEE19b7ec3c1b174","parentSpanId":"00000000000000aF",
         "links":[{"traceId":"FF","spanId":"0a"}])");
  EXPECT_EQ(span.trace_id(), from_hex("5b8efff798038103d269b633813fc60c"));
  EXPECT_EQ(span.span_id(), from_hex("eee19b7ec3c1b174"));
  EXPECT_EQ(span.parent_span_id(), from_hex("00000000000000af"));
  EXPECT_EQ(span.links(0).trace_id(), "\xFF");
  EXPECT_EQ(span.links(0).span_id(), "\x0A");
  EXPECT_EQ(span_of(R"("parentSpanId":"")").parent_span_id(), "");
  EXPECT_EQ(span_of(R"("spanId":"\u0061b")").span_id(), "\xAB");

  pb::collector::logs::v1::ExportLogsServiceRequest logs;
  ASSERT_TRUE(logs.ParseFromString(bytes_of(
      Signal::logs,
      R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[{"traceId":"Aa","spanId":"bB"}]}]}]})")));
  const LogRecord& record = logs.resource_logs(0).scope_logs(0).log_records(0);
  EXPECT_EQ(record.trace_id() + record.span_id(), "\xAA\xBB");

  const auto metric =
      metric_of(R"({"gauge":{"dataPoints":[{"exemplars":[{"spanId":"0C","traceId":"d0"}]}]}})");
  const auto& exemplar = metric.gauge().data_points(0).exemplars(0);
  EXPECT_EQ(exemplar.span_id() + exemplar.trace_id(), "\x0C\xD0");
}

TEST(JsonToProtobuf, SaysWhereAndWhyAnIdIsRefused) {
  EXPECT_EQ(
      fault_of(
          Signal::traces,
          R"({"resourceSpans":[{"scopeSpans":[{"spans":[{},{},{},{"name":"x","traceId":"5b8efff798038103d269b633813fc60"}]}]}]})"),
      "resourceSpans[0].scopeSpans[0].spans[3].traceId: 31 hex digits, an even number is needed");
  EXPECT_EQ(span_fault(R"("links":[{"spanId":"zz"}])"),
            "resourceSpans[0].scopeSpans[0].spans[0].links[0].spanId: not hexadecimal; OTLP/JSON "
            "writes trace and span ids in hex, not in base64");
  EXPECT_NE(span_fault(R"("spanId":"fg")").find("not hexadecimal"), std::string::npos);
  EXPECT_NE(span_fault(R"("spanId":12)").find("a string is expected, not a number"),
            std::string::npos);
}

TEST(JsonToProtobuf, ReadsBase64InBothAlphabetsWithAndWithoutPadding) {
  for (const std::string_view text : {"+/8=", "+/8", "-_8=", "-_8", "+\\/8="}) {
    EXPECT_EQ(value_of(R"({"bytesValue":")" + std::string(text) + "\"}").bytes_value(), "\xFB\xFF")
        << text;
  }
  EXPECT_EQ(value_of(R"({"bytesValue":"YWJj"})").bytes_value(), "abc");
  EXPECT_EQ(value_of(R"({"bytesValue":"YQ=="})").bytes_value(), "a");
  EXPECT_EQ(value_of(R"({"bytesValue":""})").value_case(), AnyValue::kBytesValue);
  for (const std::string_view text : {"Y", "YW=j", "Y Q=", "====", "YWJjZ", "YQ="}) {
    EXPECT_NE(fault_of(Signal::logs, in_value(R"({"bytesValue":")" + std::string(text) + "\"}"))
                  .find("body.bytesValue: not base64"),
              std::string::npos)
        << text;
  }
}

TEST(JsonToProtobuf, ReadsIntegersAsStringsNumbersAndIntegralFractions) {
  const std::vector<std::pair<std::string_view, std::int64_t>> good{
      {"\"9223372036854775807\"", INT64_MAX},
      {"-9223372036854775808", INT64_MIN},
      {"9007199254740993", 9007199254740993},
      {"\"-5\"", -5},
      {"1e3", 1000},
      {"1.50E1", 15},
      {"-2.0", -2},
      {"\"1.5447126600000000e18\"", 1544712660000000000},
      {"-0", 0},
  };
  for (const auto& [text, wanted] : good) {
    EXPECT_EQ(value_of("{\"intValue\":" + std::string(text) + "}").int_value(), wanted) << text;
  }
  for (const std::string_view text :
       {"9223372036854775808", "\"9223372036854775808\"", "-9223372036854775809", "1.5", "1e19",
        "\"\"", "\" 1\"", "\"0x1\"", "\"1_0\"", "\"NaN\"", "\"+1\"", "1e-1"}) {
    EXPECT_EQ(fault_of(Signal::logs, in_value("{\"intValue\":" + std::string(text) + "}")),
              "resourceLogs[0].scopeLogs[0].logRecords[0].body.intValue: an integer of 64 bits is "
              "expected, and this is not one or out of range")
        << text;
  }
}

TEST(JsonToProtobuf, HoldsEachWidthOfIntegerToItsRange) {
  EXPECT_EQ(span_of(R"("startTimeUnixNano":18446744073709551615)").start_time_unix_nano(),
            UINT64_MAX);
  EXPECT_EQ(span_of(R"("droppedAttributesCount":4294967295)").dropped_attributes_count(),
            UINT32_MAX);
  EXPECT_EQ(span_of(R"("flags":"256")").flags(), 256U);
  for (const std::string_view field :
       {R"("startTimeUnixNano":18446744073709551616)", R"("startTimeUnixNano":"-1")",
        R"("startTimeUnixNano":1.8446744073709552e19)", R"("droppedAttributesCount":4294967296)",
        R"("droppedEventsCount":-1)", R"("flags":4294967296)", R"("kind":2147483648)",
        R"("kind":1.5)"}) {
    EXPECT_NE(span_fault(field).find("out of range"), std::string::npos) << field;
  }
  const auto metric = metric_of(
      R"({"exponentialHistogram":{"dataPoints":[{"scale":-2147483648,"positive":{"offset":2147483647,"bucketCounts":["18446744073709551615",7,null]}}]}})");
  const auto& point = metric.exponential_histogram().data_points(0);
  EXPECT_EQ(point.scale(), INT32_MIN);
  EXPECT_EQ(point.positive().offset(), INT32_MAX);
  EXPECT_EQ(point.positive().bucket_counts(0), UINT64_MAX);
  EXPECT_EQ(point.positive().bucket_counts(1), 7U);
  EXPECT_EQ(point.positive().bucket_counts(2), 0U);
}

TEST(JsonToProtobuf, ReadsDoublesInAllTheirForms) {
  const auto read = [](std::string_view text) {
    return value_of("{\"doubleValue\":" + std::string(text) + "}").double_value();
  };
  EXPECT_EQ(read("0.1"), 0.1);
  EXPECT_EQ(read("\"-2.5e-3\""), -2.5e-3);
  EXPECT_EQ(read("7"), 7.0);
  EXPECT_EQ(read("1e-999"), 0.0);
  EXPECT_TRUE(std::signbit(read("-0.0")));
  EXPECT_EQ(read("1.7976931348623157e308"), std::numeric_limits<double>::max());
  EXPECT_EQ(read("5e-324"), std::numeric_limits<double>::denorm_min());
  EXPECT_TRUE(std::isnan(read("\"NaN\"")));
  EXPECT_EQ(read("\"Infinity\""), HUGE_VAL);
  EXPECT_EQ(read("\"-Infinity\""), -HUGE_VAL);
  for (const std::string_view text :
       {"1e999", "\"inf\"", "\"nan\"", "\"\"", "\".5\"", "\"5.\"", "\"1 \"", "\"0x1p3\""}) {
    EXPECT_NE(fault_of(Signal::logs, in_value("{\"doubleValue\":" + std::string(text) + "}"))
                  .find("a double is expected"),
              std::string::npos)
        << text;
  }
  EXPECT_NE(fault_of(Signal::logs, in_value("{\"doubleValue\":NaN}")).find("not valid JSON"),
            std::string::npos);
}

TEST(JsonToProtobuf, TakesEnumsAsIntegersAndSaysSoForNames) {
  EXPECT_EQ(span_of(R"("kind":3)").kind(), Span::SPAN_KIND_CLIENT);
  EXPECT_EQ(span_of(R"("kind":"3")").kind(), Span::SPAN_KIND_CLIENT);
  EXPECT_EQ(static_cast<int>(span_of(R"("kind":77)").kind()), 77);
  EXPECT_EQ(static_cast<int>(span_of(R"("kind":-1)").kind()), -1);
  EXPECT_EQ(
      span_fault(R"("kind":"SPAN_KIND_CLIENT")"),
      "resourceSpans[0].scopeSpans[0].spans[0].kind: names of enum values are not accepted in "
      "OTLP/JSON, write the integer");
}

TEST(JsonToProtobuf, IgnoresUnknownNamesWhateverTheyHold) {
  const Span span = span_of(
      R"("x":{"a":[1,{"b":[[],{}]},"\"}",null,true,-1.5e3]},"name":"n","trace_id":"zz","Name":"m","trace_state":7)");
  EXPECT_EQ(span.name(), "n");
  EXPECT_EQ(span.trace_id(), "");
  EXPECT_EQ(bytes_of(Signal::traces, R"({"resourceLogs":[{"x":1}],"future":[]})"), "");
}

TEST(JsonToProtobuf, ReadsNamesWithEscapes) {
  EXPECT_EQ(span_of(R"("\u006eam\u0065":"n")").name(), "n");
}

TEST(JsonToProtobuf, ReadsNullAsTheDefault) {
  const Span span = span_of(
      R"("traceId":null,"name":null,"kind":null,"startTimeUnixNano":null,"attributes":null,"status":null,"events":[null])");
  EXPECT_EQ(span.events_size(), 1);
  EXPECT_FALSE(span.has_status());
  EXPECT_EQ(span.ByteSizeLong(), 2U);
  EXPECT_EQ(value_of("null").value_case(), AnyValue::VALUE_NOT_SET);
  EXPECT_EQ(value_of(R"({"stringValue":null})").value_case(), AnyValue::VALUE_NOT_SET);
  const AnyValue list =
      value_of(R"({"arrayValue":{"values":[{"intValue":1},null,{"intValue":3}]}})");
  ASSERT_EQ(list.array_value().values_size(), 3);
  EXPECT_EQ(list.array_value().values(1).value_case(), AnyValue::VALUE_NOT_SET);
}

TEST(JsonToProtobuf, KeepsExplicitDefaultsOfOptionalFields) {
  EXPECT_EQ(value_of(R"({"boolValue":false})").value_case(), AnyValue::kBoolValue);
  EXPECT_EQ(value_of(R"({"stringValue":""})").value_case(), AnyValue::kStringValue);
  EXPECT_EQ(value_of(R"({"kvlistValue":{}})").value_case(), AnyValue::kKvlistValue);
  const auto metric = metric_of(R"({"histogram":{"dataPoints":[{"sum":0,"min":0.0}]}})");
  const auto& point = metric.histogram().data_points(0);
  EXPECT_TRUE(point.has_sum() && point.has_min());
  EXPECT_FALSE(point.has_max());
}

TEST(JsonToProtobuf, ReadsARepeatedNameAsProtobufDoes) {
  const Span span = span_of(
      R"("name":"a","attributes":[{"key":"x"}],"name":"","attributes":[{"key":"y"}],"status":{"code":1},"status":{"message":"m"})");
  EXPECT_EQ(span.name(), "");
  EXPECT_EQ(span.attributes_size(), 2);
  EXPECT_EQ(span.status().code(), 1);
  EXPECT_EQ(span.status().message(), "m");
}

TEST(JsonToProtobuf, ResolvesEscapesAndSurrogates) {
  const auto read = [](std::string_view text) {
    return value_of("{\"stringValue\":\"" + std::string(text) + "\"}").string_value();
  };
  EXPECT_EQ(read(R"(a\"\\\/\b\f\n\r\tz)"), "a\"\\/\b\f\n\r\tz");
  EXPECT_EQ(read(R"(\u0041\u00e9\u20AC\ud83d\ude00)"), "A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
  EXPECT_EQ(read(R"(x\u0000y)"), std::string("x\0y", 3));
  EXPECT_EQ(read("caf\xC3\xA9 \xF0\x9F\x98\x80"), "caf\xC3\xA9 \xF0\x9F\x98\x80");
  EXPECT_EQ(read(R"(cut\ud83d)"), "cut?");
  EXPECT_EQ(read(R"(\ud83dx\ude00\ud83d\ud83d\ude00)"), "?x??\xF0\x9F\x98\x80");
  EXPECT_EQ(read("\x7F"), "\x7F");
}

TEST(JsonToProtobuf, ReplacesEachByteThatIsNotUtf8) {
  const auto read = [](std::string_view text) {
    return value_of("{\"stringValue\":\"" + std::string(text) + "\"}").string_value();
  };
  EXPECT_EQ(read("a\xFFz"), "a?z");
  EXPECT_EQ(read("\xC3"), "?");
  EXPECT_EQ(read("\xE2\x82"), "??");
  EXPECT_EQ(read("\xED\xA0\x80"), "???");
  EXPECT_EQ(read("\xC0\xAF"), "??");
  EXPECT_EQ(read("\xF4\x90\x80\x80"), "????");
  EXPECT_EQ(read("\xE2\x82\xAC\x80"), "\xE2\x82\xAC?");
  // in a name that is ignored, too
  EXPECT_EQ(span_of("\"\xFF\":\"\xFE\",\"name\":\"n\"").name(), "n");
}

TEST(JsonToProtobuf, WritesStringsOfEveryLengthAroundTheWidthOfTheirPrefix) {
  for (const std::size_t size :
       {0U, 1U, 7U, 8U, 9U, 125U, 126U, 127U, 128U, 129U, 16383U, 16384U}) {
    const std::string plain(size, 'a');
    EXPECT_EQ(value_of("{\"stringValue\":\"" + plain + "\"}").string_value(), plain);
    EXPECT_EQ(value_of("{\"stringValue\":\"" + plain + "\\n\"}").string_value(), plain + "\n");
  }
}

TEST(JsonToProtobuf, SaysWhichTypeIsExpected) {
  EXPECT_EQ(fault_of(Signal::traces, R"({"resourceSpans":{}})"),
            "resourceSpans: an array is expected, not an object");
  EXPECT_EQ(fault_of(Signal::traces, R"({"resourceSpans":[7]})"),
            "resourceSpans[0]: an object is expected, not a number");
  EXPECT_EQ(fault_of(Signal::traces, "[]"), "the request: an object is expected, not an array");
  EXPECT_EQ(fault_of(Signal::logs, in_value(R"({"boolValue":"true"})")),
            "resourceLogs[0].scopeLogs[0].logRecords[0].body.boolValue: true or false is expected, "
            "not a string");
  EXPECT_NE(
      span_fault(R"("name":null,"name":true)").find("name: a string is expected, not a boolean"),
      std::string::npos);
  EXPECT_NE(span_fault(R"("kind":[])").find("kind: a number is expected, not an array"),
            std::string::npos);
}

TEST(JsonToProtobuf, RefusesWhatIsNotJsonWithThePosition) {
  EXPECT_EQ(fault_of(Signal::traces, ""),
            "the request: not valid JSON at byte 0: a value is expected");
  EXPECT_EQ(fault_of(Signal::traces, R"({"resourceSpans":[{"schemaUrl":"x" "y"}]})"),
            "resourceSpans[0]: not valid JSON at byte 35: ',' or '}' is expected");
  for (const std::string_view json : {"{",
                                      "}",
                                      "{\"a\"}",
                                      "{\"a\":}",
                                      "{\"a\":1,}",
                                      "{,}",
                                      "{\"a\":[1,]}",
                                      "{\"a\":[1 2]}",
                                      "{\"a\":01}",
                                      "{\"a\":1.}",
                                      "{\"a\":.5}",
                                      "{\"a\":+1}",
                                      "{\"a\":1e}",
                                      "{\"a\":--1}",
                                      "{\"a\":tru}",
                                      "{\"a\":nul}",
                                      "{\"a\":\"\\x\"}",
                                      "{\"a\":\"\\u12g4\"}",
                                      "{\"a\":\"\n\"}",
                                      "{\"a\":\"",
                                      "{\"a\":\"\\",
                                      "{\"a\":\"\\u12",
                                      "{} {}",
                                      "{}x",
                                      "{\"a\":[}]",
                                      "{\"a\":{]}",
                                      "{\"a\":{\"b\":1]}",
                                      "{\"a\":[1}}",
                                      "{'a':1}",
                                      "{a:1}",
                                      "{\"a\":1}}",
                                      "null",
                                      "{\"a\" 1}"}) {
    EXPECT_FALSE(json_to_protobuf(Signal::traces, json, limit).has_value()) << json;
  }
  EXPECT_FALSE(json_to_protobuf(Signal::traces, std::string_view("{\0}", 3), limit).has_value());
}

std::string nested_arrays(int count) {
  std::string json;
  for (int i = 0; i < count; ++i) json += R"({"arrayValue":{"values":[)";
  json += "{}";
  for (int i = 0; i < count; ++i) json += "]}}";
  return json;
}

TEST(JsonToProtobuf, NestsAsDeepAsProtobufReadsAndNoDeeper) {
  // request, resourceLogs, scopeLogs, record, body: 5; each array costs two more
  pb::collector::logs::v1::ExportLogsServiceRequest request;
  EXPECT_TRUE(request.ParseFromString(bytes_of(Signal::logs, in_value(nested_arrays(47)))));
  EXPECT_NE(fault_of(Signal::logs, in_value(nested_arrays(48))).find("nested deeper than 100"),
            std::string::npos);
  EXPECT_NE(fault_of(Signal::logs, in_value(nested_arrays(100'000))).find("nested deeper"),
            std::string::npos);
}

TEST(JsonToProtobuf, BoundsTheDepthOfWhatItIgnores) {
  const auto nested = [](std::size_t depth) {
    return "{\"x\":" + std::string(depth, '[') + std::string(depth, ']') + "}";
  };
  EXPECT_EQ(bytes_of(Signal::logs, nested(1024)), "");
  EXPECT_NE(fault_of(Signal::logs, nested(1025)).find("nested too deeply"), std::string::npos);
}

TEST(JsonToProtobuf, NeverPassesItsLimit) {
  std::string bounds = "1";
  for (int i = 1; i < 1000; ++i) bounds += ",1";
  const std::string json =
      R"({"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"histogram":{"dataPoints":[{"explicitBounds":[)" +
      bounds + "]}]}}]}]}]}";
  const auto whole = json_to_protobuf(Signal::metrics, json, limit);
  ASSERT_TRUE(whole.has_value());
  EXPECT_GT(whole->size(), 3 * json.size()) << "the case that grows";
  EXPECT_TRUE(json_to_protobuf(Signal::metrics, json, whole->size() + 32).has_value());
  for (std::size_t bytes = 0; bytes < whole->size(); bytes += 97) {
    EXPECT_NE(fault_of(Signal::metrics, json, bytes)
                  .find("over the limit of " + std::to_string(bytes) + " bytes"),
              std::string::npos);
  }
}

TEST(JsonToProtobuf, GivesABufferThatIsNotMuchLargerThanItsContent) {
  const std::string json = in_span("\"x\":\"" + std::string(100'000, 'x') + "\"");
  const auto made = json_to_protobuf(Signal::traces, json, limit);
  ASSERT_TRUE(made.has_value());
  EXPECT_LT(made->capacity(), 64U);
}

}  // namespace
}  // namespace forager::otlp
