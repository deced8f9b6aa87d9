// What the demo tells: a checkout of three services in which the payment fails, as plain values.
// encode.h turns it into OTLP. Sans-IO: the time and the randomness are arguments. Attribute names:
// OpenTelemetry's semantic conventions (PROTOCOLS 5).
#pragma once

#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/time.h"

namespace forager::demo {

struct Attribute {
  std::string_view key;
  std::variant<std::string, std::int64_t, double> value;
};
using Attributes = std::vector<Attribute>;

/// Values of SpanKind on the wire (PROTOCOLS 1.6).
enum class Kind : std::uint8_t { internal = 1, server = 2, client = 3, producer = 4 };

struct Event {
  std::uint64_t at_nanos = 0;
  std::string_view name;
  Attributes attributes;
};

struct Span {
  std::size_t service = 0;  ///< index into Story::services
  std::string id;           ///< 8 bytes
  std::string parent_id;    ///< empty for the root
  bool parent_is_remote = false;
  std::string_view name;
  Kind kind = Kind::internal;
  std::uint64_t start_nanos = 0;
  std::uint64_t end_nanos = 0;
  Attributes attributes;
  std::vector<Event> events;
  std::string_view error;  ///< status message; empty: status unset
};

struct Log {
  std::size_t service = 0;
  std::string span_id;
  std::uint64_t at_nanos = 0;
  std::uint32_t severity = 0;
  std::string_view severity_text;
  std::string text;
  std::string_view event_name;
  Attributes attributes;
};

/// One data point; which fields count depends on the metric's kind.
struct Point {
  Attributes attributes;
  std::int64_t value = 0;
  std::vector<double> seconds;  ///< the measurements behind a histogram
};

struct Metric {
  enum class Kind : std::uint8_t { sum, gauge, histogram };
  std::size_t service = 0;
  Kind kind = Kind::sum;
  std::string_view name;
  std::string_view description;
  std::string_view unit;
  std::vector<Point> points;
};

struct Story {
  std::string trace_id;              ///< 16 bytes
  std::vector<Attributes> services;  ///< resource attributes
  std::vector<Span> spans;           ///< parents before children
  std::vector<Log> logs;
  std::vector<Metric> metrics;
  std::uint64_t begin_nanos = 0;  ///< start of the metrics' interval
  std::uint64_t end_nanos = 0;    ///< the moment of telling
};

/// A new story that ends `now`; ids are fresh and durations vary with `random`.
Story tell(WallTime now, std::mt19937_64& random);

}  // namespace forager::demo
