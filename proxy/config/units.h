// Sizes in bytes and times in milliseconds, for the rows of the table of settings.
#pragma once

#include <cstddef>
#include <cstdint>

namespace forager::config {

inline constexpr std::size_t kib = 1024;
inline constexpr std::size_t mib = 1024 * kib;
inline constexpr std::size_t gib = 1024 * mib;
inline constexpr std::int64_t second = 1000;
inline constexpr std::int64_t minute = 60 * second;
inline constexpr std::int64_t hour = 60 * minute;

}  // namespace forager::config
