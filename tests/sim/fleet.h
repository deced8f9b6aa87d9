// A thousand sidecars and one destination with a capacity, through an outage of ten minutes: does
// the fleet come back as good citizens do?
#pragma once

#include <cstdint>

namespace forager::sim {

/// Prints the figures; with `svg` writes the curve there. Returns an exit code: 1 when the fleet
/// comes back in a stampede, or not at all.
int run_fleet(std::uint64_t seed, const char* svg);

}  // namespace forager::sim
