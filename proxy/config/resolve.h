// Second half of loading: what follows from the values together and from the machine. Pure.
#pragma once

#include <cstddef>
#include <optional>

#include "config/gather.h"
#include "config/load.h"

namespace forager::config {

/// Checks every relation and fills in what was left open. Relations with a value that was refused
/// already are not judged. The errors of `gathered` come first in the outcome. `memory_bound`:
/// bytes, from cgroup_memory_limit.
Outcome resolve(Gathered gathered, std::optional<std::size_t> memory_bound);

}  // namespace forager::config
