// Scalars of OTLP/JSON from their text (PROTOCOLS 1.5): integers, doubles, hexadecimal, base64.
// Used by json.cpp alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace forager::otlp {

/// An integer in [lowest, highest], written with or without a fraction or exponent, as long as its
/// value is integral. Above 2^53 the forms with exponent are as exact as a double. nullopt: not a
/// number, not integral, or out of range.
std::optional<std::int64_t> signed_of(std::string_view text, std::int64_t lowest,
                                      std::int64_t highest);
std::optional<std::uint64_t> unsigned_of(std::string_view text, std::uint64_t highest);

/// A JSON number or one of the three names; nullopt also when it is over the range of a double (a
/// tiny one is 0).
std::optional<double> double_of(std::string_view text);

/// Writes size / 2 bytes. False: an odd number of digits or something else than a digit.
bool hex_decode(std::string_view text, char* to);

/// Both alphabets, with or without padding. Writes at most size * 3 / 4 bytes, returns how many;
/// nullopt: not base64.
std::optional<std::size_t> base64_decode(std::string_view text, char* to);

}  // namespace forager::otlp
