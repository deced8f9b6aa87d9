// Which errors a request holds: exceptions of span events and log records, and error logs
// (PROTOCOLS 4.5, 5.1). One function decides it for the screen that counts them and for the
// encoder that sends them. Works on bodies that walk has accepted. Pure; any thread.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "otlp/signal.h"
#include "otlp/wire.h"

namespace forager::rollbar {

/// What counts as an error, beside exceptions.
struct ReadRules {
  bool error_logs = true;    ///< log records from ERROR on without an exception
  bool span_errors = false;  ///< spans with status ERROR and no exception event
};

/// One error, as views into the request it was read from.
struct Occurrence {
  enum class Kind : std::uint8_t { exception, log_message, span_error };

  Kind kind = Kind::exception;
  Signal signal = Signal::traces;
  std::uint32_t index = 0;      ///< of the event in its span
  std::uint32_t repeat = 0;     ///< equal ones before it in its request; whoever sees all says it
  std::uint32_t severity = 0;   ///< SeverityNumber of a log record; 0: not said
  std::uint64_t time = 0;       ///< ns since 1970: of the event or record; 0: not known
  std::string_view trace_id;    ///< raw bytes; empty: none, or all zero
  std::string_view span_id;     ///< the same
  std::string_view type;        ///< exception.type
  std::string_view message;     ///< exception.message; of a span error the status message
  std::string_view stacktrace;  ///< exception.stacktrace
  std::string_view name;        ///< of the span; event_name of a log record
  std::string_view body;        ///< of a log record, an AnyValue
  std::string_view item;        ///< the Span or LogRecord
  std::string_view event;       ///< the Span.Event; empty for others
};

/// Severity from which a log record is an error (SEVERITY_NUMBER_ERROR), and fatal.
inline constexpr std::uint32_t severity_error = 17;
inline constexpr std::uint32_t severity_fatal = 21;

/// Appends the errors of one item, in order; most items have none. Metrics and others: none.
void read_occurrences(Signal signal, std::string_view item, ReadRules rules,
                      std::vector<Occurrence>& into);

/// What surrounds an item, as messages; empty where there is none.
struct Envelope {
  std::string_view resource;
  std::string_view scope;
};

/// Calls visit(item, scope_group, resource_group) for every span or log record, in the order that
/// walk counts them in. The groups are ScopeSpans, ResourceSpans and their like.
template <class Visit>
void each_item(std::string_view body, Visit visit) {
  const auto is_child = [](const otlp::Field& field, std::uint32_t number) {
    return field.number == number && field.type == otlp::WireType::bytes;
  };
  otlp::Fields request(body);
  while (const auto resource = request.next()) {
    if (!is_child(*resource, 1)) continue;
    otlp::Fields scopes(resource->value);
    while (const auto scope = scopes.next()) {
      if (!is_child(*scope, 2)) continue;
      otlp::Fields items(scope->value);
      while (const auto item = items.next()) {
        if (is_child(*item, 2)) visit(item->value, scope->value, resource->value);
      }
    }
  }
}

/// Of a scope group in a resource group.
Envelope envelope_of(std::string_view scope_group, std::string_view resource_group);

}  // namespace forager::rollbar
