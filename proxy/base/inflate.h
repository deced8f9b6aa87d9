// Decompression under a limit that applies while inflating: a bomb costs no more than the limit it
// was given.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/bytes.h"
#include "base/result.h"

namespace forager {

enum class ContentCoding : std::uint8_t { identity, gzip, zstd, deflate };

/// From a Content-Encoding value, without case; empty is identity; nullopt: not one we take (415).
std::optional<ContentCoding> content_coding_of(std::string_view header);

/// The output would pass `limit` bytes.
struct TooLarge {};
using Inflated = std::variant<Buffer, TooLarge, Fault>;

/// All members of a gzip, all frames of a zstd; `deflate` takes zlib (RFC 1950) and raw (RFC 1951).
/// Pure, any thread. Memory: the output, at most `limit` (while growing: twice that for the time of
/// a copy); codecs use it as their window. What is returned has a capacity close to its size.
Inflated inflate(ContentCoding coding, std::string_view from, std::size_t limit);

/// What `inflate` will probably give, from what the stream says of itself (gzip's ISIZE, zstd's
/// block sizes), never above `limit`. A hint to charge memory by: a stream may lie, so it is then
/// given as the limit, and asked again with more.
std::size_t inflate_estimate(ContentCoding coding, std::string_view from, std::size_t limit);

}  // namespace forager
