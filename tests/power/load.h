// The apps inside the power-cut test's machine.
#pragma once

#include <cstdint>

namespace forager::power {

/// Sends some hundred requests of this boot to Forager's OTLP/HTTP port on several connections, and
/// says `kept ID` after each 200, `STATUS ID` after any other answer, `closed` instead of one, and
/// `unreachable` if nobody listens.
int run_load(std::uint16_t port, std::uint32_t boot, int connections);

/// Asks for the page at `path` and says `WORD BODY`, four times a second, without end.
int watch_page(std::uint16_t port, const char* path, const char* word);

}  // namespace forager::power
