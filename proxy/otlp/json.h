// OTLP/JSON to protobuf (PROTOCOLS 1.5), in one pass over the text: no tree, no memory but the
// output. Used by admit; what comes out goes the same way as a protobuf body from there on.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "otlp/signal.h"

namespace forager::otlp {

/// Transcodes an Export*ServiceRequest. Pure; any thread; memory: at most `limit` twice while the
/// output is cut to size.
///
/// Names are lowerCamelCase only, others are ignored. Ids are hexadecimal in either case, other
/// bytes base64 (standard or URL-safe, padded or not), 64-bit integers strings or numbers, enums
/// integers (names are refused), doubles numbers, numeric strings, "NaN", "Infinity" or
/// "-Infinity". null is the default, as an element too. A name that comes twice is read as protobuf
/// does it: the last scalar wins, lists and messages grow together. Bytes that aren't UTF-8 and
/// lone surrogates become '?' in strings.
///
/// Errors: a fault with the path, as in "resourceSpans[0].scopeSpans[0].spans[3].traceId: 31 hex
/// digits, ...", also when the output would pass `limit` bytes or nest deeper than walk allows.
Result<Buffer> json_to_protobuf(Signal signal, std::string_view json, std::size_t limit);

}  // namespace forager::otlp
