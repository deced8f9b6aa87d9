// The protobuf wire format as far as Forager needs it: varints, the fields of one message, UTF-8.
// Used by walk (which checks), take_apart and log_time (which edit bodies that walk has accepted).
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>

namespace forager::otlp {

static_assert(std::endian::native == std::endian::little, "fixed64 is read and written in place");

/// The wire types OTLP uses. Groups (3, 4) were given up before proto3; 6 and 7 don't exist.
enum class WireType : std::uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

/// A tag is a varint of 32 bits, and so is a length: protobuf's own parsers read no more than 5
/// bytes of either.
inline constexpr std::size_t tag_bytes_max = 5;
inline constexpr std::size_t varint_bytes_max = 10;
/// protobuf's limit for a message, and so for every length in it.
inline constexpr std::size_t message_bytes_max = 0x7fffffff;

/// Where the varint ends and what it says; `next` is null when it is cut off, too long or
/// overflows.
template <class Char>
struct Varint {
  Char* next;
  std::uint64_t value;
};

/// At most 10 bytes, and the tenth may only carry the one bit that is left of 64.
template <class Char>
inline Varint<Char> read_varint(Char* p, const char* end) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 70 && p != end; shift += 7) {
    const auto byte = static_cast<unsigned char>(*p++);
    if (shift == 63 && byte > 1) break;
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return {p, value};
  }
  return {nullptr, 0};
}

/// Bytes of the shortest varint of `value`.
inline constexpr std::size_t varint_size(std::uint64_t value) {
  return (static_cast<std::size_t>(std::bit_width(value | 1)) + 6) / 7;
}

/// Writes the shortest varint; returns the byte after it.
inline char* write_varint(char* to, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) *to++ = static_cast<char>(value | 0x80);
  *to++ = static_cast<char>(value);
  return to;
}

inline std::uint64_t load_fixed64(const char* from) {
  std::uint64_t value = 0;
  std::memcpy(&value, from, sizeof value);
  return value;
}
inline void store_fixed64(char* to, std::uint64_t value) { std::memcpy(to, &value, sizeof value); }

/// One field of a message, as views into it.
struct Field {
  std::uint32_t number = 0;
  WireType type = WireType::varint;
  std::string_view whole;      ///< from the tag to the last byte
  std::string_view value;      ///< without tag and length
  std::uint32_t tag_size = 0;  ///< 1 unless the number is over 15 or the tag was padded
};

/// The fields of one message in order: `while (auto field = fields.next())`. Reads never leave
/// `message`; broken bytes end it early, which can't happen for what walk accepted.
class Fields {
 public:
  explicit Fields(std::string_view message)
      : at_(message.data()), end_(message.data() + message.size()) {}

  std::optional<Field> next() {
    const auto tag = read_varint(at_, end_);
    if (tag.next == nullptr) return std::nullopt;
    Field field;
    field.number = static_cast<std::uint32_t>(tag.value >> 3);
    field.type = static_cast<WireType>(tag.value & 7);
    field.tag_size = static_cast<std::uint32_t>(tag.next - at_);
    const char* value = tag.next;
    std::size_t size = 0;
    switch (field.type) {
      case WireType::varint: {
        const auto end = read_varint(value, end_).next;
        if (end == nullptr) return std::nullopt;
        size = static_cast<std::size_t>(end - value);
        break;
      }
      case WireType::fixed64:
        size = 8;
        break;
      case WireType::fixed32:
        size = 4;
        break;
      case WireType::bytes: {
        const auto length = read_varint(value, end_);
        if (length.next == nullptr) return std::nullopt;
        value = length.next;
        size = length.value;
        break;
      }
      default:
        return std::nullopt;
    }
    if (size > static_cast<std::size_t>(end_ - value)) return std::nullopt;
    field.value = {value, size};
    field.whole = {at_, static_cast<std::size_t>(value + size - at_)};
    at_ = value + size;
    return field;
  }

 private:
  const char* at_;
  const char* end_;
};

/// True when no byte has its high bit set: then it is valid UTF-8.
inline bool is_ascii(const char* p, std::size_t size) {
  constexpr std::uint64_t high = 0x8080808080808080;
  if (size >= 8) {
    const char* const last = p + size - 8;
    std::uint64_t seen = load_fixed64(last);
    for (; p < last; p += 8) seen |= load_fixed64(p);
    return (seen & high) == 0;
  }
  if (size >= 4) {
    std::uint32_t front = 0;
    std::uint32_t back = 0;
    std::memcpy(&front, p, 4);
    std::memcpy(&back, p + size - 4, 4);
    return ((front | back) & static_cast<std::uint32_t>(high)) == 0;
  }
  return size == 0 || ((p[0] | p[size / 2] | p[size - 1]) & 0x80) == 0;
}

/// Overwrites each byte that is not part of a valid UTF-8 sequence (RFC 3629: no surrogates,
/// nothing overlong, up to U+10FFFF) with
/// `?`. Returns how many; the length never changes.
std::size_t repair_utf8(std::span<char> text);

}  // namespace forager::otlp
