// The three signals of OTLP and what differs between them, as one table (PROTOCOLS 1.1, 1.4, 1.6).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace forager {

enum class Signal : std::uint8_t { traces, metrics, logs };
inline constexpr std::size_t signal_count = 3;
inline constexpr std::array<Signal, signal_count> all_signals{Signal::traces, Signal::metrics,
                                                              Signal::logs};

struct SignalFacts {
  std::string_view name;            ///< as in settings, metrics and messages
  std::string_view items;           ///< what one item is called, plural
  std::string_view http_path;       ///< OTLP/HTTP path, also at the destination
  std::string_view grpc_method;     ///< full method path of Export
  std::string_view rejected_field;  ///< JSON name of partial_success's count
};

inline constexpr std::array<SignalFacts, signal_count> signal_table{{
    {"traces", "spans", "/v1/traces", "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
     "rejectedSpans"},
    {"metrics", "data points", "/v1/metrics",
     "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export", "rejectedDataPoints"},
    {"logs", "log records", "/v1/logs", "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
     "rejectedLogRecords"},
}};

inline constexpr const SignalFacts& facts(Signal s) {
  return signal_table[static_cast<std::size_t>(s)];
}
inline constexpr std::optional<Signal> signal_of_path(std::string_view path) {
  for (const Signal s : all_signals) {
    if (facts(s).http_path == path) return s;
  }
  return std::nullopt;
}
inline constexpr std::optional<Signal> signal_of_method(std::string_view method) {
  for (const Signal s : all_signals) {
    if (facts(s).grpc_method == method) return s;
  }
  return std::nullopt;
}

}  // namespace forager
