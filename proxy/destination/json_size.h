// How many bytes OTLP data takes as JSON text, from its protobuf bytes: for destinations that turn
// it into JSON and count that. A bound that costs one pass and no decoding, and the exact size of a
// value for the few that are near a limit.
#pragma once

#include <cstddef>
#include <string_view>

namespace forager::destination {

/// Not less than the JSON of `message` (a Resource, a scope, a LogRecord or any part of them with
/// keys and values) whose attributes are an object, without the names of its own fields.
///
/// Every byte below 0x20 counts 6: as text it is escaped (\u001b), and as tag or length it pays for
/// quotes, colons, commas and the digits of numbers; '"' and '\' count 2; three eighths more for
/// base64 and long numbers. UTF-8 counts as it is: it is not escaped.
std::size_t json_bound(std::string_view message);

/// Exactly the JSON text of an AnyValue, as base/json_writer writes it: numbers as numbers, bytes
/// as base64, nothing as null. At most `depth` values within one another; what is deeper counts by
/// its bound.
std::size_t json_size_of_value(std::string_view any_value, int depth = 64);

/// The same of repeated KeyValue in field `number` of `message`, as one object.
std::size_t json_size_of_attributes(std::string_view message, unsigned number, int depth = 64);

/// With its quotes; of the control characters only the line feed has a short escape.
std::size_t json_size_of_text(std::string_view text);

}  // namespace forager::destination
