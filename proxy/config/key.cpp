#include "config/key.h"

#include <algorithm>

#include <fmt/format.h>

#include "config/values.h"

namespace forager::config {

KeyKind kind_of(const Secret& key) {
  const auto text = key.reveal();
  const auto hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  const auto alnum = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  };
  if (text.size() == 32 && std::ranges::all_of(text, hex)) return KeyKind::classic;
  if (text.size() >= 20 && text.size() <= 23 && std::ranges::all_of(text, alnum)) {
    return KeyKind::configuration;
  }
  if (!text.starts_with("hc") || text.size() < 6 || text[5] != '_') return KeyKind::unknown;
  const auto kind = text.substr(3, 2);
  if (kind == "mk") return KeyKind::management;
  if (text.size() != 64 || !std::ranges::all_of(text.substr(6), alnum)) return KeyKind::unknown;
  if (kind == "ik") return KeyKind::ingest;
  if (kind == "ic") return KeyKind::classic;
  return kind == "lk" ? KeyKind::configuration : KeyKind::unknown;
}

Result<Secret> parse_key(std::string_view text) {
  text = trimmed(text);
  if (text.empty()) return fault("is empty; put the key in it");
  const bool quote = text.front() == '"' || text.front() == '\'';
  if (quote || text.back() == '"' || text.back() == '\'') {
    return fault("has quotes around it; take them off");
  }
  // Printable ASCII without blanks: everything else would break the header or never be a key.
  const auto fits = [](char c) { return c > 0x20 && c < 0x7f; };
  if (!std::ranges::all_of(text, fits)) {
    return fault(
        "has a line end, a blank or another character in it that no key has; write the key alone, "
        "in one line");
  }
  if (text.size() > 1024) return fault("is longer than any key (1024 bytes); write the key alone");
  return Secret(std::string(text));
}

Result<Secret> read_key(const std::string& path, const ReadFile& read_file,
                        std::string_view variable, std::string_view noun,
                        Result<Secret> (*parse)(std::string_view)) {
  auto content = read_file(path);
  if (!content) {
    return fault(fmt::format("{0} file {1} {2}; put the {0} there or set {3}", noun,
                             in_quotes(path), content.error().what, variable));
  }
  auto key = parse(*content);
  OPENSSL_cleanse(content->data(), content->size());
  if (!key)
    return fault(
        fmt::format("{} file {}: the content {}", noun, in_quotes(path), key.error().what));
  return key;
}

}  // namespace forager::config
