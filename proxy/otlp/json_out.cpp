#include "otlp/json_out.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <iterator>

#include <fmt/format.h>

#include "otlp/json_text.h"
#include "otlp/schema.h"
#include "otlp/walk.h"
#include "otlp/wire.h"

namespace forager::otlp {
namespace {

using schema::Kind;
using schema::Label;

bool has_type(const schema::Field& known, WireType found) {
  const std::uint32_t type = schema::wire_type(known.kind);
  if (static_cast<std::uint32_t>(found) == type) return true;
  return known.label == Label::repeated && type != 2 && found == WireType::bytes;  // packed
}

class Printer {
 public:
  void message(schema::MessageId id, std::string_view body, int depth);
  std::string take() { return std::move(out_); }

 private:
  /// What one pass over a message finds out: where each of its known fields begins, and the one of
  /// a oneof that counts.
  struct Seen {
    std::uint32_t present = 0;  ///< a bit for each field of the schema
    std::size_t oneof = SIZE_MAX;
    std::size_t oneof_from = 0;  ///< members before this offset were replaced
  };
  static Seen look(schema::Fields fields, std::string_view body);
  void field(const schema::Field& known, std::string_view body, int depth);
  void repeated(const schema::Field& known, std::string_view body, int depth);
  void single(const schema::Field& known, std::string_view body, int depth);
  void packed(Kind kind, std::string_view values);
  void value(const schema::Field& known, std::string_view value, int depth);
  void scalar(Kind kind, std::string_view value);
  void string(std::string_view text);
  void hex(std::string_view bytes);
  void base64(std::string_view bytes);
  void floating(double value);
  template <class... Args>
  void add(fmt::format_string<Args...> form, Args&&... args) {
    fmt::format_to(std::back_inserter(out_), form, std::forward<Args>(args)...);
  }

  std::string out_;
};

Printer::Seen Printer::look(schema::Fields fields, std::string_view body) {
  Seen seen;
  Fields reader(body);
  while (const auto found = reader.next()) {
    for (std::size_t i = 0; i < fields.size(); ++i) {
      const schema::Field& known = fields[i];
      if (known.number != found->number || !has_type(known, found->type)) continue;
      seen.present |= 1U << i;
      if (known.label == Label::oneof && seen.oneof != i) {
        seen.oneof = i;
        seen.oneof_from = static_cast<std::size_t>(found->whole.data() - body.data());
      }
    }
  }
  return seen;
}

void Printer::message(schema::MessageId id, std::string_view body, int depth) {
  out_ += '{';
  const schema::Fields fields = schema::fields_of(id);
  const Seen seen = depth > depth_max ? Seen{} : look(fields, body);
  bool first = true;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const schema::Field& known = fields[i];
    if ((seen.present & (1U << i)) == 0) continue;
    if (known.label == Label::oneof && seen.oneof != i) continue;
    if (!first) out_ += ',';
    first = false;
    out_ += '"';
    out_ += known.name;
    out_ += "\":";
    field(known, known.label == Label::oneof ? body.substr(seen.oneof_from) : body, depth);
  }
  out_ += '}';
}

void Printer::field(const schema::Field& known, std::string_view body, int depth) {
  if (known.label == Label::repeated) {
    repeated(known, body, depth);
  } else {
    single(known, body, depth);
  }
}

void Printer::repeated(const schema::Field& known, std::string_view body, int depth) {
  out_ += '[';
  const std::size_t start = out_.size();
  Fields reader(body);
  while (const auto found = reader.next()) {
    if (found->number != known.number || !has_type(known, found->type)) continue;
    if (schema::wire_type(known.kind) != 2 && found->type == WireType::bytes) {
      packed(known.kind, found->value);
    } else {
      value(known, found->value, depth);
      out_ += ',';
    }
  }
  if (out_.size() != start) out_.pop_back();
  out_ += ']';
}

/// Leaves a comma after each value.
void Printer::packed(Kind kind, std::string_view values) {
  const std::uint32_t type = schema::wire_type(kind);
  while (!values.empty()) {
    std::size_t size = type == 1 ? 8 : 4;
    if (type == 0) {
      const auto varint = read_varint(values.data(), values.data() + values.size());
      if (varint.next == nullptr) return;
      size = static_cast<std::size_t>(varint.next - values.data());
    }
    if (size > values.size()) return;
    scalar(kind, values.substr(0, size));
    out_ += ',';
    values.remove_prefix(size);
  }
}

/// The last one counts, and messages that come more than once are merged, which is the same as
/// joining their bytes.
void Printer::single(const schema::Field& known, std::string_view body, int depth) {
  std::string_view last;
  std::string joined;
  bool again = false;
  Fields reader(body);
  while (const auto found = reader.next()) {
    if (found->number != known.number || !has_type(known, found->type)) continue;
    if (again && known.kind == Kind::message) {
      if (joined.empty()) joined = last;
      joined += found->value;
    }
    last = found->value;
    again = true;
  }
  value(known, joined.empty() ? last : std::string_view(joined), depth);
}

void Printer::value(const schema::Field& known, std::string_view value, int depth) {
  switch (known.kind) {
    case Kind::message:
      return message(known.of, value, depth + 1);
    case Kind::string:
      return string(value);
    case Kind::hex:
      return hex(value);
    case Kind::base64:
      return base64(value);
    default:
      return scalar(known.kind, value);
  }
}

void Printer::scalar(Kind kind, std::string_view value) {
  std::uint64_t bits = 0;
  switch (schema::wire_type(kind)) {
    case 1:
      std::memcpy(&bits, value.data(), sizeof bits);
      break;
    case 5: {
      std::uint32_t word = 0;
      std::memcpy(&word, value.data(), sizeof word);
      bits = word;
      break;
    }
    default:
      bits = read_varint(value.data(), value.data() + value.size()).value;
      break;
  }
  const auto low = static_cast<std::uint32_t>(bits);
  switch (kind) {
    case Kind::boolean:
      out_ += bits != 0 ? "true" : "false";
      break;
    case Kind::float64:
      floating(std::bit_cast<double>(bits));
      break;
    case Kind::enumeration:
      add("{}", static_cast<std::int32_t>(low));
      break;
    case Kind::uint32:
    case Kind::fixed32:
      add("{}", low);
      break;
    case Kind::sint32:
      add("{}", static_cast<std::int32_t>((low >> 1U) ^ (~(low & 1U) + 1U)));
      break;
    case Kind::int64:
    case Kind::sfixed64:
      add("\"{}\"", static_cast<std::int64_t>(bits));
      break;
    default:
      add("\"{}\"", bits);
      break;
  }
}

void Printer::floating(double value) {
  if (std::isnan(value)) {
    out_ += "\"NaN\"";
  } else if (std::isinf(value)) {
    out_ += value > 0 ? "\"Infinity\"" : "\"-Infinity\"";
  } else if (value == 0 && std::signbit(value)) {
    out_ += "-0.0";  // some parsers take "-0" for an integer
  } else {
    add("{}", value);
  }
}

void Printer::string(std::string_view text) {
  out_ += '"';
  append_json_escaped(text, out_);
  out_ += '"';
}

void Printer::hex(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  out_ += '"';
  for (const char c : bytes) {
    out_ += digits[static_cast<unsigned char>(c) >> 4U];
    out_ += digits[static_cast<unsigned char>(c) & 0xFU];
  }
  out_ += '"';
}

void Printer::base64(std::string_view bytes) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  out_ += '"';
  for (; !bytes.empty(); bytes.remove_prefix(std::min<std::size_t>(3, bytes.size()))) {
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      bits = (bits << 8U) | (i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0U);
    }
    out_ += digits[bits >> 18U];
    out_ += digits[(bits >> 12U) & 63U];
    out_ += bytes.size() > 1 ? digits[(bits >> 6U) & 63U] : '=';
    out_ += bytes.size() > 2 ? digits[bits & 63U] : '=';
  }
  out_ += '"';
}

}  // namespace

std::string protobuf_to_json(Signal signal, std::string_view body) {
  Printer printer;
  printer.message(schema::request_of(signal), body, 1);
  return printer.take();
}

}  // namespace forager::otlp
