// A reader of JSON text in one pass and without memory of its own: tokens are views into the text.
// Syntax is RFC 8259's; invalid UTF-8 is let through here and repaired where a string is copied
// (DESIGN, invariant 3). Used by json.cpp, and by aws for small documents.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace forager::otlp {

/// Between its quotes, as written. `plain`: ASCII without escapes, so the value is the text itself.
struct JsonString {
  std::string_view raw;
  bool plain = true;
};

class JsonText {
 public:
  explicit JsonText(std::string_view text)
      : begin_(text.data()), at_(text.data()), end_(text.data() + text.size()) {}

  std::size_t offset() const { return static_cast<std::size_t>(at_ - begin_); }
  /// The next character that isn't white space, not consumed; '\0' at the end.
  char peek() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
    return at_ == end_ ? '\0' : *at_;
  }
  bool at_end() { return peek() == '\0' && at_ == end_; }
  /// Consumes `wanted` if it is next.
  bool take(char wanted) {
    if (peek() != wanted || at_ == end_) return false;
    ++at_;
    return true;
  }
  /// All of these leave the position at the fault and `fault()` set when they return false.
  bool string(JsonString& into);
  bool number(std::string_view& into);
  bool literal(std::string_view word);
  bool skip_value();
  /// Words for the first fault: what was expected, without the position.
  const char* fault() const { return fault_; }
  bool fail(const char* expected) {
    if (fault_ == nullptr) fault_ = expected;
    return false;
  }

 private:
  bool skip_scalar();
  const char* begin_;
  const char* at_;
  const char* end_;
  const char* fault_ = nullptr;
};

/// Bytes of the valid UTF-8 sequence at `at` (1 to 4), 0 if there is none.
std::size_t utf8_length(const char* at, const char* end);

/// The value of a string: escapes resolved, bad UTF-8 bytes and lone surrogates replaced by '?'.
/// Writes at most raw.size() bytes to `to`, returns how many. The escapes were checked by
/// JsonText::string.
std::size_t unescape(std::string_view raw, char* to);

/// Appends `text` as the inside of a JSON string; bytes that aren't UTF-8 become '?'.
void append_json_escaped(std::string_view text, std::string& to);

}  // namespace forager::otlp
