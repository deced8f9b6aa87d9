// One of two destinations is away for an hour: does the other one notice, does memory grow, and how
// fast is the backlog gone?
#pragma once

#include <cstdint>

namespace forager::sim {

/// Prints the figures. Returns an exit code: 1 when one of them is out of its bounds.
int run_outage(std::uint64_t seed);

}  // namespace forager::sim
