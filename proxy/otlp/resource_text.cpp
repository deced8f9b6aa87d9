#include "otlp/resource_text.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/utf8.h"

namespace forager::otlp {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view white = " \t\r\n";
  const auto first = text.find_first_not_of(white);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(white) - first + 1);
}

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// nullopt: a `%` without two hexadecimal digits.
std::optional<std::string> percent_decoded(std::string_view text) {
  std::string made;
  made.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      made += text[i];
      continue;
    }
    const int high = i + 1 < text.size() ? digit_of(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? digit_of(text[i + 2]) : -1;
    if (high < 0 || low < 0) return std::nullopt;
    made += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return made;
}

Result<Attribute> attribute_of(std::string_view member, std::size_t number) {
  const auto equals = member.find('=');
  if (equals == std::string_view::npos) {
    return fault(
        fmt::format("has no = in its member {}; write key=value, and %2C for a comma "
                    "in a value",
                    number));
  }
  auto key = percent_decoded(trimmed(member.substr(0, equals)));
  auto value = percent_decoded(trimmed(member.substr(equals + 1)));
  if (!key || !value) {
    return fault(
        fmt::format("has a % without two hexadecimal digits in its member {}; write %25 "
                    "for the sign itself",
                    number));
  }
  if (key->empty()) return fault(fmt::format("has no key before the = of its member {}", number));
  if (!is_utf8(*key) || !is_utf8(*value)) {
    return fault(fmt::format("isn't UTF-8 in its member {}; encode the bytes of UTF-8", number));
  }
  return Attribute{std::move(*key), std::move(*value)};
}

}  // namespace

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t size = utf8_sequence(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

Result<std::vector<Attribute>> parse_resource_text(std::string_view text) {
  if (text.size() > resource_text_bytes_max) {
    return fault(fmt::format("has {} bytes; {} are allowed, since every request carries them",
                             text.size(), resource_text_bytes_max));
  }
  std::vector<Attribute> made;
  std::size_t number = 0;
  while (!text.empty()) {
    const std::string_view member = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), member.size() + 1));
    ++number;
    if (trimmed(member).empty()) continue;
    auto one = attribute_of(member, number);
    if (!one) return one.error();
    const auto same = std::ranges::find(made, one->key, &Attribute::key);
    if (same != made.end()) {
      same->value = std::move(one->value);
    } else {
      made.push_back(std::move(*one));
    }
  }
  if (made.size() > resource_text_attributes_max) {
    return fault(fmt::format("has {} attributes; {} are allowed, since every request carries them",
                             made.size(), resource_text_attributes_max));
  }
  return made;
}

}  // namespace forager::otlp
