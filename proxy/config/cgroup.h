// The memory limit of the container we are in, as cgroup v2 or v1 tell it.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "config/key.h"

namespace forager::config {

/// Bytes, or nothing when there is no limit or no cgroup. v2: memory.max ("max" is none); v1:
/// memory.limit_in_bytes (a huge number is none). Both are read at the place where a container sees
/// its own group.
std::optional<std::size_t> cgroup_memory_limit(const ReadFile& read_file);

}  // namespace forager::config
