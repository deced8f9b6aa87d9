// The two encodings of OTLP/HTTP.
#pragma once

#include <cstdint>
#include <string_view>

namespace forager::otlp {

enum class Encoding : std::uint8_t { protobuf, json };

inline constexpr std::string_view content_type(Encoding encoding) {
  return encoding == Encoding::json ? "application/json" : "application/x-protobuf";
}

}  // namespace forager::otlp
