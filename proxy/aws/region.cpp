#include "aws/region.h"

#include <algorithm>

#include <fmt/format.h>

namespace forager::aws {
namespace {

std::string_view arn_field(std::string_view arn, int index) {
  if (!arn.starts_with("arn:")) return {};
  for (; index > 0; --index) {
    const std::size_t colon = arn.find(':');
    if (colon == std::string_view::npos) return {};
    arn.remove_prefix(colon + 1);
  }
  return arn.substr(0, arn.find(':'));
}

}  // namespace

bool is_region(std::string_view name) {
  constexpr std::size_t longest = 63;  // a label of a host name
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  };
  return !name.empty() && name.size() <= longest && name.front() != '-' && name.back() != '-' &&
         std::all_of(name.begin(), name.end(), fits);
}

Result<std::optional<Region>> region_of(const Environment& with, const Profile& profile) {
  const auto checked = [](const std::string& name,
                          std::string from) -> Result<std::optional<Region>> {
    if (is_region(name)) return std::make_optional(Region{name, std::move(from)});
    return fault(
        fmt::format("'{}' ({}) is not an AWS region: write it like eu-west-1", name, from));
  };
  if (!with.region.empty()) return checked(with.region, "AWS_REGION");
  if (!with.default_region.empty()) return checked(with.default_region, "AWS_DEFAULT_REGION");
  if (!profile.region.empty())
    return checked(profile.region, fmt::format("profile '{}'", profile.name));
  return std::nullopt;
}

std::string_view region_of_arn(std::string_view arn) { return arn_field(arn, 3); }
std::string_view account_of_arn(std::string_view arn) { return arn_field(arn, 4); }

}  // namespace forager::aws
