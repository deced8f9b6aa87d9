// What the kernel says of this process.
#pragma once

#include <cstdint>

namespace forager::admin {

/// Resident set size in bytes; 0 where /proc isn't there.
std::uint64_t resident_bytes();

}  // namespace forager::admin
