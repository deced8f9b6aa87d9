#include "rollbar/truncate.h"

#include <algorithm>

#include "base/utf8.h"

namespace forager::rollbar {
namespace {

constexpr bool continues(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80; }

}  // namespace

std::vector<Cut> ladder(std::size_t limit) {
  constexpr std::size_t frames = 30;
  constexpr std::size_t causes = 10;
  return {
      {"", SIZE_MAX, SIZE_MAX, limit},
      {"frames", frames, causes, limit},
      {"strings to 1024 bytes", frames, causes, 1024},
      {"strings to 512 bytes", frames, causes, 512},
      {"strings to 256 bytes", frames, causes, 256},
      {"attributes", frames, causes, 256, false},
      {"all but the ends", 1, 1, 255, false, true},
  };
}

std::string_view first_bytes(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  std::size_t end = bytes;
  // At most three steps back, so that text which isn't UTF-8 doesn't vanish.
  for (int i = 0; i < 3 && end > 0 && continues(text[end]); ++i) --end;
  return text.substr(0, end);
}

std::string_view first_characters(std::string_view text, std::size_t count) {
  std::size_t at = 0;
  for (; count > 0 && at < text.size(); --count) {
    at += std::max<std::size_t>(utf8_sequence(text.substr(at)), 1);
  }
  return text.substr(0, at);
}

Ends ends(std::size_t count, std::size_t at_each_end) {
  if (at_each_end >= count - at_each_end || at_each_end >= count) return {count, count};
  return {at_each_end, count - at_each_end};
}

}  // namespace forager::rollbar
