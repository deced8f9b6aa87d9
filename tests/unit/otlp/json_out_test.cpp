#include "otlp/json_out.h"

#include <cmath>
#include <google/protobuf/message.h>
#include <google/protobuf/util/field_comparator.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>
#include <limits>
#include <memory>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "opentelemetry/proto/collector/logs/v1/logs_service.pb.h"
#include "opentelemetry/proto/collector/metrics/v1/metrics_service.pb.h"
#include "opentelemetry/proto/collector/trace/v1/trace_service.pb.h"
#include "otlp/json.h"

namespace forager::otlp {
namespace {

namespace collector = opentelemetry::proto::collector;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using Random = std::mt19937;

std::unique_ptr<Message> request_for(Signal signal) {
  switch (signal) {
    case Signal::traces:
      return std::make_unique<collector::trace::v1::ExportTraceServiceRequest>();
    case Signal::metrics:
      return std::make_unique<collector::metrics::v1::ExportMetricsServiceRequest>();
    case Signal::logs:
    case Signal::segments:
      break;
  }
  return std::make_unique<collector::logs::v1::ExportLogsServiceRequest>();
}

std::string random_text(Random& random) {
  static const std::vector<std::string> pieces{"a",
                                               "service.name",
                                               "\"",
                                               "\\",
                                               "\n",
                                               "\x01",
                                               "\xC3\xA9",
                                               "\xE2\x82\xAC",
                                               "\xF0\x9F\x98\x80",
                                               std::string(140, 'x'),
                                               std::string(1, '\0'),
                                               "/",
                                               "\x7F",
                                               "</script>"};
  std::string made;
  for (auto left = random() % 4; left != 0; --left) made += pieces[random() % pieces.size()];
  return made;
}

std::uint64_t random_bits(Random& random) {
  const std::uint64_t bits = (static_cast<std::uint64_t>(random()) << 32U) | random();
  return bits >> (random() % 64);
}

double random_double(Random& random) {
  switch (random() % 6) {
    case 0:
      return std::numeric_limits<double>::quiet_NaN();
    case 1:
      return -std::numeric_limits<double>::infinity();
    case 2:
      return std::numeric_limits<double>::denorm_min();
    case 3:
      return -0.0;
    default:
      return std::ldexp(static_cast<double>(random_bits(random)), -30);
  }
}

/// Fills fields by reflection. `ids`: whether bytes fields that JSON writes in hex are filled too.
class Filler {
 public:
  Filler(Random& random, bool ids) : random_(random), ids_(ids) {}

  void fill(Message& message, int depth) {
    const auto& fields = *message.GetDescriptor();
    for (int i = 0; i < fields.field_count(); ++i) {
      const FieldDescriptor& field = *fields.field(i);
      const bool id = field.name().ends_with("trace_id") || field.name().ends_with("span_id");
      if (field.name().ends_with("_strindex") || (id && !ids_) || random_() % 3 == 0) continue;
      if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && depth == 0) continue;
      const auto count = field.is_repeated() ? random_() % 3 : 1;
      for (unsigned n = 0; n < count; ++n) set(message, field, depth);
    }
  }

 private:
  void set(Message& message, const FieldDescriptor& field, int depth) {
    const auto& reflection = *message.GetReflection();
    const bool many = field.is_repeated();
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return fill(many ? *reflection.AddMessage(&message, &field)
                         : *reflection.MutableMessage(&message, &field),
                    depth - 1);
      case FieldDescriptor::CPPTYPE_STRING:
        return many ? reflection.AddString(&message, &field, random_text(random_))
                    : reflection.SetString(&message, &field, text_or_bytes(field));
      case FieldDescriptor::CPPTYPE_BOOL:
        return reflection.SetBool(&message, &field, random_() % 2 == 0);
      case FieldDescriptor::CPPTYPE_ENUM:
        return reflection.SetEnumValue(&message, &field, static_cast<int>(random_() % 30) - 1);
      case FieldDescriptor::CPPTYPE_INT32:
        return reflection.SetInt32(&message, &field, static_cast<std::int32_t>(random_()));
      case FieldDescriptor::CPPTYPE_UINT32:
        return reflection.SetUInt32(&message, &field, static_cast<std::uint32_t>(random_()));
      case FieldDescriptor::CPPTYPE_INT64:
        return reflection.SetInt64(&message, &field,
                                   static_cast<std::int64_t>(random_bits(random_)));
      case FieldDescriptor::CPPTYPE_UINT64:
        return many ? reflection.AddUInt64(&message, &field, random_bits(random_))
                    : reflection.SetUInt64(&message, &field, random_bits(random_));
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return many ? reflection.AddDouble(&message, &field, random_double(random_))
                    : reflection.SetDouble(&message, &field, random_double(random_));
      default:
        FAIL() << field.full_name();
    }
  }
  std::string text_or_bytes(const FieldDescriptor& field) {
    if (field.type() != FieldDescriptor::TYPE_BYTES) return random_text(random_);
    std::string bytes(random_() % 20, '\0');
    for (char& c : bytes) c = static_cast<char>(random_());
    return bytes;
  }
  Random& random_;
  bool ids_;
};

/// Empty when both say the same, NaN included.
std::string difference(const Message& a, const Message& b) {
  google::protobuf::util::DefaultFieldComparator comparator;
  comparator.set_treat_nan_as_equal(true);
  google::protobuf::util::MessageDifferencer differencer;
  differencer.set_field_comparator(&comparator);
  std::string report;
  differencer.ReportDifferencesToString(&report);
  return differencer.Compare(a, b) ? std::string() : report;
}

void expect_reads_as(Signal signal, std::string_view json, const Message& wanted) {
  const auto body = json_to_protobuf(signal, json, 16 << 20);
  ASSERT_TRUE(body.has_value()) << body.error().what << "\n" << json;
  const auto read = request_for(signal);
  ASSERT_TRUE(read->ParseFromArray(body->data(), static_cast<int>(body->size())));
  EXPECT_EQ(difference(wanted, *read), "") << json;
}

TEST(ProtobufToJson, ComesBackTheSameForRandomRequests) {
  Random random(1);
  for (int round = 0; round < 1000; ++round) {
    const Signal signal = otlp_signals[static_cast<std::size_t>(round) % otlp_signals.size()];
    const auto request = request_for(signal);
    Filler(random, true).fill(*request, 9);
    expect_reads_as(signal, protobuf_to_json(signal, request->SerializeAsString()), *request);
  }
}

TEST(ProtobufToJson, IsWhatProtobufItselfReadsWhereThereAreNoIds) {
  Random random(2);
  for (int round = 0; round < 300; ++round) {
    const Signal signal = otlp_signals[static_cast<std::size_t>(round) % otlp_signals.size()];
    const auto request = request_for(signal);
    Filler(random, false).fill(*request, 8);
    const std::string json = protobuf_to_json(signal, request->SerializeAsString());
    const auto read = request_for(signal);
    const auto status = google::protobuf::util::JsonStringToMessage(json, read.get());
    ASSERT_TRUE(status.ok()) << status.ToString() << "\n" << json;
    EXPECT_EQ(difference(*request, *read), "") << json;
  }
}

TEST(JsonToProtobuf, ReadsWhatProtobufItselfWritesWhereThereAreNoIds) {
  Random random(3);
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_enums_as_ints = true;
  options.always_print_primitive_fields = true;
  options.add_whitespace = true;
  for (int round = 0; round < 300; ++round) {
    const Signal signal = otlp_signals[static_cast<std::size_t>(round) % otlp_signals.size()];
    const auto request = request_for(signal);
    Filler(random, false).fill(*request, 8);
    // Printed defaults of absent strindex fields are unknown names to us, and ignored.
    std::string json;
    ASSERT_TRUE(google::protobuf::util::MessageToJsonString(*request, &json, options).ok());
    expect_reads_as(signal, json, *request);
  }
}

TEST(ProtobufToJson, ShowsSegmentsAsTheTextsThatTheyAre) {
  const std::string body = std::string("\x0a\x08") + R"({"id":1})";
  EXPECT_EQ(protobuf_to_json(Signal::segments, body), R"({"segments":["{\"id\":1}"]})");
}

TEST(ProtobufToJson, WritesTheCanonicalForm) {
  collector::trace::v1::ExportTraceServiceRequest request;
  auto& resource = *request.add_resource_spans();
  auto& attribute = *resource.mutable_resource()->add_attributes();
  attribute.set_key("k");
  attribute.mutable_value()->set_bytes_value("\xFB\xFF");
  auto& span = *resource.add_scope_spans()->add_spans();
  span.set_trace_id("\x5B\x8E");
  span.set_kind(opentelemetry::proto::trace::v1::Span::SPAN_KIND_SERVER);
  span.set_start_time_unix_nano(1544712660000000000);
  span.set_dropped_events_count(3);
  EXPECT_EQ(
      protobuf_to_json(Signal::traces, request.SerializeAsString()),
      R"({"resourceSpans":[{"resource":{"attributes":[{"key":"k","value":{"bytesValue":"+/8="}}]},)"
      R"("scopeSpans":[{"spans":[{"traceId":"5b8e","kind":2,"startTimeUnixNano":"1544712660000000000","droppedEventsCount":3}]}]}]})");
  EXPECT_EQ(protobuf_to_json(Signal::logs, ""), "{}");
}

TEST(ProtobufToJson, MergesAndReplacesAsProtobufDoes) {
  using opentelemetry::proto::common::v1::AnyValue;
  const auto serialized = [](auto set) {
    AnyValue value;
    set(value);
    return value.SerializeAsString();
  };
  const std::string list =
      serialized([](AnyValue& v) { v.mutable_array_value()->add_values()->set_int_value(1); });
  const std::string text = serialized([](AnyValue& v) { v.set_string_value("t"); });
  for (const std::string& value : {list + list, list + text, text + list, list + text + list}) {
    collector::logs::v1::ExportLogsServiceRequest wanted;
    auto& record = *wanted.add_resource_logs()->add_scope_logs()->add_log_records();
    ASSERT_TRUE(record.mutable_body()->ParseFromString(value));
    // the same record by hand, so that the body keeps its doubled fields
    const auto wrapped = [](char tag, const std::string& in) {
      return std::string{tag, static_cast<char>(in.size())} + in;
    };
    const std::string body =
        wrapped('\x0A', wrapped('\x12', wrapped('\x12', wrapped('\x2A', value))));
    expect_reads_as(Signal::logs, protobuf_to_json(Signal::logs, body), wanted);
  }
  // a singular message in two pieces
  EXPECT_EQ(
      protobuf_to_json(Signal::logs, std::string("\x0A\x08\x0A\x02\x10\x05\x0A\x02\x10\x07", 10)),
      R"({"resourceLogs":[{"resource":{"droppedAttributesCount":7}}]})");
}

TEST(ProtobufToJson, ReadsNumbersPackedAndNot) {
  // a Buckets message inside: bucket_counts packed {1,300}, then one by itself
  const auto wrapped = [](std::string_view tag, const std::string& in) {
    return std::string(tag) + static_cast<char>(in.size()) + in;
  };
  const std::string buckets("\x12\x03\x01\xAC\x02\x10\x09", 7);
  std::string body = wrapped("\x42", buckets);
  for (const std::string_view tag : {"\x0A", "\x52", "\x12", "\x12", "\x0A"}) {
    body = wrapped(tag, body);
  }
  EXPECT_NE(protobuf_to_json(Signal::metrics, body).find(R"("bucketCounts":["1","300","9"])"),
            std::string::npos)
      << protobuf_to_json(Signal::metrics, body);
}

TEST(ProtobufToJson, LeavesOutUnknownFieldsAndSurvivesBrokenBytes) {
  EXPECT_EQ(protobuf_to_json(Signal::traces, "\xF8\x07\x01"), "{}");
  EXPECT_EQ(protobuf_to_json(Signal::traces, "\x08\x01"), "{}");  // known number, other type
  Random random(4);
  collector::metrics::v1::ExportMetricsServiceRequest request;
  while (request.ByteSizeLong() < 1000) Filler(random, true).fill(request, 8);
  const std::string whole = request.SerializeAsString();
  for (std::size_t size = 0; size < whole.size(); size += 7) {
    std::string broken = whole.substr(0, size);
    for (int i = 0; i < 3 && size > 0; ++i) broken[random() % size] = static_cast<char>(random());
    const std::string json = protobuf_to_json(Signal::metrics, broken);
    EXPECT_TRUE(json_to_protobuf(Signal::metrics, json, 1 << 20).has_value()) << json;
  }
}

}  // namespace
}  // namespace forager::otlp
