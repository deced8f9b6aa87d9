// The schema table against the descriptors of proto/.
#include "otlp/schema.h"

#include <cstdint>
#include <google/protobuf/descriptor.h>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "opentelemetry/proto/collector/logs/v1/logs_service.pb.h"
#include "opentelemetry/proto/collector/metrics/v1/metrics_service.pb.h"
#include "opentelemetry/proto/collector/trace/v1/trace_service.pb.h"

namespace forager::otlp {
namespace {

namespace pb = opentelemetry::proto;
using Descriptor = google::protobuf::Descriptor;
using FieldDescriptor = google::protobuf::FieldDescriptor;

bool fits(schema::Kind kind, const FieldDescriptor& field) {
  const bool id = field.name().ends_with("trace_id") || field.name().ends_with("span_id");
  switch (field.type()) {
    case FieldDescriptor::TYPE_STRING:
      return kind == schema::Kind::string;
    case FieldDescriptor::TYPE_BYTES:
      return kind == (id ? schema::Kind::hex : schema::Kind::base64);
    case FieldDescriptor::TYPE_BOOL:
      return kind == schema::Kind::boolean;
    case FieldDescriptor::TYPE_ENUM:
      return kind == schema::Kind::enumeration;
    case FieldDescriptor::TYPE_INT64:
      return kind == schema::Kind::int64;
    case FieldDescriptor::TYPE_UINT32:
      return kind == schema::Kind::uint32;
    case FieldDescriptor::TYPE_SINT32:
      return kind == schema::Kind::sint32;
    case FieldDescriptor::TYPE_UINT64:
      return kind == schema::Kind::uint64;
    case FieldDescriptor::TYPE_FIXED32:
      return kind == schema::Kind::fixed32;
    case FieldDescriptor::TYPE_FIXED64:
      return kind == schema::Kind::fixed64;
    case FieldDescriptor::TYPE_SFIXED64:
      return kind == schema::Kind::sfixed64;
    case FieldDescriptor::TYPE_DOUBLE:
      return kind == schema::Kind::float64;
    case FieldDescriptor::TYPE_MESSAGE:
      return kind == schema::Kind::message;
    default:
      return false;
  }
}

void compare(const Descriptor& message, schema::MessageId id, std::set<std::string>& done) {
  if (!done.insert(message.full_name()).second) return;
  int known = 0;
  for (int i = 0; i < message.field_count(); ++i) {
    const FieldDescriptor& field = *message.field(i);
    if (field.name().ends_with("_strindex")) continue;  // profiles only (PROTOCOLS 1.6)
    SCOPED_TRACE(field.full_name());
    ++known;
    const schema::Field* row = nullptr;
    for (const schema::Field& candidate : schema::fields_of(id)) {
      if (candidate.name == field.json_name()) row = &candidate;
    }
    ASSERT_NE(row, nullptr);
    EXPECT_EQ(row->number, static_cast<std::uint32_t>(field.number()));
    EXPECT_TRUE(fits(row->kind, field));
    EXPECT_EQ(row->label == schema::Label::repeated, field.is_repeated());
    EXPECT_EQ(row->label == schema::Label::oneof, field.real_containing_oneof() != nullptr);
    if (row->kind == schema::Kind::message) compare(*field.message_type(), row->of, done);
  }
  EXPECT_EQ(schema::fields_of(id).size(), static_cast<std::size_t>(known)) << message.full_name();
}

TEST(Schema, IsThatOfTheProtoFiles) {
  std::set<std::string> done;
  compare(*pb::collector::trace::v1::ExportTraceServiceRequest::descriptor(),
          schema::request_of(Signal::traces), done);
  compare(*pb::collector::metrics::v1::ExportMetricsServiceRequest::descriptor(),
          schema::request_of(Signal::metrics), done);
  compare(*pb::collector::logs::v1::ExportLogsServiceRequest::descriptor(),
          schema::request_of(Signal::logs), done);
  // all but `none`, and the request and the segments of our own
  EXPECT_EQ(done.size(), schema::message_count - 3) << "each row of the table is reached";
}

}  // namespace
}  // namespace forager::otlp
