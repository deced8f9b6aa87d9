// Attributes of OTLP (PROTOCOLS 1.6) as views into a request that walk has accepted, and their
// values as JSON, with the secret ones hidden. Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/json_writer.h"
#include "otlp/wire.h"

namespace forager::rollbar {

/// Views live as long as the request.
struct Attribute {
  std::string_view key;
  std::string_view value;  ///< an AnyValue message
};

/// The last message or string in field `number` of `message`; empty: none.
std::string_view bytes_field(std::string_view message, std::uint32_t number);
Attribute attribute_of(std::string_view key_value);

/// Calls take(Attribute) for each KeyValue in the repeated field `number`.
template <class Take>
void each_attribute(std::string_view message, std::uint32_t number, Take take) {
  otlp::Fields fields(message);
  while (const auto field = fields.next()) {
    if (field->number != number || field->type != otlp::WireType::bytes) continue;
    take(attribute_of(field->value));
  }
}

/// What an AnyValue with a string says; empty for every other kind.
std::string_view string_of(std::string_view any_value);
/// The first element of an array of strings, or the string itself.
std::string_view first_string_of(std::string_view any_value);

/// Names of attributes, header fields and URL parameters whose values are nobody's business.
class Scrub {
 public:
  /// `names` in any case, `-` and `_` the same: "set-cookie".
  explicit Scrub(std::span<const std::string> names);
  /// True for the name itself and for anything that ends in ".NAME".
  bool hides(std::string_view key) const;
  /// The URL without user and password, and with the values of hidden parameters replaced.
  std::string url(std::string_view from) const;
  /// "a=1&password=2" with the values of hidden parameters replaced.
  std::string query(std::string_view from) const;

 private:
  std::vector<std::string> names_;
};
inline constexpr std::string_view scrubbed = "[scrubbed]";

/// The keys of one JSON object so far: a second member of the same name means something else to
/// every reader. Views must outlive it.
class Keys {
 public:
  bool is_new(std::string_view key) { return seen_.insert(key).second; }

 private:
  std::unordered_set<std::string_view> seen_;
};

/// Writes an AnyValue as one JSON value; strings are cut to `string_bytes`, what is nested deeper
/// than 16 is left out. Bytes become base64.
void write_value(JsonWriter& json, std::string_view any_value, std::size_t string_bytes,
                 const Scrub& scrub);
/// Words for people: a string as it is, everything else as JSON; empty for an empty value.
std::string words_of(std::string_view any_value, std::size_t string_bytes, const Scrub& scrub);

}  // namespace forager::rollbar
