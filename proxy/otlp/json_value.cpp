#include "otlp/json_value.h"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <system_error>

namespace forager::otlp {
namespace {

template <class Integer>
std::optional<Integer> digits_of(std::string_view text) {
  Integer value = 0;
  const char* const start = text.data();
  const char* const end = start + text.size();
  const auto [stop, error] = std::from_chars(start, end, value);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

/// Only what JSON calls a number: from_chars alone would take "inf", ".5" and "5.".
bool has_number_syntax(std::string_view text) {
  const auto digit = [&](std::size_t i) {
    return i < text.size() && text[i] >= '0' && text[i] <= '9';
  };
  std::size_t at = text.starts_with('-') ? 1 : 0;
  if (!digit(at) || (text[at] == '0' && digit(at + 1))) return false;
  while (digit(at)) ++at;
  if (at < text.size() && text[at] == '.') {
    if (!digit(++at)) return false;
    while (digit(at)) ++at;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    if (!digit(at)) return false;
    while (digit(at)) ++at;
  }
  return at == text.size();
}

std::optional<double> number_of(std::string_view text) {
  if (!has_number_syntax(text)) return std::nullopt;
  double value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::result_out_of_range) {
    // Which end of the range it left by, from_chars doesn't say: a negative exponent can only be
    // the small one.
    const std::size_t e = text.find_first_of("eE");
    if (e != std::string_view::npos && e + 1 < text.size() && text[e + 1] == '-') {
      return text.starts_with('-') ? -0.0 : 0.0;
    }
    return std::nullopt;
  }
  if (error != std::errc{} || !std::isfinite(value)) return std::nullopt;
  return value;
}

constexpr std::uint8_t not_a_digit = 0xFF;

constexpr std::array<std::uint8_t, 256> hex_digits = [] {
  std::array<std::uint8_t, 256> table{};
  table.fill(not_a_digit);
  for (std::uint8_t i = 0; i < 10; ++i) table[static_cast<std::size_t>('0' + i)] = i;
  for (std::uint8_t i = 0; i < 6; ++i) {
    table[static_cast<std::size_t>('a' + i)] = static_cast<std::uint8_t>(10 + i);
    table[static_cast<std::size_t>('A' + i)] = static_cast<std::uint8_t>(10 + i);
  }
  return table;
}();

constexpr std::array<std::uint8_t, 256> base64_digits = [] {
  std::array<std::uint8_t, 256> table{};
  table.fill(not_a_digit);
  for (std::uint8_t i = 0; i < 26; ++i) {
    table[static_cast<std::size_t>('A' + i)] = i;
    table[static_cast<std::size_t>('a' + i)] = static_cast<std::uint8_t>(26 + i);
  }
  for (std::uint8_t i = 0; i < 10; ++i) {
    table[static_cast<std::size_t>('0' + i)] = static_cast<std::uint8_t>(52 + i);
  }
  table['+'] = table['-'] = 62;
  table['/'] = table['_'] = 63;
  return table;
}();

std::uint8_t digit_in(const std::array<std::uint8_t, 256>& table, char c) {
  return table[static_cast<unsigned char>(c)];
}

}  // namespace

std::optional<std::int64_t> signed_of(std::string_view text, std::int64_t lowest,
                                      std::int64_t highest) {
  auto value = digits_of<std::int64_t>(text);
  if (!value) {
    const auto number = number_of(text);
    if (!number || std::trunc(*number) != *number || *number < -0x1p63 || *number >= 0x1p63) {
      return std::nullopt;
    }
    // Plain digits that don't fit must not come in through a double rounded to the edge.
    if (text.find_first_of(".eE") == std::string_view::npos) return std::nullopt;
    value = static_cast<std::int64_t>(*number);
  }
  if (*value < lowest || *value > highest) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> unsigned_of(std::string_view text, std::uint64_t highest) {
  auto value = digits_of<std::uint64_t>(text);
  if (!value) {
    const auto number = number_of(text);
    if (!number || std::trunc(*number) != *number || *number < 0 || *number >= 0x1p64) {
      return std::nullopt;
    }
    if (*number != 0 && text.find_first_of(".eE") == std::string_view::npos) return std::nullopt;
    value = static_cast<std::uint64_t>(*number);
  }
  if (*value > highest) return std::nullopt;
  return value;
}

std::optional<double> double_of(std::string_view text) {
  if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (text == "Infinity") return std::numeric_limits<double>::infinity();
  if (text == "-Infinity") return -std::numeric_limits<double>::infinity();
  return number_of(text);
}

bool hex_decode(std::string_view text, char* to) {
  if (text.size() % 2 != 0) return false;
  unsigned bad = 0;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const unsigned high = digit_in(hex_digits, text[i]);
    const unsigned low = digit_in(hex_digits, text[i + 1]);
    bad |= high | low;
    *to++ = static_cast<char>((high << 4U) | (low & 0xFU));
  }
  return bad < 16;
}

std::optional<std::size_t> base64_decode(std::string_view text, char* to) {
  if (text.size() % 4 == 0) {
    if (text.ends_with("==")) {
      text.remove_suffix(2);
    } else if (text.ends_with('=')) {
      text.remove_suffix(1);
    }
  }
  if (text.size() % 4 == 1) return std::nullopt;
  const char* const start = to;
  std::uint32_t bits = 0;
  unsigned held = 0;
  for (const char c : text) {
    const std::uint8_t digit = digit_in(base64_digits, c);
    if (digit == not_a_digit) return std::nullopt;
    bits = (bits << 6U) | digit;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    *to++ = static_cast<char>(bits >> held);
  }
  return static_cast<std::size_t>(to - start);
}

}  // namespace forager::otlp
