// The lines a person reads on the terminal, made of what a request holds. Pure: all text from
// telemetry is printable() here, colour and clock are added by the screen.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "hive/reading.h"

namespace forager::hive {

enum class LineKind : std::uint8_t { trace, error_log, logs, metrics };

struct Line {
  LineKind kind = LineKind::trace;
  std::uint64_t count = 1;  ///< of what the kind counts: traces, errors, log records, data points
  std::string text;
  bool bad = false;  ///< worth a look: shown in red where there is colour
};

/// One line an ERROR or FATAL record (at most 20, the rest as a number), then one that counts the
/// others.
std::vector<Line> log_lines(const std::vector<LogFacts>& logs);
/// One line for the request; none if it holds no metric.
std::vector<Line> metric_lines(const std::vector<MetricFacts>& metrics);

/// "182 ms", "830 us", "2.41 s", "3 min 12 s".
std::string duration_text(std::uint64_t nanos);
/// "1 span", "9 spans".
std::string counted(std::uint64_t count, std::string_view one, std::string_view many);
/// "checkout, payments and 2 more"; what has no service.name is "unknown_service", as in the SDKs.
std::string services_text(const std::vector<std::string_view>& distinct);
/// " trace 5b8efff7...", or empty for no id.
std::string trace_text(std::string_view trace_id);

/// The services of some facts, each once, in order of appearance.
template <class Facts>
std::vector<std::string_view> services_of(const std::vector<Facts>& all) {
  std::vector<std::string_view> distinct;
  std::unordered_set<std::string_view> had;
  for (const Facts& one : all) {
    if (had.insert(one.service).second) distinct.push_back(one.service);
  }
  return distinct;
}

}  // namespace forager::hive
