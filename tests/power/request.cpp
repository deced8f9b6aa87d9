#include "power/request.h"

#include <charconv>

namespace forager::power {
namespace {

constexpr std::string_view marker = "power cut ";

void put_varint(std::string& to, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7U) to += static_cast<char>(value | 0x80U);
  to += static_cast<char>(value);
}

/// A length-delimited field.
void put(std::string& to, std::uint32_t field, std::string_view value) {
  put_varint(to, field << 3U | 2U);
  put_varint(to, value.size());
  to += value;
}

void put_fixed64(std::string& to, std::uint32_t field, std::uint64_t value) {
  put_varint(to, field << 3U | 1U);
  for (int shift = 0; shift < 64; shift += 8) to += static_cast<char>(value >> shift);
}

std::string key_value(std::string_view key, std::string_view value) {
  std::string any;
  put(any, 1, value);
  std::string made;
  put(made, 1, key);
  put(made, 2, any);
  return made;
}

/// Bytes that differ from request to request and from place to place.
std::string filler(std::uint64_t seed, std::size_t size) {
  std::string made(size, '\0');
  for (char& each : made) {
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    each = static_cast<char>('a' + (seed >> 33U) % 26U);
  }
  return made;
}

std::string span(Id id, std::uint32_t index) {
  const std::uint64_t seed = std::uint64_t{id.boot} << 40U | std::uint64_t{id.number} << 8U | index;
  const std::size_t size = id.number % 16 == 7 ? 22'000 : 300 + id.number * 37 % 300;
  std::string made;
  put(made, 1, filler(seed ^ 0x7ace, 16));
  put(made, 2, filler(seed ^ 0x59a4, 8));
  put(made, 5, std::string(marker) + text(id) + ";");
  put_fixed64(made, 7, 1'700'000'000'000'000'000 + seed);
  put_fixed64(made, 8, 1'700'000'000'001'000'000 + seed);
  put(made, 9, key_value("filler", filler(seed, size)));
  return made;
}

/// The id in the first marker of `body`, and nothing else is looked at.
std::optional<Id> first_id(std::string_view body) {
  const std::size_t at = body.find(marker);
  if (at == std::string_view::npos) return std::nullopt;
  const char* const end = body.data() + body.size();
  Id made;
  const auto boot = std::from_chars(body.data() + at + marker.size(), end, made.boot);
  if (boot.ec != std::errc() || boot.ptr == end || *boot.ptr != '.') return std::nullopt;
  const auto number = std::from_chars(boot.ptr + 1, end, made.number);
  if (number.ec != std::errc() || number.ptr == end || *number.ptr != ';') return std::nullopt;
  return made;
}

}  // namespace

std::string text(Id id) { return std::to_string(id.boot) + "." + std::to_string(id.number); }

std::string request_body(Id id) {
  std::string resource;
  put(resource, 1, key_value("service.name", "power"));
  std::string scope_spans;
  for (std::uint32_t index = 0; index < 3; ++index) put(scope_spans, 2, span(id, index));
  std::string resource_spans;
  put(resource_spans, 1, resource);
  put(resource_spans, 2, scope_spans);
  std::string made;
  put(made, 1, resource_spans);
  return made;
}

std::optional<std::vector<Id>> take_apart(std::string_view body) {
  std::vector<Id> made;
  while (!body.empty()) {
    const auto id = first_id(body);
    if (!id) return std::nullopt;
    const std::string sent = request_body(*id);
    if (!body.starts_with(sent)) return std::nullopt;
    body.remove_prefix(sent.size());
    made.push_back(*id);
  }
  return made;
}

}  // namespace forager::power
