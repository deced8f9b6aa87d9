// The messages of an OTLP export request as one table: JSON name, number, kind, submessage. It
// drives both directions between JSON and protobuf; a test holds it against the descriptors of
// proto/ (PROTOCOLS 1.5, 1.6). One request is of our own making: segments of X-Ray's SDKs, each a
// string, so that they are counted, cut and merged like all else.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "otlp/signal.h"

namespace forager::otlp::schema {

enum class Kind : std::uint8_t {
  string,
  hex,     ///< bytes, hexadecimal in JSON: trace and span ids
  base64,  ///< all other bytes
  boolean,
  enumeration,  ///< int32 on the wire, an integer in JSON
  int64,
  uint32,
  sint32,  ///< zigzag
  uint64,
  fixed32,
  fixed64,
  sfixed64,
  float64,
  message,
};

enum class MessageId : std::uint8_t {
  none,
  traces_request,
  metrics_request,
  logs_request,
  segments_request,
  segment,  ///< one document: text, not a message
  resource_spans,
  scope_spans,
  span,
  span_event,
  span_link,
  status,
  resource_logs,
  scope_logs,
  log_record,
  resource_metrics,
  scope_metrics,
  metric,
  gauge,
  sum,
  histogram,
  exponential_histogram,
  summary,
  number_point,
  histogram_point,
  exponential_point,
  buckets,
  summary_point,
  quantile,
  exemplar,
  resource,
  scope,
  entity_ref,
  key_value,
  any_value,
  array_value,
  kvlist_value,
};
inline constexpr std::size_t message_count = static_cast<std::size_t>(MessageId::kvlist_value) + 1;

enum class Label : std::uint8_t { single, repeated, oneof };  ///< a message has at most one oneof

struct Field {
  std::string_view name;  ///< lowerCamelCase
  std::uint32_t number = 0;
  Kind kind = Kind::string;
  Label label = Label::single;
  MessageId of = MessageId::none;  ///< for Kind::message, and for text that is an item
};

using Fields = std::span<const Field>;

namespace rows {

using enum Kind;
using enum Label;
using M = MessageId;

inline constexpr Field attributes(std::uint32_t number, std::string_view name = "attributes") {
  return {name, number, message, repeated, M::key_value};
}
inline constexpr Field dropped(std::uint32_t number) {
  return {"droppedAttributesCount", number, uint32};
}
inline constexpr Field list(std::string_view name, std::uint32_t number, M of) {
  return {name, number, message, repeated, of};
}
inline constexpr Field schema_url{"schemaUrl", 3, string};
inline constexpr Field of_resource{"resource", 1, message, single, M::resource};
inline constexpr Field of_scope{"scope", 1, message, single, M::scope};
inline constexpr Field temporality{"aggregationTemporality", 2, enumeration};
inline constexpr Field start_time{"startTimeUnixNano", 2, fixed64};
inline constexpr Field point_time{"timeUnixNano", 3, fixed64};

inline constexpr std::array traces_request{list("resourceSpans", 1, M::resource_spans)};
inline constexpr std::array metrics_request{list("resourceMetrics", 1, M::resource_metrics)};
inline constexpr std::array logs_request{list("resourceLogs", 1, M::resource_logs)};
inline constexpr std::array segments_request{Field{"segments", 1, string, repeated, M::segment}};

inline constexpr std::array resource_spans{of_resource, list("scopeSpans", 2, M::scope_spans),
                                           schema_url};
inline constexpr std::array scope_spans{of_scope, list("spans", 2, M::span), schema_url};
inline constexpr std::array span{
    Field{"traceId", 1, hex},
    Field{"spanId", 2, hex},
    Field{"traceState", 3, string},
    Field{"parentSpanId", 4, hex},
    Field{"name", 5, string},
    Field{"kind", 6, enumeration},
    Field{"startTimeUnixNano", 7, fixed64},
    Field{"endTimeUnixNano", 8, fixed64},
    attributes(9),
    dropped(10),
    list("events", 11, M::span_event),
    Field{"droppedEventsCount", 12, uint32},
    list("links", 13, M::span_link),
    Field{"droppedLinksCount", 14, uint32},
    Field{"status", 15, message, single, M::status},
    Field{"flags", 16, fixed32},
};
inline constexpr std::array span_event{Field{"timeUnixNano", 1, fixed64}, Field{"name", 2, string},
                                       attributes(3), dropped(4)};
inline constexpr std::array span_link{Field{"traceId", 1, hex},
                                      Field{"spanId", 2, hex},
                                      Field{"traceState", 3, string},
                                      attributes(4),
                                      dropped(5),
                                      Field{"flags", 6, fixed32}};
inline constexpr std::array status{Field{"message", 2, string}, Field{"code", 3, enumeration}};

inline constexpr std::array resource_logs{of_resource, list("scopeLogs", 2, M::scope_logs),
                                          schema_url};
inline constexpr std::array scope_logs{of_scope, list("logRecords", 2, M::log_record), schema_url};
inline constexpr std::array log_record{
    Field{"timeUnixNano", 1, fixed64},
    Field{"severityNumber", 2, enumeration},
    Field{"severityText", 3, string},
    Field{"body", 5, message, single, M::any_value},
    attributes(6),
    dropped(7),
    Field{"flags", 8, fixed32},
    Field{"traceId", 9, hex},
    Field{"spanId", 10, hex},
    Field{"observedTimeUnixNano", 11, fixed64},
    Field{"eventName", 12, string},
};

inline constexpr std::array resource_metrics{of_resource, list("scopeMetrics", 2, M::scope_metrics),
                                             schema_url};
inline constexpr std::array scope_metrics{of_scope, list("metrics", 2, M::metric), schema_url};
inline constexpr std::array metric{
    Field{"name", 1, string},
    Field{"description", 2, string},
    Field{"unit", 3, string},
    Field{"gauge", 5, message, oneof, M::gauge},
    Field{"sum", 7, message, oneof, M::sum},
    Field{"histogram", 9, message, oneof, M::histogram},
    Field{"exponentialHistogram", 10, message, oneof, M::exponential_histogram},
    Field{"summary", 11, message, oneof, M::summary},
    attributes(12, "metadata"),
};
inline constexpr std::array gauge{list("dataPoints", 1, M::number_point)};
inline constexpr std::array sum{list("dataPoints", 1, M::number_point), temporality,
                                Field{"isMonotonic", 3, boolean}};
inline constexpr std::array histogram{list("dataPoints", 1, M::histogram_point), temporality};
inline constexpr std::array exponential_histogram{list("dataPoints", 1, M::exponential_point),
                                                  temporality};
inline constexpr std::array summary{list("dataPoints", 1, M::summary_point)};
inline constexpr std::array number_point{
    start_time,
    point_time,
    Field{"asDouble", 4, float64, oneof},
    list("exemplars", 5, M::exemplar),
    Field{"asInt", 6, sfixed64, oneof},
    attributes(7),
    Field{"flags", 8, uint32},
};
inline constexpr std::array histogram_point{
    start_time,
    point_time,
    Field{"count", 4, fixed64},
    Field{"sum", 5, float64},
    Field{"bucketCounts", 6, fixed64, repeated},
    Field{"explicitBounds", 7, float64, repeated},
    list("exemplars", 8, M::exemplar),
    attributes(9),
    Field{"flags", 10, uint32},
    Field{"min", 11, float64},
    Field{"max", 12, float64},
};
inline constexpr std::array exponential_point{
    attributes(1),
    start_time,
    point_time,
    Field{"count", 4, fixed64},
    Field{"sum", 5, float64},
    Field{"scale", 6, sint32},
    Field{"zeroCount", 7, fixed64},
    Field{"positive", 8, message, single, M::buckets},
    Field{"negative", 9, message, single, M::buckets},
    Field{"flags", 10, uint32},
    list("exemplars", 11, M::exemplar),
    Field{"min", 12, float64},
    Field{"max", 13, float64},
    Field{"zeroThreshold", 14, float64},
};
inline constexpr std::array buckets{Field{"offset", 1, sint32},
                                    Field{"bucketCounts", 2, uint64, repeated}};
inline constexpr std::array summary_point{
    start_time,
    point_time,
    Field{"count", 4, fixed64},
    Field{"sum", 5, float64},
    list("quantileValues", 6, M::quantile),
    attributes(7),
    Field{"flags", 8, uint32},
};
inline constexpr std::array quantile{Field{"quantile", 1, float64}, Field{"value", 2, float64}};
inline constexpr std::array exemplar{
    Field{"timeUnixNano", 2, fixed64},
    Field{"asDouble", 3, float64, oneof},
    Field{"spanId", 4, hex},
    Field{"traceId", 5, hex},
    Field{"asInt", 6, sfixed64, oneof},
    attributes(7, "filteredAttributes"),
};

inline constexpr std::array resource{attributes(1), dropped(2),
                                     list("entityRefs", 3, M::entity_ref)};
inline constexpr std::array scope{Field{"name", 1, string}, Field{"version", 2, string},
                                  attributes(3), dropped(4)};
inline constexpr std::array entity_ref{Field{"schemaUrl", 1, string}, Field{"type", 2, string},
                                       Field{"idKeys", 3, string, repeated},
                                       Field{"descriptionKeys", 4, string, repeated}};
inline constexpr std::array key_value{Field{"key", 1, string},
                                      Field{"value", 2, message, single, M::any_value}};
inline constexpr std::array any_value{
    Field{"stringValue", 1, string, oneof},
    Field{"boolValue", 2, boolean, oneof},
    Field{"intValue", 3, int64, oneof},
    Field{"doubleValue", 4, float64, oneof},
    Field{"arrayValue", 5, message, oneof, M::array_value},
    Field{"kvlistValue", 6, message, oneof, M::kvlist_value},
    Field{"bytesValue", 7, base64, oneof},
};
inline constexpr std::array array_value{list("values", 1, M::any_value)};
inline constexpr std::array kvlist_value{list("values", 1, M::key_value)};

}  // namespace rows

/// In the order of MessageId.
inline constexpr std::array<Fields, message_count> table{
    Fields{},
    rows::traces_request,
    rows::metrics_request,
    rows::logs_request,
    rows::segments_request,
    Fields{},
    rows::resource_spans,
    rows::scope_spans,
    rows::span,
    rows::span_event,
    rows::span_link,
    rows::status,
    rows::resource_logs,
    rows::scope_logs,
    rows::log_record,
    rows::resource_metrics,
    rows::scope_metrics,
    rows::metric,
    rows::gauge,
    rows::sum,
    rows::histogram,
    rows::exponential_histogram,
    rows::summary,
    rows::number_point,
    rows::histogram_point,
    rows::exponential_point,
    rows::buckets,
    rows::summary_point,
    rows::quantile,
    rows::exemplar,
    rows::resource,
    rows::scope,
    rows::entity_ref,
    rows::key_value,
    rows::any_value,
    rows::array_value,
    rows::kvlist_value,
};

inline constexpr Fields fields_of(MessageId id) { return table[static_cast<std::size_t>(id)]; }
inline constexpr MessageId request_of(Signal signal) {
  return static_cast<MessageId>(static_cast<int>(MessageId::traces_request) +
                                static_cast<int>(signal));
}

/// The wire type of one value of that kind (2 for what has a length).
inline constexpr std::uint32_t wire_type(Kind kind) {
  switch (kind) {
    case Kind::fixed64:
    case Kind::sfixed64:
    case Kind::float64:
      return 1;
    case Kind::string:
    case Kind::hex:
    case Kind::base64:
    case Kind::message:
      return 2;
    case Kind::fixed32:
      return 5;
    default:
      return 0;
  }
}

}  // namespace forager::otlp::schema
