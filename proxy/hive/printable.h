// Text from telemetry made safe for a terminal: no byte of it can move the cursor, change colours
// or reverse the reading direction.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace forager::hive {

/// At most `width` code points of `text`, a longer one ending in "...". Line breaks and tabs become
/// a blank; other control and direction characters, and bytes that are not UTF-8, become `?`.
std::string printable(std::string_view text, std::size_t width);

}  // namespace forager::hive
