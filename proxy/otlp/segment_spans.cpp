#include "otlp/segment_spans.h"

#include <optional>

#include "otlp/segment_parts.h"

namespace forager::otlp {
namespace {

using namespace segments;
using Kind = JsonTree::Kind;

// field numbers of OTLP (PROTOCOLS 1.6)
namespace field {
constexpr std::uint32_t resource_spans = 1;
constexpr std::uint32_t resource = 1;
constexpr std::uint32_t scope_spans = 2;
constexpr std::uint32_t scope = 1;
constexpr std::uint32_t spans = 2;
}  // namespace field
constexpr std::int32_t status_error = 2;
constexpr std::uint32_t flag_sampled = 0x001;
constexpr std::uint32_t flag_has_is_remote = 0x100;
constexpr std::uint32_t flag_is_remote = 0x200;
/// Of a document: each subsegment in a subsegment is two.
constexpr int depth_max = 256;

void put(pbf_writer& to, std::uint32_t number, std::string_view text) {
  to.add_bytes(number, text.data(), text.size());
}

class Document {
 public:
  Document(std::string trace_id, std::string_view language)
      : trace_id_(std::move(trace_id)), language_(language) {}

  /// `parent`: of the segment around it; empty at the top, where the document says it itself.
  void add(pbf_writer& scope, const Value& segment, const std::string& parent);
  const SegmentSpans& made() const { return made_; }

 private:
  void write(pbf_writer& span, const Value& segment, const std::string& id,
             const std::string& parent, bool remote_parent);
  void put_failure(pbf_writer& span, const Value& segment, std::uint64_t end);
  void put_links(pbf_writer& span, const Value& precursors);

  std::string trace_id_;
  std::string_view language_;
  SegmentSpans made_;
};

SpanKind kind_of(const Value& segment, bool top) {
  const std::string space = segment.get("namespace").text();
  if (space == "remote" || space == "aws") return SpanKind::client;
  return top && segment.get("type").text() != "subsegment" ? SpanKind::server : SpanKind::internal;
}

/// What went wrong as one word of low cardinality; empty: nothing did.
std::string error_type_of(const Value& segment, const std::vector<ExceptionEvent>& exceptions) {
  std::string_view flag;
  for (const std::string_view one : {"error", "fault", "throttle"}) {
    if (segment.get(one).is_true()) flag = one;
  }
  if (flag.empty()) return {};
  if (!exceptions.empty() && !exceptions.front().type.empty()) return exceptions.front().type;
  const std::string_view status = segment.get("http").get("response").get("status").raw();
  return std::string(status.size() == 3 ? status : flag);
}

void put_event(pbf_writer& span, const ExceptionEvent& exception, std::uint64_t time) {
  pbf_writer event(span, 11);
  event.add_fixed64(1, time);
  put(event, 2, "exception");
  Attributes attributes(event, 3);
  attributes.text("exception.type", exception.type);
  attributes.text("exception.message", exception.message);
  attributes.text("exception.stacktrace", exception.stack);
  if (exception.remote) attributes.truth("aws.xray.exception.remote", true);
}

void Document::put_failure(pbf_writer& span, const Value& segment, std::uint64_t end) {
  const auto exceptions = exceptions_of(segment, language_);
  for (const ExceptionEvent& exception : exceptions) put_event(span, exception, end);
  const std::string type = error_type_of(segment, exceptions);
  if (type.empty()) return;
  Attributes(span, 9).text("error.type", type);
  pbf_writer status(span, 15);
  if (!exceptions.empty() && !exceptions.front().message.empty())
    put(status, 2, exceptions.front().message);
  status.add_enum(3, status_error);
}

/// What had to end before this could begin.
void Document::put_links(pbf_writer& span, const Value& precursors) {
  for (Value one = precursors.first(); one; one = one.next()) {
    const auto id = id_of(one.text(), 16);
    if (!id) continue;
    pbf_writer link(span, 13);
    put(link, 1, trace_id_);
    put(link, 2, *id);
  }
}

void Document::write(pbf_writer& span, const Value& segment, const std::string& id,
                     const std::string& parent, bool remote_parent) {
  const bool top = segment.get("trace_id").is(Kind::string);
  const SpanKind kind = kind_of(segment, top);
  const std::uint64_t start = *nanos_of(segment.get("start_time").raw());
  const std::uint64_t end = *nanos_of(segment.get("end_time").raw());
  put(span, 1, trace_id_);
  put(span, 2, id);
  if (!parent.empty()) put(span, 4, parent);
  put(span, 5, segment.get("name").text());
  span.add_enum(6, static_cast<std::int32_t>(kind));
  span.add_fixed64(7, start);
  span.add_fixed64(8, end);
  put_attributes(Attributes(span, 9), segment, kind);
  put_failure(span, segment, end);
  put_links(span, segment.get("precursor_ids"));
  span.add_fixed32(16, flag_sampled | flag_has_is_remote | (remote_parent ? flag_is_remote : 0U));
  ++made_.spans;
}

void Document::add(pbf_writer& scope, const Value& segment, const std::string& parent) {
  const auto id = id_of(segment.get("id").text(), 16);
  const bool sound = id && nanos_of(segment.get("start_time").raw());
  const Value end = segment.get("end_time");
  if (!sound || (end.is(Kind::number) && !nanos_of(end.raw()))) {
    ++made_.unreadable;
  } else if (segment.get("in_progress").is_true() || !end.is(Kind::number)) {
    ++made_.in_progress;
  } else {
    const std::string own = id_of(segment.get("parent_id").text(), 16).value_or(std::string());
    const bool segment_itself = parent.empty() && segment.get("type").text() != "subsegment";
    pbf_writer span(scope, field::spans);
    write(span, segment, *id, parent.empty() ? own : parent, segment_itself && !own.empty());
  }
  const Value inner = segment.get("subsegments");
  for (Value one = inner.first(); one; one = one.next()) {
    if (one.is(Kind::object)) add(scope, one, id ? *id : parent);
  }
}

}  // namespace

SegmentSpans append_segment_spans(std::string_view document, std::string& request) {
  const auto tree = JsonTree::parse(document, depth_max);
  const Value segment = tree ? tree->root() : Value();
  const auto trace_id = trace_id_of(segment.get("trace_id").text());
  if (!trace_id) return {.unreadable = 1};
  const std::size_t before = request.size();
  Document made(*trace_id, language_of(segment));
  {
    pbf_writer writer(request);
    pbf_writer resource_spans(writer, field::resource_spans);
    {
      pbf_writer resource(resource_spans, field::resource);
      put_resource(Attributes(resource, 1), segment);
    }
    pbf_writer scope_spans(resource_spans, field::scope_spans);
    {
      pbf_writer scope(scope_spans, field::scope);
      put(scope, 1, "aws.xray");
    }
    made.add(scope_spans, segment, {});
  }
  if (made.made().spans == 0) request.resize(before);
  return made.made();
}

}  // namespace forager::otlp
