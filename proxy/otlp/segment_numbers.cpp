// Times and ids of segment documents.
#include <algorithm>
#include <charconv>

#include "otlp/json_value.h"
#include "otlp/segment_parts.h"

namespace forager::otlp::segments {
namespace {

/// A decimal taken apart: its digits, and where the point is among them.
struct Decimal {
  std::string digits;
  int point = 0;  ///< digits before the point; may lie outside
};

std::optional<Decimal> decimal_of(std::string_view text) {
  constexpr int exponent_max = 400;  // nothing that a double can be is beyond
  Decimal made;
  const auto e = text.find_first_of("eE");
  const std::string_view mantissa = text.substr(0, e);
  int exponent = 0;
  if (e != text.npos) {
    std::string_view power = text.substr(e + 1);
    if (power.starts_with('+')) power.remove_prefix(1);
    const auto [end, error] = std::from_chars(power.data(), power.data() + power.size(), exponent);
    if (error != std::errc{} || end != power.data() + power.size()) return std::nullopt;
    if (exponent > exponent_max || exponent < -exponent_max) return std::nullopt;
  }
  const auto point = mantissa.find('.');
  made.digits = mantissa.substr(0, point);
  made.point = static_cast<int>(made.digits.size()) + exponent;
  if (point != mantissa.npos) made.digits += mantissa.substr(point + 1);
  const bool digits_only =
      std::ranges::all_of(made.digits, [](char c) { return c >= '0' && c <= '9'; });
  if (!digits_only || made.digits.empty()) return std::nullopt;
  return made;
}

}  // namespace

std::optional<std::uint64_t> nanos_of(std::string_view seconds) {
  constexpr int decimals = 9;
  const auto number = decimal_of(seconds);
  if (!number) return std::nullopt;
  const int whole = number->point + decimals;  // digits that count, in nanoseconds
  const int there = static_cast<int>(number->digits.size());
  std::uint64_t nanos = 0;
  const auto add = [&nanos](unsigned digit) {
    return !__builtin_mul_overflow(nanos, std::uint64_t{10}, &nanos) &&
           !__builtin_add_overflow(nanos, std::uint64_t{digit}, &nanos);
  };
  for (int i = 0; i < whole; ++i) {
    const unsigned digit =
        i < there ? static_cast<unsigned>(number->digits[static_cast<std::size_t>(i)] - '0') : 0U;
    if (!add(digit)) return std::nullopt;
  }
  const bool up =
      whole >= 0 && whole < there && number->digits[static_cast<std::size_t>(whole)] >= '5';
  if (up && __builtin_add_overflow(nanos, std::uint64_t{1}, &nanos)) return std::nullopt;
  return nanos;
}

std::optional<std::string> id_of(std::string_view hex, std::size_t digits) {
  if (hex.size() != digits) return std::nullopt;
  std::string bytes(digits / 2, '\0');
  if (!hex_decode(hex, bytes.data())) return std::nullopt;
  if (std::ranges::all_of(bytes, [](char c) { return c == '\0'; })) return std::nullopt;
  return bytes;
}

std::optional<std::string> trace_id_of(std::string_view text) {
  constexpr std::size_t length = 35;  // 1-8hex-24hex
  if (text.size() != length || !text.starts_with("1-") || text[10] != '-') return std::nullopt;
  return id_of(std::string(text.substr(2, 8)) + std::string(text.substr(11)), 32);
}

}  // namespace forager::otlp::segments
