// The destination inside the power-cut test's machine.
#pragma once

#include <cstdint>

namespace forager::power {

/// Answers 200 to everything after `delay_ms`, without end. For a POST it first says `got ID ID
/// ...`, the requests that are in it, or `strange SIZE` if a byte of it is not as it was sent.
int run_sink(std::uint16_t port, int delay_ms);

}  // namespace forager::power
