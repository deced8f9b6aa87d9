// The JSON of an item: the body of POST /api/1/item/ (PROTOCOLS 4.1, 4.2). Pure; any thread.
#pragma once

#include <cstddef>
#include <string>

#include "rollbar/item.h"

namespace forager::rollbar {

/// Valid UTF-8 JSON: all of the item, or what the first rung of the ladder that fits into `limit`
/// bytes leaves of it. The last rung fits into item_bytes_min; with less than that it is taken
/// whatever its size.
std::string write_item(const Item& item, const Scrub& scrub, std::size_t limit);

}  // namespace forager::rollbar
