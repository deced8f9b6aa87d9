// What segment_spans is made of: numbers of segment documents, attributes, resources, exceptions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <protozero/pbf_writer.hpp>

#include "otlp/json_tree.h"

namespace forager::otlp::segments {

using Value = JsonTree::Value;
using protozero::pbf_writer;

/// Seconds as a decimal, with or without an exponent, as nanoseconds, exactly; what is finer is
/// rounded. nullopt: no number, negative, or over 64 bits.
std::optional<std::uint64_t> nanos_of(std::string_view seconds);
/// `digits` hexadecimal digits as bytes; nullopt: something else, or all zero.
std::optional<std::string> id_of(std::string_view hex, std::size_t digits);
/// "1-8hex-24hex" as its 16 bytes.
std::optional<std::string> trace_id_of(std::string_view text);

/// Writes attributes to field `field` of a message. Empty texts and values that aren't there are
/// left out.
class Attributes {
 public:
  Attributes(pbf_writer& message, std::uint32_t field) : message_(message), field_(field) {}
  void text(std::string_view key, std::string_view value);
  void whole(std::string_view key, std::int64_t value);
  void truth(std::string_view key, bool value);
  void texts(std::string_view key, std::span<const std::string> values);
  /// A scalar as what it is; an object or an array as its JSON text.
  void value(std::string_view key, const Value& value);
  /// A number, or the number in a text; anything else is left out.
  void number(std::string_view key, const Value& value);

 private:
  pbf_writer& message_;
  std::uint32_t field_;
};

/// A field of X-Ray and the attribute that says the same.
struct Renamed {
  std::string_view from;
  std::string_view to;
};
void put_renamed(Attributes& to, const Value& from, std::span<const Renamed> names);

/// Which of the languages of telemetry.sdk.language wrote it: by the SDK's name ("X-Ray for
/// Python"), else by the file name of a stack frame; empty: can't be told.
std::string_view language_of(const Value& segment);

/// What is true of the whole document.
void put_resource(Attributes to, const Value& segment);

enum class SpanKind : std::uint8_t { internal = 1, server = 2, client = 3 };
void put_attributes(Attributes to, const Value& segment, SpanKind kind);

struct ExceptionEvent {
  std::string type;
  std::string message;
  std::string stack;  ///< empty: it came without one
  bool remote = false;
};
/// One for each exception of `cause` that isn't the cause of another one in it, the causes within
/// its stack text. `language`: as language_of says, or empty.
std::vector<ExceptionEvent> exceptions_of(const Value& segment, std::string_view language);

}  // namespace forager::otlp::segments
