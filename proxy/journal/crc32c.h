// CRC32C (Castagnoli), by the processor's own instruction where it has one (ISA-L).
#pragma once

#include <cstdint>
#include <string_view>

namespace forager::journal {

/// Of `bytes`, going on from `before` (0 for the first part). Pure.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t before = 0);

}  // namespace forager::journal
