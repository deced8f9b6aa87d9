#include "hive/lines.h"

#include <algorithm>

#include <fmt/format.h>

#include "hive/printable.h"

namespace forager::hive {

namespace {

constexpr std::size_t service_width = 40;
constexpr std::size_t log_width = 120;
constexpr std::size_t metric_width = 50;
constexpr std::size_t error_lines_max = 20;
constexpr std::size_t names_shown = 3;

std::string shown_service(std::string_view service) {
  return service.empty() ? "unknown_service" : printable(service, service_width);
}

}  // namespace

std::string duration_text(std::uint64_t nanos) {
  constexpr std::uint64_t us = 1'000;
  constexpr std::uint64_t ms = 1'000 * us;
  constexpr std::uint64_t second = 1'000 * ms;
  constexpr std::uint64_t minute = 60 * second;
  if (nanos < ms) return fmt::format("{} us", nanos / us);
  if (nanos < second) return fmt::format("{} ms", nanos / ms);
  if (nanos < minute) {
    const auto hundredths = nanos / (10 * ms);
    return fmt::format("{}.{:02} s", hundredths / 100, hundredths % 100);
  }
  return fmt::format("{} min {} s", nanos / minute, nanos % minute / second);
}

std::string counted(std::uint64_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

std::string services_text(const std::vector<std::string_view>& distinct) {
  std::string text;
  for (std::size_t i = 0; i < std::min(distinct.size(), names_shown); ++i) {
    if (i != 0) text += ", ";
    text += shown_service(distinct[i]);
  }
  if (distinct.size() > names_shown) {
    text += fmt::format(" and {} more", distinct.size() - names_shown);
  }
  return text;
}

std::string trace_text(std::string_view trace_id) {
  constexpr std::size_t bytes_shown = 4;
  if (trace_id.empty()) return {};
  std::string text = "  trace ";
  for (const char c : trace_id.substr(0, bytes_shown)) {
    text += fmt::format("{:02x}", static_cast<unsigned char>(c));
  }
  return text + "...";
}

std::vector<Line> log_lines(const std::vector<LogFacts>& logs) {
  std::vector<Line> lines;
  std::uint64_t errors = 0;
  for (const LogFacts& log : logs) {
    if (log.severity < severity_error) continue;
    if (++errors > error_lines_max) continue;
    const std::string_view level = log.severity < severity_fatal ? "ERROR" : "FATAL";
    const std::string text = log.text.empty() ? "(no text)" : printable(log.text, log_width);
    lines.push_back({LineKind::error_log, 1,
                     fmt::format("{}  {}  {}{}", shown_service(log.service), level, text,
                                 trace_text(log.trace_id)),
                     true});
  }
  if (errors > error_lines_max) {
    const std::uint64_t rest = errors - error_lines_max;
    lines.push_back(
        {LineKind::error_log, rest,
         fmt::format("... and {} in the same request", counted(rest, "more error", "more errors")),
         true});
  }
  if (const std::uint64_t calm = logs.size() - errors; calm != 0) {
    std::vector<LogFacts> others;
    std::ranges::copy_if(logs, std::back_inserter(others),
                         [](const LogFacts& log) { return log.severity < severity_error; });
    lines.push_back({LineKind::logs, calm,
                     fmt::format("{}  {}", services_text(services_of(others)),
                                 counted(calm, "log record", "log records")),
                     false});
  }
  return lines;
}

std::vector<Line> metric_lines(const std::vector<MetricFacts>& metrics) {
  if (metrics.empty()) return {};
  std::vector<std::string_view> names;
  std::unordered_set<std::string_view> had;
  std::uint64_t points = 0;
  for (const MetricFacts& metric : metrics) {
    points += metric.points;
    if (had.insert(metric.name).second) names.push_back(metric.name);
  }
  std::string shown;
  for (std::size_t i = 0; i < std::min(names.size(), names_shown); ++i) {
    shown += (i == 0 ? "" : ", ") + printable(names[i], metric_width);
  }
  if (names.size() > names_shown) shown += ", ...";
  return {{LineKind::metrics, points,
           fmt::format("{}  {} of {}: {}", services_text(services_of(metrics)),
                       counted(points, "data point", "data points"),
                       counted(names.size(), "metric", "metrics"), shown),
           false}};
}

}  // namespace forager::hive
