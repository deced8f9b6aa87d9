// A request as protobuf's own parser sees it: the list of its items, each with all of its
// envelopes. Two requests, or one and its parts, say the same exactly if their lists are the same.
// Needs forager_proto.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "opentelemetry/proto/collector/logs/v1/logs_service.pb.h"
#include "opentelemetry/proto/collector/metrics/v1/metrics_service.pb.h"
#include "opentelemetry/proto/collector/trace/v1/trace_service.pb.h"
#include "otlp/signal.h"

namespace forager::test {

namespace collector = opentelemetry::proto::collector;
using TracesRequest = collector::trace::v1::ExportTraceServiceRequest;
using MetricsRequest = collector::metrics::v1::ExportMetricsServiceRequest;
using LogsRequest = collector::logs::v1::ExportLogsServiceRequest;

template <class Request>
std::optional<Request> parse(std::string_view body) {
  Request request;
  if (!request.ParseFromArray(body.data(), static_cast<int>(body.size()))) return std::nullopt;
  return request;
}

inline bool parses(Signal signal, std::string_view body) {
  switch (signal) {
    case Signal::traces:
      return parse<TracesRequest>(body).has_value();
    case Signal::metrics:
      return parse<MetricsRequest>(body).has_value();
    case Signal::logs:
      return parse<LogsRequest>(body).has_value();
    case Signal::segments:
      break;  // no OTLP
  }
  return false;
}

/// `entries`: items, and envelopes that hold none, in order.
struct Flat {
  std::vector<std::string> entries;
  std::size_t items = 0;
};

class Flattener {
 public:
  Flat of(Signal signal, std::string_view body) {
    switch (signal) {
      case Signal::traces:
        traces(parse<TracesRequest>(body).value());
        break;
      case Signal::metrics:
        metrics(parse<MetricsRequest>(body).value());
        break;
      case Signal::logs:
        logs(parse<LogsRequest>(body).value());
        break;
      case Signal::segments:
        break;  // no OTLP
    }
    return std::move(flat_);
  }

 private:
  /// Splits `message` into what is left of it after `clear`, and its children one by one, or itself
  /// if there are none.
  template <class M, class Children, class Clear, class Each>
  void level(const std::string& around, const M& message, const Children& children, Clear clear,
             Each each) {
    M envelope = message;
    clear(envelope);
    const std::string path = around + envelope.SerializeAsString() + "|";
    if (children.empty()) flat_.entries.push_back(path + "(empty)");
    for (const auto& child : children) each(path, child);
  }

  void item(const std::string& entry) {
    flat_.entries.push_back(entry);
    ++flat_.items;
  }

  void traces(const TracesRequest& request) {
    level(
        "", request, request.resource_spans(), [](auto& m) { m.clear_resource_spans(); },
        [&](const std::string& in_request, const auto& resource) {
          level(
              in_request, resource, resource.scope_spans(), [](auto& m) { m.clear_scope_spans(); },
              [&](const std::string& in_resource, const auto& scope) {
                level(
                    in_resource, scope, scope.spans(), [](auto& m) { m.clear_spans(); },
                    [&](const std::string& path, const auto& span) {
                      item(path + span.SerializeAsString());
                    });
              });
        });
  }

  void logs(const LogsRequest& request) {
    level(
        "", request, request.resource_logs(), [](auto& m) { m.clear_resource_logs(); },
        [&](const std::string& in_request, const auto& resource) {
          level(
              in_request, resource, resource.scope_logs(), [](auto& m) { m.clear_scope_logs(); },
              [&](const std::string& in_resource, const auto& scope) {
                level(
                    in_resource, scope, scope.log_records(), [](auto& m) { m.clear_log_records(); },
                    [&](const std::string& path, const auto& log) {
                      item(path + log.SerializeAsString());
                    });
              });
        });
  }

  void metrics(const MetricsRequest& request) {
    level(
        "", request, request.resource_metrics(), [](auto& m) { m.clear_resource_metrics(); },
        [&](const std::string& in_request, const auto& resource) {
          level(
              in_request, resource, resource.scope_metrics(),
              [](auto& m) { m.clear_scope_metrics(); },
              [&](const std::string& in_resource, const auto& scope) {
                level(
                    in_resource, scope, scope.metrics(), [](auto& m) { m.clear_metrics(); },
                    [&](const std::string& path, const auto& metric) { data(path, metric); });
              });
        });
  }

  template <class Metric>
  void data(const std::string& around, const Metric& metric) {
    Metric envelope = metric;
    envelope.clear_data();
    const std::string path = around + envelope.SerializeAsString() + "|";
    const auto points = [&](const auto& kind) {
      level(
          path, kind, kind.data_points(), [](auto& m) { m.clear_data_points(); },
          [&](const std::string& in_data, const auto& point) {
            item(in_data + point.GetTypeName() + point.SerializeAsString());
          });
    };
    if (metric.has_gauge()) return points(metric.gauge());
    if (metric.has_sum()) return points(metric.sum());
    if (metric.has_histogram()) return points(metric.histogram());
    if (metric.has_exponential_histogram()) return points(metric.exponential_histogram());
    if (metric.has_summary()) return points(metric.summary());
    flat_.entries.push_back(path + "(no data)");
  }

  Flat flat_;
};

inline Flat flatten(Signal signal, std::string_view body) { return Flattener().of(signal, body); }

}  // namespace forager::test
