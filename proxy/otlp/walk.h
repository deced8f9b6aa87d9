// The one check of a protobuf body, at admission: after it, every length, tag and varint down to
// the last attribute is known to be good, and a vendor's strict parser has nothing to refuse. Pure;
// any thread; nothing is allocated for a good body.
#pragma once

#include <cstdint>
#include <span>

#include "base/result.h"
#include "otlp/signal.h"

namespace forager::otlp {

/// Messages within one another, the request included. Parsers of protobuf stop at 100 by default
/// (C++, Java, Rust, upb), so a body that passes here is never too deep for them. An array in an
/// array costs two, a map in a map three.
inline constexpr int depth_max = 100;

/// What admission and planning need to know of a valid body.
struct Shape {
  std::uint32_t items = 0;  ///< spans, log records, segments, or data points of all five kinds
  std::uint32_t largest_item =
      0;  ///< bytes of a request with that item alone: item and envelope (resource, scope, metric
          ///< fields, unknown fields); with empty envelopes in the body an upper bound
  std::uint32_t repaired = 0;     ///< strings that weren't UTF-8 and were repaired
  bool log_time_missing = false;  ///< a log record has time_unix_nano 0 or absent
};

/// Validates the whole Export*ServiceRequest in `body` and repairs strings in place (each byte that
/// isn't UTF-8 becomes `?`). Errors: a fault with the path of field names and the byte offset of
/// the field; then `body` may be partly repaired.
///
/// Known fields must have their wire type (repeated numbers packed or not), unknown ones a sound
/// length, and are else untouched. Trace and span ids of a wrong length pass: what such a span is
/// worth is the destination's to decide, ours is the structure only.
[[nodiscard]] Result<Shape> walk(Signal signal, std::span<char> body);

}  // namespace forager::otlp
