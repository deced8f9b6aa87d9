#include "destination/name_template.h"

#include <algorithm>

#include <fmt/format.h>

namespace forager::destination {
namespace {

constexpr std::string_view reserved_group = "aws/";

bool may_hold(NameShape shape, char c) {
  if (shape == NameShape::log_stream) return c > 0x20 && c < 0x7F && c != ':' && c != '*';
  constexpr std::string_view others = "_-/.#";
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
         others.find(c) != std::string_view::npos;
}

std::string_view allowed(NameShape shape) {
  return shape == NameShape::log_group ? "letters, digits and _-/.#"
                                       : "visible ASCII without ':' and '*'";
}

std::string fitting(NameShape shape, std::string_view text) {
  std::string made(text);
  std::replace_if(made.begin(), made.end(), [shape](char c) { return !may_hold(shape, c); }, '_');
  return made;
}

}  // namespace

Result<NameTemplate> NameTemplate::parse(std::string_view text, NameShape shape) {
  NameTemplate made(shape);
  made.literals_.emplace_back();
  const std::string_view whole = text;
  while (!text.empty()) {
    if (text.front() != '{') {
      if (!may_hold(shape, text.front())) {
        return fault(fmt::format("'{}' at byte {} of '{}' can't be in this name: it takes {}",
                                 text.front(), whole.size() - text.size(), whole, allowed(shape)));
      }
      made.literals_.back() += text.front();
      text.remove_prefix(1);
      continue;
    }
    const std::size_t close = text.find('}');
    if (close == std::string_view::npos) {
      return fault(fmt::format("the '}}' of '{}' is missing in '{}'", text, whole));
    }
    const std::string_view inside = text.substr(1, close - 1);
    const std::size_t colon = std::min(inside.find(':'), inside.size());
    const std::string_view key = inside.substr(0, colon);
    const std::string_view fallback = inside.substr(std::min(colon + 1, inside.size()));
    if (key.empty() || key.find('{') != std::string_view::npos) {
      return fault(
          fmt::format("'{{{}}}' in '{}' names no attribute: write {{service.name}} or "
                      "{{service.name:fallback}}",
                      inside, whole));
    }
    if (fallback != fitting(shape, fallback)) {
      return fault(fmt::format("the fallback '{}' in '{}' can't be in this name: it takes {}",
                               fallback, whole, allowed(shape)));
    }
    made.keys_.emplace_back(key);
    made.fallbacks_.emplace_back(fallback.empty() ? missing : fallback);
    made.literals_.emplace_back();
    text.remove_prefix(close + 1);
  }
  if (whole.empty()) return fault("the name is empty");
  if (shape == NameShape::log_group && whole.starts_with(reserved_group)) {
    return fault(fmt::format("'{}' begins with aws/, which AWS keeps for itself", whole));
  }
  if (made.fixed() && whole.size() > aws_name_bytes_max) {
    return fault(fmt::format("the name has {} bytes, over the {} that AWS takes", whole.size(),
                             aws_name_bytes_max));
  }
  return made;
}

std::string NameTemplate::name(const std::vector<std::string>& values) const {
  std::string made = literals_.front();
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    const bool have = i < values.size() && !values[i].empty();
    made += have ? fitting(shape_, values[i]) : fallbacks_[i];
    made += literals_[i + 1];
  }
  if (shape_ == NameShape::log_group && made.starts_with(reserved_group)) made[3] = '_';
  return made.substr(0, aws_name_bytes_max);
}

std::string NameTemplate::pattern() const {
  std::string made = literals_.front();
  for (std::size_t i = 1; i < literals_.size(); ++i) {
    if (!made.ends_with('*')) made += '*';
    made += literals_[i];
  }
  return made;
}

}  // namespace forager::destination
