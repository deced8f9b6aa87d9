#include "hive/printable.h"

#include "base/utf8.h"

namespace forager::hive {

namespace {

constexpr std::string_view cut_mark = "...";

/// C1 controls (8-bit terminals take U+009B for ESC [), line and paragraph separators, zero-width
/// and direction characters.
bool is_hidden(std::string_view sequence) {
  const auto byte = [sequence](std::size_t i) { return static_cast<unsigned char>(sequence[i]); };
  if (sequence.size() == 2) return byte(0) == 0xC2 && byte(1) < 0xA0;
  if (sequence.size() != 3) return false;
  if (byte(0) == 0xEF) return byte(1) == 0xBB && byte(2) == 0xBF;  // U+FEFF
  if (byte(0) != 0xE2) return false;
  if (byte(1) == 0x80)
    return (byte(2) >= 0x8B && byte(2) <= 0x8F) || (byte(2) >= 0xA8 && byte(2) <= 0xAE);
  return byte(1) == 0x81 && byte(2) >= 0xA0 && byte(2) <= 0xAF;  // U+2060 to U+206F
}

void append_ascii(std::string& to, char c) {
  if (c == '\n' || c == '\r' || c == '\t') {
    to += ' ';
  } else {
    to += (c < 0x20 || c == 0x7F) ? '?' : c;
  }
}

}  // namespace

std::string printable(std::string_view text, std::size_t width) {
  std::string shown;
  std::size_t points = 0;
  std::size_t cut_at = 0;  // where the mark goes if the text turns out to be too long
  while (!text.empty()) {
    if (points + cut_mark.size() <= width) cut_at = shown.size();
    if (points == width) {
      shown.resize(cut_at);
      return shown.append(cut_mark.substr(0, width));
    }
    const std::size_t length = utf8_sequence(text);
    const std::string_view sequence = text.substr(0, length);
    if (length == 1) {
      append_ascii(shown, text.front());
    } else if (length == 0 || is_hidden(sequence)) {
      shown += '?';
    } else {
      shown += sequence;
    }
    text.remove_prefix(length == 0 ? 1 : length);
    ++points;
  }
  return shown;
}

}  // namespace forager::hive
