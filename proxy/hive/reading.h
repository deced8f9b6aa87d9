// What the hive shows of a request: an Export*ServiceRequest read with protozero, as views into its
// body. Field numbers: PROTOCOLS 1.6. Sans-IO; a body that isn't one gives nullopt, never an
// exception.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace forager::hive {

/// Views live as long as the body they were read from.
struct SpanFacts {
  std::string_view service;    ///< the resource's service.name; empty if it has none
  std::string_view trace_id;   ///< 16 bytes in valid telemetry
  std::string_view parent_id;  ///< empty: a root span
  std::string_view name;
  std::uint64_t start_nanos = 0;
  std::uint64_t end_nanos = 0;
  bool failed = false;  ///< status code ERROR
};

struct LogFacts {
  std::string_view service;
  std::string_view trace_id;  ///< empty: none
  std::uint64_t severity = 0;
  std::string_view text;  ///< the body if it is a string, else exception.message or the event name
};

/// SeverityNumber from which a log record gets a line of its own: ERROR is 17 to 20, FATAL 21
/// to 24.
inline constexpr std::uint64_t severity_error = 17;
inline constexpr std::uint64_t severity_fatal = 21;

struct MetricFacts {
  std::string_view service;
  std::string_view name;
  std::uint32_t points = 0;
};

/// True if `bytes` begin and end between two top-level fields. A request's parts of which that is
/// true are requests themselves.
bool is_whole(std::string_view bytes);

std::optional<std::vector<SpanFacts>> read_spans(std::string_view body);
std::optional<std::vector<LogFacts>> read_logs(std::string_view body);
std::optional<std::vector<MetricFacts>> read_metrics(std::string_view body);

}  // namespace forager::hive
