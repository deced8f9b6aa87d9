#include "rollbar/read.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "rollbar/value.h"

namespace forager::rollbar {
namespace {

using otlp::Field;
using otlp::Fields;
using otlp::WireType;
using Kind = Occurrence::Kind;

constexpr std::string_view event_name = "exception";
constexpr std::uint64_t status_error = 2;

std::uint64_t varint_of(const Field& field) {
  if (field.type != WireType::varint) return 0;
  return otlp::read_varint(field.value.data(), field.value.data() + field.value.size()).value;
}
std::uint64_t fixed64_of(const Field& field) {
  return field.type == WireType::fixed64 ? otlp::load_fixed64(field.value.data()) : 0;
}
std::string_view id_of(const Field& field) {
  const bool zero = std::ranges::all_of(field.value, [](char c) { return c == '\0'; });
  return zero ? std::string_view{} : field.value;
}

void read_exception(std::string_view message, std::uint32_t attributes, Occurrence& into) {
  each_attribute(message, attributes, [&](const Attribute& a) {
    if (!a.key.starts_with("exception.")) return;
    if (a.key == "exception.type") into.type = string_of(a.value);
    if (a.key == "exception.message") into.message = string_of(a.value);
    if (a.key == "exception.stacktrace") into.stacktrace = string_of(a.value);
  });
}

bool mentions(std::string_view bytes, std::string_view word) {
  return memmem(bytes.data(), bytes.size(), word.data(), word.size()) != nullptr;
}

/// Of Span.Event; nullopt: another event.
std::optional<Occurrence> read_event(std::string_view event) {
  Occurrence read;
  bool is_exception = false;
  Fields fields(event);
  while (const auto field = fields.next()) {
    if (field->number == 1) read.time = fixed64_of(*field);
    if (field->number == 2) is_exception = field->value == event_name;
  }
  if (!is_exception) return std::nullopt;
  read.event = event;
  read_exception(event, 3, read);
  return read;
}

struct SpanHead {
  Occurrence ids;  ///< the fields that all errors of the span share
  std::uint64_t end = 0;
  std::string_view status;
};

SpanHead read_span(std::string_view span) {
  SpanHead head;
  Fields fields(span);
  while (const auto field = fields.next()) {
    switch (field->number) {
      case 1:
        head.ids.trace_id = id_of(*field);
        break;
      case 2:
        head.ids.span_id = id_of(*field);
        break;
      case 5:
        head.ids.name = field->value;
        break;
      case 8:
        head.end = fixed64_of(*field);
        break;
      case 15:
        head.status = field->value;
        break;
      default:
        break;
    }
  }
  head.ids.signal = Signal::traces;
  head.ids.item = span;
  return head;
}

/// Of Status; false when it isn't ERROR.
bool is_error(std::string_view status, std::string_view& message) {
  std::uint64_t code = 0;
  Fields fields(status);
  while (const auto field = fields.next()) {
    if (field->number == 2) message = field->value;
    if (field->number == 3) code = varint_of(*field);
  }
  return code == status_error;
}

void read_span_errors(std::string_view span, ReadRules rules, std::vector<Occurrence>& into) {
  const bool events = mentions(span, event_name);
  if (!events && !rules.span_errors) return;
  const SpanHead head = read_span(span);
  const std::size_t before = into.size();
  std::uint32_t index = 0;
  Fields fields(span);
  while (const auto field = fields.next()) {
    if (field->number != 11 || field->type != WireType::bytes) continue;
    const std::uint32_t number = index++;
    auto found = read_event(field->value);
    if (!found) continue;
    found->index = number;
    found->signal = Signal::traces;
    found->trace_id = head.ids.trace_id;
    found->span_id = head.ids.span_id;
    found->name = head.ids.name;
    found->item = span;
    if (found->time == 0) found->time = head.end;
    into.push_back(*found);
  }
  if (into.size() != before || !rules.span_errors) return;
  Occurrence error = head.ids;
  if (!is_error(head.status, error.message)) return;
  error.kind = Kind::span_error;
  error.time = head.end;
  into.push_back(error);
}

void read_log_errors(std::string_view record, ReadRules rules, std::vector<Occurrence>& into) {
  Occurrence read;
  std::uint64_t observed = 0;
  Fields fields(record);
  while (const auto field = fields.next()) {
    switch (field->number) {
      case 1:
        read.time = fixed64_of(*field);
        break;
      case 2:
        read.severity = static_cast<std::uint32_t>(varint_of(*field));
        break;
      case 5:
        read.body = field->value;
        break;
      case 9:
        read.trace_id = id_of(*field);
        break;
      case 10:
        read.span_id = id_of(*field);
        break;
      case 11:
        observed = fixed64_of(*field);
        break;
      case 12:
        read.name = field->value;
        break;
      default:
        break;
    }
  }
  if (mentions(record, "exception.")) read_exception(record, 6, read);
  const bool exception = !read.type.empty() || !read.message.empty();
  if (!exception && (!rules.error_logs || read.severity < severity_error)) return;
  read.kind = exception ? Kind::exception : Kind::log_message;
  read.signal = Signal::logs;
  read.item = record;
  if (read.time == 0) read.time = observed;
  into.push_back(read);
}

}  // namespace

void read_occurrences(Signal signal, std::string_view item, ReadRules rules,
                      std::vector<Occurrence>& into) {
  if (signal == Signal::traces) read_span_errors(item, rules, into);
  if (signal == Signal::logs) read_log_errors(item, rules, into);
}

Envelope envelope_of(std::string_view scope_group, std::string_view resource_group) {
  return {bytes_field(resource_group, 1), bytes_field(scope_group, 1)};
}

}  // namespace forager::rollbar
