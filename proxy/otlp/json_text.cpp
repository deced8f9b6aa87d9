#include "otlp/json_text.h"

#include <bit>
#include <bitset>
#include <cstring>

namespace forager::otlp {
namespace {

constexpr std::size_t skip_depth = 1024;  // of ignored values; no SDK comes near

constexpr std::uint64_t every(std::uint8_t byte) { return 0x0101010101010101ULL * byte; }

/// The high bit of each byte that is a quote, a backslash, a control character or not ASCII. A
/// borrow can mark a byte above a true match, never below it, so the first one is exact.
std::uint64_t special_bytes(std::uint64_t word) {
  const auto zero = [](std::uint64_t w) { return w - every(0x01); };
  const std::uint64_t control = word - every(0x20);
  return (zero(word ^ every('"')) | zero(word ^ every('\\')) | control | word) & every(0x80);
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::uint32_t four_hex(const char* at) {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value * 16 + static_cast<std::uint32_t>(hex_value(at[i]));
  return value;
}

char* put_code_point(std::uint32_t code, char* to) {
  const auto tail = [code](unsigned shift) {
    return static_cast<char>(0x80U | ((code >> shift) & 0x3FU));
  };
  if (code < 0x80) {
    *to++ = static_cast<char>(code);
  } else if (code < 0x800) {
    *to++ = static_cast<char>(0xC0U | (code >> 6U));
    *to++ = tail(0);
  } else if (code < 0x10000) {
    *to++ = static_cast<char>(0xE0U | (code >> 12U));
    *to++ = tail(6);
    *to++ = tail(0);
  } else {
    *to++ = static_cast<char>(0xF0U | (code >> 18U));
    *to++ = tail(12);
    *to++ = tail(6);
    *to++ = tail(0);
  }
  return to;
}

char simple_escape(char c) {
  switch (c) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case '"':
    case '\\':
    case '/':
      return c;
    default:
      return '\0';
  }
}

/// `at` is behind "\u"; both halves of a pair are consumed together.
const char* unescape_unicode(const char* at, const char* end, char*& to) {
  const std::uint32_t code = four_hex(at);
  at += 4;
  if (code < 0xD800 || code > 0xDFFF) {
    to = put_code_point(code, to);
    return at;
  }
  if (code < 0xDC00 && end - at >= 6 && at[0] == '\\' && at[1] == 'u') {
    const std::uint32_t low = four_hex(at + 2);
    if (low >= 0xDC00 && low <= 0xDFFF) {
      to = put_code_point(0x10000 + ((code - 0xD800) << 10U) + (low - 0xDC00), to);
      return at + 6;
    }
  }
  *to++ = '?';  // JavaScript writes these when it cuts a string in the middle of a pair
  return at;
}

}  // namespace

std::size_t utf8_length(const char* at, const char* end) {
  const auto byte = [at](std::size_t i) { return static_cast<unsigned char>(at[i]); };
  const auto left = static_cast<std::size_t>(end - at);
  const auto tails = [&](std::size_t count, unsigned low, unsigned high) -> std::size_t {
    if (left < count + 1 || byte(1) < low || byte(1) > high) return 0;
    for (std::size_t i = 2; i <= count; ++i) {
      if ((byte(i) & 0xC0U) != 0x80U) return 0;
    }
    return count + 1;
  };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return tails(1, 0x80, 0xBF);
  if (lead == 0xE0) return tails(2, 0xA0, 0xBF);
  if (lead == 0xED) return tails(2, 0x80, 0x9F);
  if (lead >= 0xE1 && lead <= 0xEF) return tails(2, 0x80, 0xBF);
  if (lead == 0xF0) return tails(3, 0x90, 0xBF);
  if (lead >= 0xF1 && lead <= 0xF3) return tails(3, 0x80, 0xBF);
  if (lead == 0xF4) return tails(3, 0x80, 0x8F);
  return 0;
}

std::size_t unescape(std::string_view raw, char* to) {
  const char* const start = to;
  const char* at = raw.data();
  const char* const end = at + raw.size();
  while (at != end) {
    if (*at == '\\') {
      if (at[1] == 'u') {
        at = unescape_unicode(at + 2, end, to);
      } else {
        *to++ = simple_escape(at[1]);
        at += 2;
      }
      continue;
    }
    const std::size_t length = utf8_length(at, end);
    if (length == 0) {
      *to++ = '?';
      ++at;
      continue;
    }
    for (std::size_t i = 0; i < length; ++i) *to++ = *at++;
  }
  return static_cast<std::size_t>(to - start);
}

void append_json_escaped(std::string_view text, std::string& to) {
  constexpr std::string_view digits = "0123456789abcdef";
  const auto as_it_is = [](char c) {
    return static_cast<unsigned char>(c) >= 0x20 && static_cast<unsigned char>(c) < 0x80 &&
           c != '"' && c != '\\';
  };
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    const char* const run = at;
    while (at != end && as_it_is(*at)) ++at;
    to.append(run, at);
    if (at == end) break;
    const char c = *at;
    if (static_cast<unsigned char>(c) >= 0x80) {
      const std::size_t length = utf8_length(at, end);
      to.append(length == 0 ? "?" : at, length == 0 ? 1 : length);
      at += length == 0 ? 1 : length;
      continue;
    }
    ++at;
    to += '\\';
    if (c == '"' || c == '\\') {
      to += c;
    } else if (c == '\n') {
      to += 'n';
    } else {
      to += "u00";
      to += digits[static_cast<unsigned char>(c) >> 4U];
      to += digits[static_cast<unsigned char>(c) & 0xFU];
    }
  }
}

bool JsonText::string(JsonString& into) {
  if (!take('"')) return fail("a string in double quotes is expected");
  const char* const start = at_;
  into.plain = true;
  while (true) {
    if constexpr (std::endian::native == std::endian::little) {
      while (end_ - at_ >= 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, at_, sizeof word);
        if (const std::uint64_t found = special_bytes(word); found != 0) {
          at_ += std::countr_zero(found) / 8;
          break;
        }
        at_ += 8;
      }
    }
    if (at_ == end_) return fail("a string has no end");
    const char c = *at_;
    if (c == '"') break;
    if (static_cast<unsigned char>(c) < 0x20)
      return fail("a control character in a string must be escaped");
    if (static_cast<unsigned char>(c) >= 0x80) into.plain = false;
    ++at_;
    if (c != '\\') continue;
    into.plain = false;
    if (at_ == end_) return fail("a string has no end");
    if (*at_ == 'u') {
      if (end_ - at_ < 5) return fail("four hex digits are expected after \\u");
      for (int i = 1; i <= 4; ++i) {
        if (hex_value(at_[i]) < 0) return fail("four hex digits are expected after \\u");
      }
      at_ += 5;
    } else {
      if (simple_escape(*at_) == '\0') return fail("an unknown escape in a string");
      ++at_;
    }
  }
  into.raw = {start, static_cast<std::size_t>(at_ - start)};
  ++at_;
  return true;
}

bool JsonText::number(std::string_view& into) {
  peek();
  const char* const start = at_;
  const auto digits = [this] {
    const char* const first = at_;
    while (at_ != end_ && is_digit(*at_)) ++at_;
    return at_ != first;
  };
  if (at_ != end_ && *at_ == '-') ++at_;
  if (at_ != end_ && *at_ == '0') {
    ++at_;
    if (at_ != end_ && is_digit(*at_)) return fail("a number has a leading zero");
  } else if (!digits()) {
    return fail("a value is expected");
  }
  if (at_ != end_ && *at_ == '.') {
    ++at_;
    if (!digits()) return fail("digits are expected after the decimal point");
  }
  if (at_ != end_ && (*at_ == 'e' || *at_ == 'E')) {
    ++at_;
    if (at_ != end_ && (*at_ == '+' || *at_ == '-')) ++at_;
    if (!digits()) return fail("digits are expected in the exponent");
  }
  into = {start, static_cast<std::size_t>(at_ - start)};
  return true;
}

bool JsonText::literal(std::string_view word) {
  peek();
  if (std::string_view(at_, static_cast<std::size_t>(end_ - at_)).substr(0, word.size()) != word) {
    return fail("a value is expected");
  }
  at_ += word.size();
  return true;
}

bool JsonText::skip_scalar() {
  JsonString text;
  std::string_view digits;
  switch (peek()) {
    case '"':
      return string(text);
    case 't':
      return literal("true");
    case 'f':
      return literal("false");
    case 'n':
      return literal("null");
    default:
      return number(digits);
  }
}

/// With a bit for each open bracket instead of recursion: what is ignored must still be JSON, at
/// any depth an SDK could write.
bool JsonText::skip_value() {
  std::bitset<skip_depth> objects;
  std::size_t depth = 0;
  JsonString key;
  const auto key_and_colon = [&] {
    return string(key) && (take(':') || fail("':' is expected after a name"));
  };
  do {
    const char next = peek();
    if (next == '{' || next == '[') {
      if (depth == skip_depth) return fail("nested too deeply");
      ++at_;
      objects[depth] = next == '{';
      if (!take(next == '{' ? '}' : ']')) {
        ++depth;
        if (next == '{' && !key_and_colon()) return false;
        continue;
      }
    } else if (!skip_scalar()) {
      return false;
    }
    while (depth != 0 && !take(',')) {
      if (!take(objects[depth - 1] ? '}' : ']')) {
        return fail(objects[depth - 1] ? "',' or '}' is expected" : "',' or ']' is expected");
      }
      --depth;
    }
    if (depth != 0 && objects[depth - 1] && !key_and_colon()) return false;
  } while (depth != 0);
  return true;
}

}  // namespace forager::otlp
