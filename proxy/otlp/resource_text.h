// The text of OTEL_RESOURCE_ATTRIBUTES, as the SDKs of OpenTelemetry read it:
// `key1=value1,key2=...` with percent-encoding. Pure; any thread.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "otlp/enrich.h"

namespace forager::otlp {

/// More than that is taken for a mistake: every request would carry it.
inline constexpr std::size_t resource_text_attributes_max = 64;
inline constexpr std::size_t resource_text_bytes_max = 16 * 1024;

/// All attributes, in order, or a fault and then none of them (OpenTelemetry's rule: any error
/// discards the whole value). Keys and values are trimmed, then percent-decoded; `+` is itself. A
/// value may hold `=`; an empty member, as behind a last comma, is nothing. Of a key that comes
/// twice the last counts.
///
/// Errors, in words that follow the name of the variable: a member without `=` or without a key, a
/// `%` without two hexadecimal digits, something that isn't UTF-8 once decoded, too many or too
/// long. They name the member by its number, never by its text.
Result<std::vector<Attribute>> parse_resource_text(std::string_view text);

/// All of it well-formed UTF-8, as protobuf demands of strings.
bool is_utf8(std::string_view text);

}  // namespace forager::otlp
