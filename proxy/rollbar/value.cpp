#include "rollbar/value.h"

#include <algorithm>
#include <bit>
#include <optional>

#include <openssl/evp.h>

#include "rollbar/truncate.h"

namespace forager::rollbar {
namespace {

using otlp::Field;
using otlp::Fields;
using otlp::WireType;

constexpr int nesting_max = 16;
// Fields of AnyValue (PROTOCOLS 1.6).
constexpr std::uint32_t string_value = 1;
constexpr std::uint32_t bool_value = 2;
constexpr std::uint32_t int_value = 3;
constexpr std::uint32_t double_value = 4;
constexpr std::uint32_t array_value = 5;
constexpr std::uint32_t bytes_value = 7;

std::uint64_t varint_of(const Field& field) {
  return otlp::read_varint(field.value.data(), field.value.data() + field.value.size()).value;
}

/// The one field of a oneof that counts: the last.
std::optional<Field> chosen(std::string_view any_value) {
  std::optional<Field> last;
  Fields fields(any_value);
  while (const auto field = fields.next()) {
    if (field->number >= string_value && field->number <= bytes_value) last = field;
  }
  return last;
}

char plain(char c) {
  if (c >= 'A' && c <= 'Z') return static_cast<char>(c + 32);
  return c == '_' ? '-' : c;
}

std::string base64(std::string_view bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

class Writer {
 public:
  Writer(JsonWriter& json, std::size_t string_bytes, const Scrub& scrub)
      : json_(json), string_bytes_(string_bytes), scrub_(scrub) {}

  void write(std::string_view any_value, int depth) {
    const auto field = chosen(any_value);
    if (!field) {
      json_.null();
      return;
    }
    switch (field->number) {
      case string_value:
        json_.value(first_bytes(field->value, string_bytes_));
        break;
      case bool_value:
        json_.value(varint_of(*field) != 0);
        break;
      case int_value:
        json_.value(static_cast<std::int64_t>(varint_of(*field)));
        break;
      case double_value:
        write_double(*field);
        break;
      case bytes_value:
        // A multiple of 3, so that what is cut decodes too.
        json_.value(
            base64(field->value.substr(0, std::min(field->value.size(), string_bytes_ / 4 * 3))));
        break;
      default:
        write_nested(*field, depth);
    }
  }

 private:
  void write_double(const Field& field) {
    if (field.type != WireType::fixed64) {
      json_.null();
      return;
    }
    json_.value(std::bit_cast<double>(otlp::load_fixed64(field.value.data())));
  }

  void write_nested(const Field& field, int depth) {
    if (depth >= nesting_max) {
      json_.value("...");
      return;
    }
    const bool array = field.number == array_value;  // else a kvlist
    array ? json_.begin_array() : json_.begin_object();
    Keys keys;
    Fields values(field.value);
    while (const auto element = values.next()) {
      if (element->number != 1 || element->type != WireType::bytes) continue;
      if (json_.size() > json_bytes_max) break;
      if (array) {
        write(element->value, depth + 1);
        continue;
      }
      const Attribute attribute = attribute_of(element->value);
      const std::string_view key = first_bytes(attribute.key, string_bytes_);
      if (!keys.is_new(key)) continue;
      json_.key(key);
      scrub_.hides(attribute.key) ? (void)json_.value(scrubbed) : write(attribute.value, depth + 1);
    }
    array ? json_.end_array() : json_.end_object();
  }

  // Over every limit there is: the rung will be given up anyway.
  static constexpr std::size_t json_bytes_max = 4 * item_bytes_max;
  JsonWriter& json_;
  std::size_t string_bytes_;
  const Scrub& scrub_;
};

}  // namespace

std::string_view bytes_field(std::string_view message, std::uint32_t number) {
  std::string_view found;
  Fields fields(message);
  while (const auto field = fields.next()) {
    if (field->number == number && field->type == WireType::bytes) found = field->value;
  }
  return found;
}

Attribute attribute_of(std::string_view key_value) {
  Attribute read;
  Fields fields(key_value);
  while (const auto field = fields.next()) {
    if (field->type != WireType::bytes) continue;
    if (field->number == 1) read.key = field->value;
    if (field->number == 2) read.value = field->value;
  }
  return read;
}

std::string_view string_of(std::string_view any_value) {
  const auto field = chosen(any_value);
  return field && field->number == string_value ? field->value : std::string_view{};
}

std::string_view first_string_of(std::string_view any_value) {
  const auto field = chosen(any_value);
  if (!field) return {};
  if (field->number == string_value) return field->value;
  if (field->number != array_value) return {};
  Fields values(field->value);
  const auto first = values.next();
  return first && first->number == 1 ? string_of(first->value) : std::string_view{};
}

Scrub::Scrub(std::span<const std::string> names) {
  for (std::string name : names) {
    std::ranges::transform(name, name.begin(), plain);
    if (!name.empty()) names_.push_back(std::move(name));
  }
}

bool Scrub::hides(std::string_view key) const {
  return std::ranges::any_of(names_, [key](std::string_view name) {
    if (key.size() < name.size()) return false;
    const std::size_t start = key.size() - name.size();
    if (start > 0 && key[start - 1] != '.') return false;
    return std::ranges::equal(key.substr(start), name,
                              [](char a, char b) { return plain(a) == b; });
  });
}

std::string Scrub::query(std::string_view from) const {
  std::string made;
  while (!from.empty()) {
    const std::string_view pair = from.substr(0, from.find('&'));
    const std::size_t equals = pair.find('=');
    if (equals != std::string_view::npos && hides(pair.substr(0, equals))) {
      made.append(pair.substr(0, equals + 1)).append(scrubbed);
    } else {
      made.append(pair);
    }
    from.remove_prefix(pair.size());
    if (from.empty()) break;
    made += '&';
    from.remove_prefix(1);
  }
  return made;
}

std::string Scrub::url(std::string_view from) const {
  std::string made;
  if (const std::size_t scheme = from.find("://"); scheme != std::string_view::npos) {
    made = from.substr(0, scheme + 3);
    from.remove_prefix(scheme + 3);
    const std::string_view authority = from.substr(0, from.find_first_of("/?#"));
    if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
      from.remove_prefix(at + 1);
    }
  }
  const std::size_t question = from.find('?');
  made.append(from.substr(0, question));
  if (question == std::string_view::npos) return made;
  from.remove_prefix(question + 1);
  const std::size_t hash = from.find('#');
  made.append("?").append(query(from.substr(0, hash)));
  if (hash != std::string_view::npos) made.append(from.substr(hash));
  return made;
}

void write_value(JsonWriter& json, std::string_view any_value, std::size_t string_bytes,
                 const Scrub& scrub) {
  Writer(json, string_bytes, scrub).write(any_value, 0);
}

std::string words_of(std::string_view any_value, std::size_t string_bytes, const Scrub& scrub) {
  const auto field = chosen(any_value);
  if (!field) return {};
  if (field->number == string_value) return std::string(first_bytes(field->value, string_bytes));
  JsonWriter json;
  write_value(json, any_value, string_bytes, scrub);
  return std::string(first_bytes(json.take(), string_bytes));
}

}  // namespace forager::rollbar
