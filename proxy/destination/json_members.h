// Reads the members of a small JSON document without a tree: a callback for each member of an
// object or element of an array, which consumes the value. Pure. For the answers of destinations.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "otlp/json_text.h"

namespace forager::destination {

/// The value of the string that is next; nullopt: none is, and nothing but blanks was consumed.
inline std::optional<std::string> take_string(otlp::JsonText& from) {
  otlp::JsonString text;
  if (from.peek() != '"' || !from.string(text)) return std::nullopt;
  std::string value(text.raw.size(), '\0');
  value.resize(otlp::unescape(text.raw, value.data()));
  return value;
}

/// The whole number that is next, within a string or not; any other value is skipped and is 0.
inline std::int64_t take_count(otlp::JsonText& from) {
  std::string_view digits;
  std::optional<std::string> text;
  const char next = from.peek();
  if (next == '"') {
    text = take_string(from);
    if (text) digits = *text;
  } else if (next == '-' || (next >= '0' && next <= '9')) {
    if (!from.number(digits)) return 0;
  } else {
    from.skip_value();
  }
  std::int64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

/// Calls member(name) for each; it consumes the value and says whether that went well.
template <class Member>
bool each_member(otlp::JsonText& from, Member member) {
  if (!from.take('{')) return false;
  if (from.take('}')) return true;
  do {
    const auto name = take_string(from);
    if (!name || !from.take(':') || !member(std::string_view(*name))) return false;
  } while (from.take(','));
  return from.take('}');
}

/// The same for the elements of an array.
template <class Element>
bool each_element(otlp::JsonText& from, Element element) {
  if (!from.take('[')) return false;
  if (from.take(']')) return true;
  do {
    if (!element()) return false;
  } while (from.take(','));
  return from.take(']');
}

}  // namespace forager::destination
