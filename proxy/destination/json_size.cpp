#include "destination/json_size.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>

#include "otlp/wire.h"

namespace forager::destination {
namespace {

constexpr std::uint64_t ones = 0x0101010101010101;
constexpr std::uint64_t low_bits = 0x7f * ones;

/// 0x80 in each byte of `word` that is `c`, 0 in the others.
constexpr std::uint64_t equal_to(std::uint64_t word, unsigned char c) {
  const std::uint64_t x = word ^ (ones * c);
  return ~(((x & low_bits) + low_bits) | x | low_bits);
}

/// What the eight bytes of `word` take beyond themselves, one sum for each byte lane.
constexpr std::uint64_t extra_of(std::uint64_t word) {
  // 0x80 where a byte is below 0x20
  const std::uint64_t control = ~(((word & low_bits) + 0x60 * ones) | word) & ~low_bits;
  const std::uint64_t escaped = equal_to(word, '"') | equal_to(word, '\\');
  return (control >> 7U) * 5 + (escaped >> 7U);
}

std::size_t sum_of_bytes(std::uint64_t lanes) {
  std::size_t sum = 0;
  for (; lanes != 0; lanes >>= 8U) sum += lanes & 0xffU;
  return sum;
}

/// Bytes that escaping adds.
std::size_t escapes(std::string_view text) {
  constexpr std::size_t words_in_lanes = 51;  // 51 * 5 = 255
  std::size_t extra = 0;
  const char* at = text.data();
  std::size_t left = text.size();
  while (left >= 8) {
    std::uint64_t lanes = 0;
    for (std::size_t i = 0; i < words_in_lanes && left >= 8; ++i, at += 8, left -= 8) {
      lanes += extra_of(otlp::load_fixed64(at));
    }
    extra += sum_of_bytes(lanes);
  }
  for (; left != 0; ++at, --left) {
    const auto byte = static_cast<unsigned char>(*at);
    extra += byte < 0x20 ? 5 : (byte == '"' || byte == '\\') ? 1 : 0;
  }
  return extra;
}

template <class Number>
std::size_t digits_of(Number number) {
  std::array<char, 40> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  return static_cast<std::size_t>(end - digits.data());
}

std::size_t size_of_array(std::string_view list, int depth) {
  std::size_t size = 2;
  std::size_t values = 0;
  otlp::Fields fields(list);
  while (const auto field = fields.next()) {
    if (field->number != 1) continue;
    size += json_size_of_value(field->value, depth);
    ++values;
  }
  return size + (values > 1 ? values - 1 : 0);
}

std::size_t size_of_number(const otlp::Field& field) {
  const auto raw = otlp::read_varint(field.value.data(), field.value.data() + field.value.size());
  if (field.number == 2) return raw.value != 0 ? 4 : 5;
  return digits_of(static_cast<std::int64_t>(raw.value));
}

}  // namespace

std::size_t json_bound(std::string_view message) {
  return message.size() + message.size() * 3 / 8 + escapes(message);
}

std::size_t json_size_of_text(std::string_view text) {
  const std::size_t size = text.size() + 2 + escapes(text);
  return size - 4 * static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

std::size_t json_size_of_value(std::string_view any_value, int depth) {
  if (depth == 0) return json_bound(any_value);
  std::size_t size = 4;  // null
  otlp::Fields fields(any_value);
  while (const auto field = fields.next()) {
    switch (field->number) {
      case 1:
        size = json_size_of_text(field->value);
        break;
      case 2:
      case 3:
        size = size_of_number(*field);
        break;
      case 4: {
        const auto number = std::bit_cast<double>(otlp::load_fixed64(field->value.data()));
        size = std::isfinite(number) ? digits_of(number) : 4;
        break;
      }
      case 5:
        size = size_of_array(field->value, depth - 1);
        break;
      case 6:
        size = json_size_of_attributes(field->value, 1, depth - 1);
        break;
      case 7:
        size = (field->value.size() + 2) / 3 * 4 + 2;
        break;
      default:
        break;
    }
  }
  return size;
}

std::size_t json_size_of_attributes(std::string_view message, unsigned number, int depth) {
  std::size_t size = 2;
  std::size_t members = 0;
  otlp::Fields fields(message);
  while (const auto field = fields.next()) {
    if (field->number != number) continue;
    std::size_t key = 2;
    std::size_t value = 4;
    otlp::Fields pair(field->value);
    while (const auto part = pair.next()) {
      if (part->number == 1) key = json_size_of_text(part->value);
      if (part->number == 2) value = json_size_of_value(part->value, depth);
    }
    size += key + 1 + value;
    ++members;
  }
  return size + (members > 1 ? members - 1 : 0);
}

}  // namespace forager::destination
