#include "journal/crc32c.h"

#include <algorithm>

#include <isa-l/crc.h>

namespace forager::journal {

std::uint32_t crc32c(std::string_view bytes, std::uint32_t before) {
  constexpr std::size_t piece = std::size_t{1} << 30U;  // ISA-L takes an int
  std::uint32_t state = ~before;
  while (!bytes.empty()) {
    const std::size_t size = std::min(bytes.size(), piece);
    // ISA-L reads it only, though it says otherwise
    auto* from = reinterpret_cast<unsigned char*>(const_cast<char*>(bytes.data()));
    state = crc32_iscsi(from, static_cast<int>(size), state);
    bytes.remove_prefix(size);
  }
  return ~state;
}

}  // namespace forager::journal
