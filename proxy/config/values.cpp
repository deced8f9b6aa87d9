#include "config/values.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include <fmt/format.h>

namespace forager::config {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_key_character(char c) {
  return is_digit(c) || c == '_' || (lower(c) >= 'a' && lower(c) <= 'z');
}

template <class Number>
std::optional<Number> whole(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Takes "1.5" off the front; nothing if there is no plain decimal number.
std::optional<double> take_decimal(std::string_view& text) {
  const auto length = std::min(text.find_first_not_of("0123456789."), text.size());
  if (length == 0 || !is_digit(text.front())) return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + length, value);
  if (error != std::errc{} || end != text.data() + length) return std::nullopt;
  text.remove_prefix(length);
  return value;
}

std::string_view take_letters(std::string_view& text) {
  const auto is_letter = [](char c) { return lower(c) >= 'a' && lower(c) <= 'z'; };
  const auto length = static_cast<std::size_t>(
      std::find_if_not(text.begin(), text.end(), is_letter) - text.begin());
  const auto letters = text.substr(0, length);
  text.remove_prefix(length);
  return letters;
}

struct Unit {
  std::string_view name;
  std::uint64_t worth;
};
constexpr std::array<Unit, 5> time_units{
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
/// Largest first among those format_size writes.
constexpr std::array<Unit, 11> size_units{{{"TiB", 1ULL << 40U},
                                           {"GiB", 1U << 30U},
                                           {"GB", 1'000'000'000},
                                           {"MiB", 1U << 20U},
                                           {"MB", 1'000'000},
                                           {"KiB", 1U << 10U},
                                           {"kB", 1'000},
                                           {"B", 1},
                                           {"Gi", 1U << 30U},
                                           {"Mi", 1U << 20U},
                                           {"Ki", 1U << 10U}}};

template <std::size_t N>
const Unit* find_unit(const std::array<Unit, N>& units, std::string_view name) {
  const auto same = [&](const Unit& unit) {
    return std::ranges::equal(unit.name, name, {}, lower, lower);
  };
  const auto found = std::ranges::find_if(units, same);
  return found == units.end() ? nullptr : &*found;
}

constexpr std::string_view duration_fix =
    "is not a duration; write a number and a unit, such as 200ms, 8s, 5m or 1h30m";
constexpr std::string_view size_fix =
    "is not a size; write bytes, or a number and a unit, such as "
    "5000000, 64MiB (1024s) or 5MB (1000s)";

}  // namespace

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blank = " \t\r\n";
  const auto begin = text.find_first_not_of(blank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blank) - begin + 1);
}

Result<milliseconds> parse_duration(std::string_view text, milliseconds least, milliseconds most) {
  if (text.starts_with('-')) return fault("is negative; a duration is 0 or more, such as 200ms");
  double total = 0;
  if (text != "0") {
    if (whole<std::uint64_t>(text)) {
      return fault(fmt::format("has no unit; write {0}ms, {0}s or {0}m", text));
    }
    if (text.empty()) return fault(std::string(duration_fix));
    while (!text.empty()) {
      const auto number = take_decimal(text);
      const auto* unit = number ? find_unit(time_units, take_letters(text)) : nullptr;
      if (unit == nullptr) return fault(std::string(duration_fix));
      total += *number * static_cast<double>(unit->worth);
    }
  }
  if (std::abs(total - std::round(total)) > 1e-6) {
    return fault("is finer than a millisecond; write whole milliseconds, such as 1ms");
  }
  if (total < static_cast<double>(least.count()) || total > static_cast<double>(most.count())) {
    return fault(fmt::format("is out of range; allowed is {} to {}", format_duration(least),
                             format_duration(most)));
  }
  return milliseconds{static_cast<std::int64_t>(std::llround(total))};
}

std::string format_duration(milliseconds value) {
  if (value.count() == 0) return "0";
  for (const Unit& unit : time_units) {
    const auto worth = static_cast<std::int64_t>(unit.worth);
    if (unit.name != "d" && value.count() % worth == 0) {
      return fmt::format("{}{}", value.count() / worth, unit.name);
    }
  }
  return {};
}

Result<std::size_t> parse_size(std::string_view text, std::size_t least, std::size_t most) {
  if (text.starts_with('-')) return fault("is negative; write a size such as 64MiB");
  auto rest = text;
  const auto number = take_decimal(rest);
  if (!number) return fault(std::string(size_fix));
  rest = trimmed(rest);
  if (rest.size() == 1 && lower(rest.front()) != 'b') {
    return fault(
        fmt::format("has a unit that means two things; write {0}iB (1024s) or {0}B (1000s)",
                    static_cast<char>(rest.front() & ~0x20)));
  }
  const Unit* unit = rest.empty() ? find_unit(size_units, "B") : find_unit(size_units, rest);
  if (unit == nullptr) return fault(std::string(size_fix));
  const double bytes = *number * static_cast<double>(unit->worth);
  if (bytes != std::floor(bytes) && unit->worth == 1) {
    return fault("is not a whole number of bytes; write a size such as 64MiB");
  }
  if (bytes < static_cast<double>(least) || bytes > static_cast<double>(most)) {
    return fault(
        fmt::format("is out of range; allowed is {} to {}", format_size(least), format_size(most)));
  }
  return static_cast<std::size_t>(bytes);
}

std::string format_size(std::size_t bytes) {
  for (const Unit& unit : size_units) {
    if (bytes >= unit.worth && bytes % unit.worth == 0) {
      return unit.worth == 1 ? std::to_string(bytes)
                             : fmt::format("{}{}", bytes / unit.worth, unit.name);
    }
  }
  return std::to_string(bytes);
}

Result<std::uint32_t> parse_count(std::string_view text, std::uint32_t least, std::uint32_t most) {
  const auto value = whole<std::uint64_t>(text);
  if (!value || *value < least || *value > most) {
    return fault(fmt::format("{}; write a whole number from {} to {}",
                             value ? "is out of range" : "is not a number", least, most));
  }
  return static_cast<std::uint32_t>(*value);
}

std::vector<std::string> split_list(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const auto end = std::min(text.find(separator), text.size());
    const auto part = trimmed(text.substr(0, end));
    if (!part.empty()) parts.emplace_back(part);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

Result<std::string> parse_absolute_path(std::string_view text) {
  if (!text.starts_with('/')) {
    return fault("is not an absolute path; write it from the root, such as /var/lib/forager");
  }
  return std::string(text);
}

bool looks_like_key(std::string_view text) {
  const auto hex = [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); };
  const auto small = [](char c) { return is_digit(c) || (c >= 'a' && c <= 'z'); };
  const auto alnum = [&](char c) { return small(lower(c)); };
  if (text.size() == 32 && std::ranges::all_of(text, hex)) return true;
  if (text.size() >= 20 && text.size() <= 23 && std::ranges::all_of(text, alnum)) {
    // A word of that length is no key: those are random, with digits and capitals.
    return std::ranges::any_of(text, is_digit) &&
           std::ranges::any_of(text, [](char c) { return lower(c) != c; });
  }
  return text.size() == 64 && text.starts_with("hc") && text[5] == '_' &&
         std::ranges::all_of(text.substr(2, 3), small) &&
         std::ranges::all_of(text.substr(6), small);
}

std::string in_quotes(std::string_view value) {
  for (std::size_t begin = 0; begin < value.size();) {
    const auto rest = value.substr(begin);
    const auto end = std::ranges::find_if_not(rest, is_key_character) - rest.begin();
    const auto word = rest.substr(0, static_cast<std::size_t>(end));
    if (looks_like_key(word)) return "[a value that looks like a key]";
    begin += word.size() + 1;
  }
  std::string shown = without_userinfo(value);
  if (shown.size() > 80) shown = shown.substr(0, 77) + "...";
  std::ranges::replace_if(shown, [](char c) { return c < 0x20 || c == 0x7f; }, '?');
  return fmt::format("\"{}\"", shown);
}

}  // namespace forager::config
