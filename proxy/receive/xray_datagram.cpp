#include "receive/xray_datagram.h"

#include <algorithm>
#include <charconv>

#include "otlp/json_tree.h"

namespace forager::receive {
namespace {

using otlp::JsonTree;
using Kind = XrayDatagram::Kind;

/// Nobody sends a longer one, and it is read for every datagram.
constexpr std::size_t header_max = 1024;
constexpr std::string_view usual_header = R"({"format":"json","version":1})";

bool same(std::string_view text, std::string_view lower) {
  return std::ranges::equal(text, lower, {}, [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 'a' - 'A') : c;
  });
}

/// The daemon decodes it with Go's JSON: a member of another type is passed over, the last of a
/// name counts.
bool is_header(std::string_view line) {
  if (line == usual_header) return true;
  if (line.size() > header_max) return false;
  const auto tree = JsonTree::parse(line);
  if (!tree || !tree->root().is(JsonTree::Kind::object)) return false;
  std::string format;
  int version = 0;
  for (auto member = tree->root().first(); member; member = member.next()) {
    if (same(member.name(), "format") && member.is(JsonTree::Kind::string)) format = member.text();
    if (!same(member.name(), "version") || !member.is(JsonTree::Kind::number)) continue;
    const std::string_view digits = member.raw();
    int number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error == std::errc{} && end == digits.data() + digits.size()) version = number;
  }
  return same(format, "json") && version == 1;
}

}  // namespace

XrayDatagram read_xray_datagram(std::string_view bytes) {
  if (bytes.empty()) return {Kind::empty, {}};
  const auto end = bytes.find('\n');
  if (end == bytes.npos || end + 1 == bytes.size()) return {Kind::no_segment, {}};
  if (!is_header(bytes.substr(0, end))) return {Kind::bad_header, {}};
  const std::string_view body = bytes.substr(end + 1);
  if (body.starts_with("T1S")) return {Kind::traces, body.substr(3)};
  if (body.starts_with("T1U")) return {Kind::unsampled, body.substr(3)};
  if (body.starts_with("M1")) return {Kind::metrics, body.substr(2)};
  return {Kind::segment, body};
}

}  // namespace forager::receive
