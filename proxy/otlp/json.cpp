#include "otlp/json.h"

#include <array>
#include <cstdint>
#include <limits>
#include <string>

#include <fmt/format.h>

#include "otlp/json_text.h"
#include "otlp/json_value.h"
#include "otlp/json_writer.h"
#include "otlp/schema.h"
#include "otlp/walk.h"

namespace forager::otlp {
namespace {

using schema::Kind;
using schema::Label;

constexpr std::size_t tag_and_length = tag_bytes_max + varint_bytes_max;

/// Every function returns false at the first fault; on the way back each level puts its name in
/// front of the path.
class Transcoder {
 public:
  Transcoder(std::string_view json, std::size_t limit)
      : text_(json), out_(json.size() + tag_and_length, limit), limit_(limit) {
    widths_.fill(1);
  }

  Result<Buffer> request(schema::MessageId id) {
    if (!message(id, 1)) return failure();
    if (!text_.at_end()) {
      text_.fail("nothing is expected after the request");
      return failure();
    }
    return out_.finish();
  }

 private:
  bool message(schema::MessageId id, int depth);
  const schema::Field* find(schema::Fields fields, const JsonString& key, std::size_t& next);
  bool field(const schema::Field& field, int depth);
  bool list(const schema::Field& field, int depth);
  bool packed(const schema::Field& field);
  template <class Element>
  bool elements(Element element);
  bool child(const schema::Field& field, int depth);
  bool single(const schema::Field& field, int depth);
  bool null_element(const schema::Field& field);
  bool string(const schema::Field& field);
  bool bytes(const schema::Field& field);
  bool number(Kind kind);
  bool put_number(Kind kind, std::string_view text, bool quoted);
  bool put_signed(Kind kind, std::string_view text, bool quoted);
  bool put_unsigned(Kind kind, std::string_view text);
  bool out_of_range(std::string_view wanted);
  bool boolean();
  std::string_view content(const JsonString& value);
  bool wrong(std::string what);
  bool expected(std::string_view what);
  bool room(std::size_t bytes);
  void in(std::string_view step);
  Fault failure() const;

  JsonText text_;
  Writer out_;
  std::size_t limit_;
  std::array<std::uint8_t, schema::message_count> widths_{};  ///< of the last length of each kind
  std::string scratch_;  ///< a value with escapes that isn't copied as it is
  std::string path_;
  std::string what_;
};

bool Transcoder::wrong(std::string what) {
  if (what_.empty()) what_ = std::move(what);
  return false;
}

bool Transcoder::expected(std::string_view what) {
  const auto found = [this]() -> std::string_view {
    switch (text_.peek()) {
      case '{':
        return "an object";
      case '[':
        return "an array";
      case '"':
        return "a string";
      case 't':
      case 'f':
        return "a boolean";
      case 'n':
        return "null";
      default:
        return "a number";
    }
  };
  JsonText ahead = text_;  // text that isn't JSON at all is called that, not a wrong type
  if (!ahead.skip_value()) return text_.skip_value();
  return wrong(fmt::format("{} is expected, not {}", what, found()));
}

bool Transcoder::out_of_range(std::string_view wanted) {
  return wrong(fmt::format("{} is expected, and this is not one or out of range", wanted));
}

bool Transcoder::room(std::size_t bytes) {
  return out_.room(bytes) ||
         wrong(fmt::format("as protobuf the request is over the limit of {} bytes", limit_));
}

void Transcoder::in(std::string_view step) {
  const bool joined = path_.empty() || path_.front() == '[';
  path_ = fmt::format("{}{}{}", step, joined ? "" : ".", path_);
}

Fault Transcoder::failure() const {
  const std::string where = path_.empty() ? "the request" : path_;
  if (!what_.empty()) return fault(fmt::format("{}: {}", where, what_));
  return fault(
      fmt::format("{}: not valid JSON at byte {}: {}", where, text_.offset(), text_.fault()));
}

/// SDKs write their fields in a fixed order, so the one after the last is tried first.
const schema::Field* Transcoder::find(schema::Fields fields, const JsonString& key,
                                      std::size_t& next) {
  const std::string_view name = content(key);
  for (std::size_t tried = 0; tried < fields.size(); ++tried) {
    if (next >= fields.size()) next = 0;
    const schema::Field& candidate = fields[next++];
    if (candidate.name == name) return &candidate;
  }
  return nullptr;
}

bool Transcoder::message(schema::MessageId id, int depth) {
  if (depth > depth_max) return wrong(fmt::format("nested deeper than {} messages", depth_max));
  if (!text_.take('{')) return expected("an object");
  if (text_.take('}')) return true;
  const schema::Fields fields = schema::fields_of(id);
  std::size_t next = 0;
  JsonString key;
  do {
    if (!text_.string(key)) return false;
    if (!text_.take(':')) return text_.fail("':' is expected after a name");
    const schema::Field* const known = find(fields, key, next);
    if (known == nullptr) {
      if (!text_.skip_value()) return false;
    } else if (!field(*known, depth)) {
      in(known->name);
      return false;
    }
  } while (text_.take(','));
  return text_.take('}') || text_.fail("',' or '}' is expected");
}

bool Transcoder::field(const schema::Field& field, int depth) {
  if (text_.peek() == 'n') return text_.literal("null");
  if (field.label == Label::repeated) return list(field, depth);
  return single(field, depth);
}

bool Transcoder::single(const schema::Field& field, int depth) {
  switch (field.kind) {
    case Kind::message:
      return child(field, depth);
    case Kind::string:
      return string(field);
    case Kind::hex:
    case Kind::base64:
      return bytes(field);
    default:
      break;
  }
  if (!room(tag_and_length)) return false;
  out_.tag(field.number, schema::wire_type(field.kind));
  return field.kind == Kind::boolean ? boolean() : number(field.kind);
}

bool Transcoder::child(const schema::Field& field, int depth) {
  if (!room(tag_and_length)) return false;
  out_.tag(field.number, 2);
  auto& last_width = widths_[static_cast<std::size_t>(field.of)];
  std::uint8_t width = last_width;
  const std::size_t start = out_.open(width);
  if (!message(field.of, depth + 1)) return false;
  if (!out_.close(start, width)) return room(SIZE_MAX);
  last_width = width;
  return true;
}

template <class Element>
bool Transcoder::elements(Element element) {
  std::size_t index = 0;
  do {
    if (!element()) {
      in(fmt::format("[{}]", index));
      return false;
    }
    ++index;
  } while (text_.take(','));
  return text_.take(']') || text_.fail("',' or ']' is expected");
}

bool Transcoder::list(const schema::Field& field, int depth) {
  if (!text_.take('[')) return expected("an array");
  if (text_.take(']')) return true;
  if (schema::wire_type(field.kind) != 2) return packed(field);
  return elements([&] {
    if (text_.peek() == 'n') return null_element(field);
    return single(field, depth);
  });
}

bool Transcoder::null_element(const schema::Field& field) {
  if (!text_.literal("null") || !room(tag_and_length)) return false;
  out_.tag(field.number, 2);
  out_.varint(0);
  return true;
}

bool Transcoder::packed(const schema::Field& field) {
  if (!room(tag_and_length)) return false;
  out_.tag(field.number, 2);
  std::uint8_t width = 1;
  const std::size_t start = out_.open(width);
  const bool read = elements([&] {
    if (!room(varint_bytes_max)) return false;
    if (text_.peek() != 'n') return number(field.kind);
    return text_.literal("null") && put_number(field.kind, "0", false);
  });
  if (!read) return false;
  return out_.close(start, width) || room(SIZE_MAX);
}

/// The value without escapes, until the next call.
std::string_view Transcoder::content(const JsonString& value) {
  if (value.plain) return value.raw;
  scratch_.resize(value.raw.size());
  scratch_.resize(unescape(value.raw, scratch_.data()));
  return scratch_;
}

bool Transcoder::string(const schema::Field& field) {
  if (text_.peek() != '"') return expected("a string");
  JsonString value;
  if (!text_.string(value) || !room(tag_and_length + value.raw.size())) return false;
  out_.tag(field.number, 2);
  if (value.plain) {
    out_.varint(value.raw.size());
    out_.raw(value.raw);
    return true;
  }
  auto width = static_cast<std::uint8_t>(varint_size(value.raw.size()));
  const std::size_t start = out_.open(width);
  out_.wrote(unescape(value.raw, out_.at()));
  return out_.close(start, width);  // never longer than what there was room for
}

bool Transcoder::bytes(const schema::Field& field) {
  if (text_.peek() != '"') return expected("a string");
  JsonString value;
  if (!text_.string(value)) return false;
  const std::string_view text = content(value);
  if (!room(tag_and_length + text.size())) return false;
  out_.tag(field.number, 2);
  if (field.kind == Kind::hex) {
    if (text.size() % 2 != 0) {
      return wrong(fmt::format("{} hex digits, an even number is needed", text.size()));
    }
    out_.varint(text.size() / 2);
    if (!hex_decode(text, out_.at())) {
      return wrong("not hexadecimal; OTLP/JSON writes trace and span ids in hex, not in base64");
    }
    out_.wrote(text.size() / 2);
    return true;
  }
  auto width = static_cast<std::uint8_t>(varint_size(text.size() * 3 / 4));
  const std::size_t start = out_.open(width);
  const auto size = base64_decode(text, out_.at());
  if (!size) return wrong("not base64");
  out_.wrote(*size);
  return out_.close(start, width);
}

bool Transcoder::boolean() {
  const char next = text_.peek();
  if (next != 't' && next != 'f') return expected("true or false");
  if (!text_.literal(next == 't' ? "true" : "false")) return false;
  out_.varint(next == 't' ? 1 : 0);
  return true;
}

bool Transcoder::number(Kind kind) {
  const char next = text_.peek();
  if (next == '"') {
    JsonString value;
    return text_.string(value) && put_number(kind, content(value), true);
  }
  if (next != '-' && (next < '0' || next > '9')) return expected("a number");
  std::string_view digits;
  return text_.number(digits) && put_number(kind, digits, false);
}

/// Room for it was asked for.
bool Transcoder::put_number(Kind kind, std::string_view text, bool quoted) {
  switch (kind) {
    case Kind::float64: {
      const auto value = double_of(text);
      if (!value) return out_of_range("a double");
      out_.fixed(*value);
      return true;
    }
    case Kind::enumeration:
    case Kind::sint32:
    case Kind::int64:
    case Kind::sfixed64:
      return put_signed(kind, text, quoted);
    default:
      return put_unsigned(kind, text);
  }
}

bool Transcoder::put_signed(Kind kind, std::string_view text, bool quoted) {
  using Narrow = std::numeric_limits<std::int32_t>;
  using Wide = std::numeric_limits<std::int64_t>;
  const bool narrow = kind == Kind::enumeration || kind == Kind::sint32;
  const auto value = narrow ? signed_of(text, Narrow::min(), Narrow::max())
                            : signed_of(text, Wide::min(), Wide::max());
  if (!value) {
    if (kind == Kind::enumeration && quoted) {
      return wrong("names of enum values are not accepted in OTLP/JSON, write the integer");
    }
    return out_of_range(narrow ? "an integer of 32 bits" : "an integer of 64 bits");
  }
  const auto bits = static_cast<std::uint64_t>(*value);
  if (kind == Kind::sfixed64) {
    out_.fixed(bits);
  } else if (kind == Kind::sint32) {
    const auto low = static_cast<std::uint32_t>(bits);
    out_.varint((low << 1U) ^ (*value < 0 ? 0xFFFFFFFFU : 0U));
  } else {
    out_.varint(bits);
  }
  return true;
}

bool Transcoder::put_unsigned(Kind kind, std::string_view text) {
  const bool narrow = kind == Kind::uint32 || kind == Kind::fixed32;
  const auto value = unsigned_of(text, narrow ? UINT32_MAX : UINT64_MAX);
  if (!value) {
    return out_of_range(narrow ? "an integer of 32 bits, not negative,"
                               : "an integer of 64 bits, not negative,");
  }
  if (kind == Kind::fixed32) {
    out_.fixed(static_cast<std::uint32_t>(*value));
  } else if (kind == Kind::fixed64) {
    out_.fixed(*value);
  } else {
    out_.varint(*value);
  }
  return true;
}

}  // namespace

Result<Buffer> json_to_protobuf(Signal signal, std::string_view json, std::size_t limit) {
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  if (json.starts_with(byte_order_mark)) json.remove_prefix(byte_order_mark.size());
  return Transcoder(json, limit).request(schema::request_of(signal));
}

}  // namespace forager::otlp
