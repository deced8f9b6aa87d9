// Writes JSON text in one pass, compact, commas and escaping included. For the admin pages and the
// hive; nesting that doesn't close is a bug of the caller and asserted.
#pragma once

#include <cassert>
#include <charconv>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "base/utf8.h"

namespace forager {

class JsonWriter {
 public:
  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }
  /// The name of the next value; only inside of an object.
  JsonWriter& key(std::string_view name) {
    separate();
    quote(name);
    text_ += ':';
    first_ = true;
    return *this;
  }
  JsonWriter& value(std::string_view text) {
    separate();
    quote(text);
    return *this;
  }
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(bool yes) { return raw(yes ? "true" : "false"); }
  JsonWriter& null() { return raw("null"); }
  template <std::integral Number>
    requires(!std::same_as<Number, bool>)
  JsonWriter& value(Number number) {
    return put_number(number);
  }
  /// JSON has no infinity and no NaN: those are null.
  JsonWriter& value(double number) { return std::isfinite(number) ? put_number(number) : null(); }
  /// Text that is JSON already.
  JsonWriter& raw(std::string_view json) {
    separate();
    text_ += json;
    return *this;
  }
  template <class Value>
  JsonWriter& member(std::string_view name, const Value& content) {
    return key(name).value(content);
  }

  std::size_t size() const { return text_.size(); }
  /// The whole text; the writer is empty afterwards.
  std::string take() {
    assert(depth_ == 0);
    first_ = true;
    return std::exchange(text_, {});
  }

 private:
  JsonWriter& open(char bracket) {
    separate();
    text_ += bracket;
    first_ = true;
    ++depth_;
    return *this;
  }
  JsonWriter& close(char bracket) {
    assert(depth_ > 0);
    text_ += bracket;
    first_ = false;
    --depth_;
    return *this;
  }
  void separate() {
    if (!first_) text_ += ',';
    first_ = false;
  }
  template <class Number>
  JsonWriter& put_number(Number number) {
    char digits[32];
    const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    return raw({digits, static_cast<std::size_t>(end - digits)});
  }
  /// What is not UTF-8 becomes `?`, byte by byte, as at admission; a page that can't be parsed
  /// helps nobody.
  void quote(std::string_view text) {
    text_ += '"';
    while (!text.empty()) {
      const std::size_t length = utf8_sequence(text);
      if (length == 1) {
        quote_ascii(text.front());
      } else if (length == 0) {
        text_ += '?';
      } else {
        text_ += text.substr(0, length);
      }
      text.remove_prefix(length == 0 ? 1 : length);
    }
    text_ += '"';
  }
  void quote_ascii(char c) {
    static constexpr std::string_view hex = "0123456789abcdef";
    if (c == '"' || c == '\\') {
      text_ += '\\';
      text_ += c;
    } else if (c == '\n') {
      text_ += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      text_ += "\\u00";
      text_ += hex[static_cast<unsigned char>(c) >> 4U];
      text_ += hex[static_cast<unsigned char>(c) & 0xFU];
    } else {
      text_ += c;
    }
  }

  std::string text_;
  std::size_t depth_ = 0;
  bool first_ = true;
};

}  // namespace forager
