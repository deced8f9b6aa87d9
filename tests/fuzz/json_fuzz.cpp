// JSON from outside. What json_to_protobuf accepts must be what protobuf reads and walk passes,
// come back the same through protobuf_to_json, and be JSON by another parser's judgement. The first
// byte chooses the signal and, at times, a small limit.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <google/protobuf/message.h>
#include <string>
#include <string_view>

#include <simdjson.h>

#include "opentelemetry/proto/collector/logs/v1/logs_service.pb.h"
#include "opentelemetry/proto/collector/metrics/v1/metrics_service.pb.h"
#include "opentelemetry/proto/collector/trace/v1/trace_service.pb.h"
#include "otlp/json.h"
#include "otlp/json_out.h"
#include "otlp/reply.h"
#include "otlp/walk.h"

namespace {

using namespace forager;
namespace collector = opentelemetry::proto::collector;

void require(bool holds) {
  if (!holds) std::abort();
}

google::protobuf::Message& request_for(Signal signal) {
  static collector::trace::v1::ExportTraceServiceRequest traces;
  static collector::metrics::v1::ExportMetricsServiceRequest metrics;
  static collector::logs::v1::ExportLogsServiceRequest logs;
  if (signal == Signal::traces) return traces;
  if (signal == Signal::metrics) return metrics;
  return logs;
}

/// Where the two differ on purpose: bad UTF-8 and lone surrogates (repaired here), numbers over 64
/// bits and depth of what is ignored.
bool is_json(std::string_view text) {
  static simdjson::dom::parser parser;
  const auto error = parser.parse(text.data(), text.size()).error();
  return error == simdjson::SUCCESS || error == simdjson::UTF8_ERROR ||
         error == simdjson::STRING_ERROR || error == simdjson::NUMBER_ERROR ||
         error == simdjson::DEPTH_ERROR;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Signal signal = otlp_signals[data[0] % otlp_signals.size()];
  const std::size_t limit = data[0] >= 240 ? 64 : 1 << 20;
  const std::string_view json(reinterpret_cast<const char*>(data + 1), size - 1);

  // the other reader of JSON from outside
  require(otlp::read_error_message("application/json", json).size() <= 300);

  auto body = otlp::json_to_protobuf(signal, json, limit);
  if (!body) return 0;
  require(body->size() <= limit);
  require(json.starts_with("\xEF\xBB\xBF") || is_json(json));
  auto& request = request_for(signal);
  require(request.ParseFromArray(body->data(), static_cast<int>(body->size())));
  const auto shape = otlp::walk(signal, body->span());
  require(shape.has_value() && shape->repaired == 0);

  const std::string canonical = otlp::protobuf_to_json(signal, body->view());
  const auto again = otlp::json_to_protobuf(signal, canonical, 16 << 20);
  require(again.has_value());
  // The same message: its canonical form is a fixed point.
  require(otlp::protobuf_to_json(signal, again->view()) == canonical);
  return 0;
}
