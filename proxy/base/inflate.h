// Decompression under a limit that applies while inflating: a bomb costs no more than the limit it was given.
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

/// All members of a gzip, all frames of a zstd; `deflate` takes zlib (RFC 1950) and raw (RFC 1951). Pure, any thread; memory at most
/// `limit` plus the codec's window.
Inflated inflate(ContentCoding coding, std::string_view from, std::size_t limit);

}  // namespace forager
