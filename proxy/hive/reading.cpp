#include "hive/reading.h"

#include <algorithm>

#include <protozero/pbf_reader.hpp>

namespace forager::hive {

namespace {

using protozero::pbf_reader;

/// Wire types are checked with the field number: protozero only asserts them, and these bytes come
/// from outside.
constexpr std::uint32_t bytes_field(std::uint32_t number) {
  return protozero::tag_and_type(number, protozero::pbf_wire_type::length_delimited);
}
constexpr std::uint32_t fixed64_field(std::uint32_t number) {
  return protozero::tag_and_type(number, protozero::pbf_wire_type::fixed64);
}
constexpr std::uint32_t varint_field(std::uint32_t number) {
  return protozero::tag_and_type(number, protozero::pbf_wire_type::varint);
}
bool next_message(pbf_reader& in, std::uint32_t number) {
  return in.next(number, protozero::pbf_wire_type::length_delimited);
}

std::string_view text_of(pbf_reader& from) {
  const auto view = from.get_view();
  return {view.data(), view.size()};
}

bool is_zero(std::string_view id) {
  return std::ranges::all_of(id, [](char c) { return c == 0; });
}

std::string_view id_of(pbf_reader& from) {
  const std::string_view id = text_of(from);
  return is_zero(id) ? std::string_view{} : id;
}

/// The string in an AnyValue; empty for every other kind.
std::string_view string_of(pbf_reader any_value) {
  std::string_view found;
  while (next_message(any_value, 1)) found = text_of(any_value);
  return found;
}

struct Attribute {
  std::string_view key;
  std::string_view text;
};

Attribute attribute_of(pbf_reader key_value) {
  Attribute read;
  while (key_value.next()) {
    switch (key_value.tag_and_type()) {
      case bytes_field(1):
        read.key = text_of(key_value);
        break;
      case bytes_field(2):
        read.text = string_of(key_value.get_message());
        break;
      default:
        key_value.skip();
    }
  }
  return read;
}

std::string_view service_of(pbf_reader resource) {
  std::string_view service;
  while (next_message(resource, 1)) {
    const Attribute read = attribute_of(resource.get_message());
    if (read.key == "service.name") service = read.text;
  }
  return service;
}

/// Calls `take(service, item)` for every item of every scope of every resource: the same path {1,
/// 2, 2} for all three signals.
template <class Take>
void each_item(std::string_view body, Take take) {
  pbf_reader request(body.data(), body.size());
  while (next_message(request, 1)) {
    const pbf_reader resource_items = request.get_message();
    std::string_view service;  // found first: the resource may stand behind its scopes
    pbf_reader again = resource_items;
    while (next_message(again, 1)) service = service_of(again.get_message());
    pbf_reader scopes = resource_items;
    while (next_message(scopes, 2)) {
      pbf_reader items = scopes.get_message();
      while (next_message(items, 2)) take(service, items.get_message());
    }
  }
}

bool is_error(pbf_reader status) {
  constexpr std::int32_t code_error = 2;
  std::int32_t code = 0;
  while (status.next(3, protozero::pbf_wire_type::varint)) code = status.get_enum();
  return code == code_error;
}

SpanFacts span_of(std::string_view service, pbf_reader span) {
  SpanFacts read;
  read.service = service;
  while (span.next()) {
    switch (span.tag_and_type()) {
      case bytes_field(1):
        read.trace_id = id_of(span);
        break;
      case bytes_field(4):
        read.parent_id = id_of(span);
        break;
      case bytes_field(5):
        read.name = text_of(span);
        break;
      case fixed64_field(7):
        read.start_nanos = span.get_fixed64();
        break;
      case fixed64_field(8):
        read.end_nanos = span.get_fixed64();
        break;
      case bytes_field(15):
        read.failed = is_error(span.get_message());
        break;
      default:
        span.skip();
    }
  }
  return read;
}

LogFacts log_of(std::string_view service, pbf_reader record) {
  LogFacts read;
  read.service = service;
  std::string_view exception;
  std::string_view event;
  while (record.next()) {
    switch (record.tag_and_type()) {
      case varint_field(2):
        read.severity = record.get_uint64();
        break;
      case bytes_field(5):
        read.text = string_of(record.get_message());
        break;
      case bytes_field(6): {
        const Attribute attribute = attribute_of(record.get_message());
        if (attribute.key == "exception.message") exception = attribute.text;
        break;
      }
      case bytes_field(9):
        read.trace_id = id_of(record);
        break;
      case bytes_field(12):
        event = text_of(record);
        break;
      default:
        record.skip();
    }
  }
  if (read.text.empty()) read.text = exception.empty() ? event : exception;
  return read;
}

MetricFacts metric_of(std::string_view service, pbf_reader metric) {
  MetricFacts read;
  read.service = service;
  while (metric.next()) {
    switch (metric.tag_and_type()) {
      case bytes_field(1):
        read.name = text_of(metric);
        break;
      case bytes_field(5):
      case bytes_field(7):
      case bytes_field(9):
      case bytes_field(10):
      case bytes_field(11): {
        pbf_reader points = metric.get_message();
        for (; next_message(points, 1); points.skip()) ++read.points;
        break;
      }
      default:
        metric.skip();
    }
  }
  return read;
}

/// protozero says by exception that bytes end early or a wire type doesn't fit.
template <class Facts, class Read>
std::optional<std::vector<Facts>> read_all(std::string_view body, Read read) {
  try {
    std::vector<Facts> all;
    each_item(body, [&](std::string_view service, pbf_reader item) {
      all.push_back(read(service, item));
    });
    return all;
  } catch (const protozero::exception&) {
    return std::nullopt;
  }
}

}  // namespace

bool is_whole(std::string_view bytes) {
  try {
    pbf_reader fields(bytes.data(), bytes.size());
    while (fields.next()) fields.skip();
    return true;
  } catch (const protozero::exception&) {
    return false;
  }
}

std::optional<std::vector<SpanFacts>> read_spans(std::string_view body) {
  return read_all<SpanFacts>(body, span_of);
}
std::optional<std::vector<LogFacts>> read_logs(std::string_view body) {
  return read_all<LogFacts>(body, log_of);
}
std::optional<std::vector<MetricFacts>> read_metrics(std::string_view body) {
  return read_all<MetricFacts>(body, metric_of);
}

}  // namespace forager::hive
