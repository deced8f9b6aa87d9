#include "otlp/wire.h"

namespace forager::otlp {
namespace {

/// Bytes of the valid sequence at the front of `text`, 0 if there is none (RFC 3629, section 4).
std::size_t sequence_at(std::span<const char> text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t size = lead < 0xc2   ? 0
                           : lead < 0xe0 ? 2
                           : lead < 0xf0 ? 3
                           : lead < 0xf5 ? 4
                                         : 0;
  if (size == 0 || text.size() < size) return 0;
  // the second byte carries the limits: overlong forms, surrogates, the end of Unicode
  const unsigned char low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  const unsigned char high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  if (byte(1) < low || byte(1) > high) return 0;
  for (std::size_t i = 2; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  return size;
}

}  // namespace

std::size_t repair_utf8(std::span<char> text) {
  std::size_t bad = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    const auto rest = text.subspan(at);
    if (rest.size() >= 8 && is_ascii(rest.data(), 8)) {
      at += 8;
      continue;
    }
    const std::size_t size = sequence_at(rest);
    if (size == 0) {
      rest[0] = '?';
      ++bad;
    }
    at += size == 0 ? 1 : size;
  }
  return bad;
}

}  // namespace forager::otlp
