// Numbers and frames as they lie on disk; for the files of format alone.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

#include "journal/crc32c.h"
#include "journal/format.h"

namespace forager::journal::format {

template <std::unsigned_integral T>
void put(std::string& to, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    to.push_back(static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i) & 0xffU));
  }
}
template <std::unsigned_integral T>
T get(std::string_view from, std::size_t at) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    value |= std::uint64_t{static_cast<unsigned char>(from[at + i])} << (8 * i);
  }
  return static_cast<T>(value);
}

/// mark, length, type, and room for the checksum.
inline std::size_t begin(std::string& to, std::uint32_t mark, Type type, std::size_t length) {
  const std::size_t at = to.size();
  put(to, mark);
  put(to, static_cast<std::uint32_t>(length));
  put(to, static_cast<std::uint32_t>(type));
  put(to, std::uint32_t{0});
  return at;
}
inline void put_checksum(std::string& to, std::size_t at, std::uint32_t crc) {
  for (std::size_t i = 0; i < 4; ++i) {
    to[at + frame_head - 4 + i] = static_cast<char>(crc >> (8 * i) & 0xffU);
  }
}
inline void check(std::string& to, std::size_t at, std::string_view body) {
  const std::string_view all(to);
  std::uint32_t crc = crc32c(all.substr(at, frame_head - 4));
  crc = crc32c(body, crc32c(all.substr(at + frame_head), crc));
  put_checksum(to, at, crc);
}
inline void end(std::string& to, std::size_t at) {
  check(to, at, {});
  to.append(padded(to.size() - at) - (to.size() - at), '\0');
}

}  // namespace forager::journal::format
