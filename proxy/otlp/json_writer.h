// Protobuf written front to back into one buffer with a limit. A length in front of what isn't
// written yet gets the room that the last one of its kind needed, and its content moves by the
// difference when that was wrong. Used by json.cpp alone.
#pragma once

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include "base/bytes.h"
#include "otlp/wire.h"

namespace forager::otlp {

class Writer {
 public:
  Writer(std::size_t expected, std::size_t limit)
      : bytes_(std::min(expected, limit)), limit_(limit) {}

  /// Every put below needs room asked for first. False: over the limit.
  [[nodiscard]] bool room(std::size_t more) { return more <= bytes_.size() - used_ || grow(more); }
  void varint(std::uint64_t value) {
    used_ = static_cast<std::size_t>(write_varint(at(), value) - bytes_.data());
  }
  void tag(std::uint32_t number, std::uint32_t type) { varint((number << 3U) | type); }
  template <class Fixed>
  void fixed(Fixed value) {
    std::memcpy(at(), &value, sizeof value);
    used_ += sizeof value;
  }
  void raw(std::string_view from) {
    if (!from.empty()) std::memcpy(at(), from.data(), from.size());
    used_ += from.size();
  }
  /// The next free byte, and the statement that `count` bytes were written there.
  char* at() { return bytes_.data() + used_; }
  void wrote(std::size_t count) { used_ += count; }

  /// Where a length of `width` bytes is left open. Room for it was asked for.
  std::size_t open(std::uint8_t width) {
    used_ += width;
    return used_;
  }
  /// Writes the length of what came since `start`; `width` becomes what it took. False: over the
  /// limit.
  [[nodiscard]] bool close(std::size_t start, std::uint8_t& width) {
    const std::size_t size = used_ - start;
    const auto needed = static_cast<std::uint8_t>(varint_size(size));
    if (needed != width) {
      if (needed > width && !room(needed - width)) return false;
      char* const content = bytes_.data() + start;
      std::memmove(content + needed - width, content, size);
      used_ = used_ + needed - width;
    }
    write_varint(bytes_.data() + start - width, size);
    width = needed;
    return true;
  }

  /// The bytes in a buffer of their size, give or take an eighth.
  Buffer finish() {
    if (bytes_.size() - used_ > used_ / 8) {
      bytes_.resize(used_);
    } else {
      bytes_.shrink(used_);
    }
    return std::move(bytes_);
  }

 private:
  bool grow(std::size_t more) {
    if (more > limit_ - used_) return false;
    const std::size_t wanted = std::max(used_ + more, bytes_.size() + bytes_.size() / 2);
    bytes_.resize(std::min(wanted, limit_));
    return true;
  }
  Buffer bytes_;
  std::size_t limit_;
  std::size_t used_ = 0;
};

}  // namespace forager::otlp
