#include "config/cgroup.h"

#include <charconv>
#include <cstdint>
#include <string>

#include "config/values.h"

namespace forager::config {
namespace {

constexpr const char* version2 = "/sys/fs/cgroup/memory.max";
constexpr const char* version1 = "/sys/fs/cgroup/memory/memory.limit_in_bytes";
// v1 says "no limit" as the largest multiple of a page below 2^63; nobody has a real limit of 2^50.
constexpr std::uint64_t huge = 1ULL << 50U;

std::optional<std::size_t> limit_in(const std::string& content) {
  const auto text = trimmed(content);
  std::uint64_t bytes = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bytes);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  if (bytes == 0 || bytes >= huge) return std::nullopt;
  return bytes;
}

}  // namespace

std::optional<std::size_t> cgroup_memory_limit(const ReadFile& read_file) {
  for (const char* path : {version2, version1}) {
    const auto content = read_file(path);
    if (content) return limit_in(*content);
  }
  return std::nullopt;
}

}  // namespace forager::config
