// The reading half of reply.h.
#include <algorithm>

#include <fmt/format.h>
#include <protozero/exception.hpp>
#include <protozero/pbf_reader.hpp>

#include "otlp/json_text.h"
#include "otlp/reply.h"

namespace forager::otlp {
namespace {

constexpr std::size_t message_bytes_max = 300;
// Of a body that isn't structured only so much is looked at: an error page of a proxy may have
// megabytes.
constexpr std::size_t text_bytes_max = 4096;
constexpr int error_depth_max = 4;

std::string_view view_of(protozero::data_view data) { return {data.data(), data.size()}; }

PartialSuccess partial_of(protozero::pbf_reader response) {
  PartialSuccess partial;
  while (response.next()) {
    if (response.tag() != 1 || response.wire_type() != protozero::pbf_wire_type::length_delimited) {
      response.skip();
      continue;
    }
    protozero::pbf_reader message = response.get_message();
    while (message.next()) {
      if (message.tag_and_type() == protozero::tag_and_type(1, protozero::pbf_wire_type::varint)) {
        partial.rejected = message.get_int64();
      } else if (message.tag_and_type() ==
                 protozero::tag_and_type(2, protozero::pbf_wire_type::length_delimited)) {
        partial.message = view_of(message.get_view());
      } else {
        message.skip();
      }
    }
  }
  return partial;
}

/// Status.message; empty when the body isn't one.
std::string status_message(std::string_view body) {
  std::string found;
  try {
    protozero::pbf_reader status(body.data(), body.size());
    while (status.next()) {
      if (status.tag_and_type() ==
          protozero::tag_and_type(2, protozero::pbf_wire_type::length_delimited)) {
        found = view_of(status.get_view());
      } else {
        status.skip();
      }
    }
  } catch (const protozero::exception&) {
    return {};
  }
  return found;
}

/// What an error body in JSON may call its words: Status, Honeycomb's and Rollbar's {"error"},
/// problem details.
struct Words {
  std::string message;
  std::string error;
  std::string title;
  std::string detail;

  std::string best() const {
    if (!message.empty()) return message;
    if (!error.empty()) return error;
    if (!title.empty() && !detail.empty()) return title + ": " + detail;
    return title + detail;
  }
  std::string* named(std::string_view key) {
    if (key == "message") return &message;
    if (key == "error") return &error;
    if (key == "title") return &title;
    if (key == "detail") return &detail;
    return nullptr;
  }
};

std::string value_of(const JsonString& raw) {
  std::string value(raw.raw.size(), '\0');
  value.resize(unescape(raw.raw, value.data()));
  return value;
}

/// False: not a JSON object. {"error": {"message": ...}} is looked into.
bool read_words(JsonText& text, Words& into, int depth) {
  if (depth == error_depth_max || !text.take('{')) return false;
  if (text.take('}')) return true;
  do {
    JsonString key;
    if (!text.string(key) || !text.take(':')) return false;
    std::string* const wanted = into.named(value_of(key));
    if (wanted != nullptr && text.peek() == '"') {
      JsonString value;
      if (!text.string(value)) return false;
      *wanted = value_of(value);
    } else if (wanted != nullptr && text.peek() == '{') {
      Words inner;
      if (!read_words(text, inner, depth + 1)) return false;
      *wanted = inner.best();
    } else if (!text.skip_value()) {
      return false;
    }
  } while (text.take(','));
  return text.take('}');
}

/// White space and control characters become one space, everything else that can't be shown '?'.
std::string one_line(std::string_view text) {
  constexpr std::string_view dots = "...";
  std::string line;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    const auto byte = static_cast<unsigned char>(*at);
    const std::size_t length = std::max<std::size_t>(utf8_length(at, end), 1);
    const bool valid = utf8_length(at, end) != 0;
    // U+0080 to U+009F are control characters too
    const bool control = byte <= 0x20 || byte == 0x7F ||
                         (byte == 0xC2 && length == 2 && static_cast<unsigned char>(at[1]) < 0xA0);
    if (control) {
      if (!line.empty() && line.back() != ' ') line += ' ';
    } else if (valid) {
      line.append(at, length);
    } else {
      line += '?';
    }
    at += length;
    if (line.size() <= message_bytes_max) continue;
    std::size_t cut = message_bytes_max - dots.size();
    while ((static_cast<unsigned char>(line[cut]) & 0xC0U) == 0x80U) --cut;
    return line.substr(0, cut).append(dots);
  }
  if (line.ends_with(' ')) line.pop_back();
  return line;
}

}  // namespace

Result<PartialSuccess> read_export_response(std::string_view protobuf_body) {
  try {
    return partial_of(protozero::pbf_reader(protobuf_body.data(), protobuf_body.size()));
  } catch (const protozero::exception& broken) {
    return fault(
        fmt::format("the answer is not an Export response in protobuf: {}", broken.what()));
  }
}

std::string read_error_message(std::string_view content_type, std::string_view body) {
  JsonText text(body);
  Words words;
  if (text.peek() == '{' && read_words(text, words, 0)) {
    if (const std::string found = words.best(); !found.empty()) return one_line(found);
  }
  if (content_type.find("protobuf") != std::string_view::npos) {
    if (const std::string found = status_message(body); !found.empty()) return one_line(found);
    if (body.find('\0') != std::string_view::npos) return {};
  }
  return one_line(body.substr(0, text_bytes_max));
}

}  // namespace forager::otlp
