// One 64-bit hash (FNV-1a) for the tables that remember errors: fast, the same on every machine,
// no defence against somebody who looks for collisions.
#pragma once

#include <cstdint>
#include <string_view>

namespace forager::rollbar {

class Hash {
 public:
  Hash& byte(char c) {
    value_ = (value_ ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    return *this;
  }
  /// A part that can't run into the next one: its end is hashed too.
  Hash& part(std::string_view text) {
    for (const char c : text) byte(c);
    return byte('\x1f');
  }
  std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 0xcbf29ce484222325U;
};

}  // namespace forager::rollbar
