// What Forager carries: the three signals of OTLP, and the segments of the X-Ray SDKs, as one table
// of what differs between them (PROTOCOLS 1.1, 1.4, 1.6, 3.4).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace forager {

/// The journal stores the number: new ones come last.
enum class Signal : std::uint8_t {
  traces,
  metrics,
  logs,
  segments,  ///< documents of X-Ray's SDKs; their body is ours (schema.h) and never comes as OTLP
};
inline constexpr std::size_t signal_count = 4;
inline constexpr std::array<Signal, signal_count> all_signals{Signal::traces, Signal::metrics,
                                                              Signal::logs, Signal::segments};
/// Those that have a path, a method and a place in the OTLP specification.
inline constexpr std::array<Signal, 3> otlp_signals{Signal::traces, Signal::metrics, Signal::logs};

struct SignalFacts {
  std::string_view name;            ///< as in settings, metrics and messages
  std::string_view items;           ///< what one item is called, plural
  std::string_view http_path;       ///< OTLP/HTTP path, also at the destination; empty: no OTLP
  std::string_view grpc_method;     ///< full method path of Export; empty: no OTLP
  std::string_view rejected_field;  ///< JSON name of partial_success's count; empty: no OTLP
};

inline constexpr std::array<SignalFacts, signal_count> signal_table{{
    {"traces", "spans", "/v1/traces", "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
     "rejectedSpans"},
    {"metrics", "data points", "/v1/metrics",
     "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export", "rejectedDataPoints"},
    {"logs", "log records", "/v1/logs", "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
     "rejectedLogRecords"},
    {"segments", "segments", "", "", ""},
}};

inline constexpr const SignalFacts& facts(Signal s) {
  return signal_table[static_cast<std::size_t>(s)];
}
inline constexpr std::optional<Signal> signal_of_path(std::string_view path) {
  for (const Signal s : otlp_signals) {
    if (facts(s).http_path == path) return s;
  }
  return std::nullopt;
}
inline constexpr std::optional<Signal> signal_of_method(std::string_view method) {
  for (const Signal s : otlp_signals) {
    if (facts(s).grpc_method == method) return s;
  }
  return std::nullopt;
}

}  // namespace forager
