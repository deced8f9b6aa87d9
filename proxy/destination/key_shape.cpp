#include "destination/key_shape.h"

#include <algorithm>

namespace forager::destination {
namespace {

constexpr std::size_t prefix_bytes = 6;     // hcaik_
constexpr std::size_t prefixed_bytes = 64;  // and 58 more
constexpr std::size_t shown_bytes = 4;      // behind the prefix
constexpr std::size_t shortest_shown =
    16;  // below this, four characters would be a good part of the secret

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_alphanumeric(char c) { return is_digit(c) || is_lower(c) || is_upper(c); }

bool has_prefix(std::string_view key) {
  return key.size() > prefix_bytes && key.starts_with("hc") &&
         std::all_of(key.begin() + 2, key.begin() + 5, is_lower) && key[5] == '_';
}

KeyShape prefixed_shape(std::string_view key) {
  const std::string_view kind = key.substr(3, 2);
  const std::string_view rest = key.substr(prefix_bytes);
  if (kind == "mk") return KeyShape::management;
  if (kind == "lk" && std::all_of(rest.begin(), rest.end(), is_alphanumeric)) {
    return KeyShape::environment_config;
  }
  const bool whole =
      key.size() == prefixed_bytes &&
      std::all_of(rest.begin(), rest.end(), [](char c) { return is_digit(c) || is_lower(c); });
  if (whole && kind == "ic") return KeyShape::classic_ingest;
  if (whole && kind == "ik") return KeyShape::environment_ingest;
  return KeyShape::unknown;
}

}  // namespace

KeyShape classify(std::string_view key) {
  if (has_prefix(key)) return prefixed_shape(key);
  const auto is_hex = [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); };
  if (key.size() == 32 && std::all_of(key.begin(), key.end(), is_hex)) {
    return KeyShape::classic_config;
  }
  if (key.size() >= 20 && key.size() <= 23 &&
      std::all_of(key.begin(), key.end(), is_alphanumeric)) {
    return KeyShape::environment_config;
  }
  return KeyShape::unknown;
}

std::string_view describe(KeyShape shape) {
  switch (shape) {
    case KeyShape::classic_config:
      return "a classic configuration key";
    case KeyShape::classic_ingest:
      return "a classic ingest key";
    case KeyShape::environment_config:
      return "a configuration key";
    case KeyShape::environment_ingest:
      return "an ingest key";
    case KeyShape::management:
      return "a management key, which can't send events";
    case KeyShape::unknown:
      break;
  }
  return "not like any key of Honeycomb's";
}

std::string printable_key(std::string_view key) {
  const std::size_t prefix = has_prefix(key) ? prefix_bytes : 0;
  const std::size_t shown = key.size() < shortest_shown ? prefix : prefix + shown_bytes;
  std::string made;
  for (const char c : key.substr(0, shown)) made += is_alphanumeric(c) || c == '_' ? c : '?';
  return made + "...";
}

std::string without_keys(std::string_view text) {
  const auto in_word = [](char c) { return is_alphanumeric(c) || c == '_'; };
  std::string made;
  while (!text.empty()) {
    const auto end = std::find_if_not(text.begin(), text.end(), in_word);
    const auto size = static_cast<std::size_t>(end - text.begin());
    const std::string_view word = text.substr(0, size);
    if (has_prefix(word) || classify(word) != KeyShape::unknown) {
      made += printable_key(word);
    } else {
      made += word;
    }
    if (size < text.size()) made += text[size];
    text.remove_prefix(std::min(size + 1, text.size()));
  }
  return made;
}

}  // namespace forager::destination
