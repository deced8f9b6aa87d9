// Which AWS region we are in, as far as it can be told without asking anybody (PROTOCOLS 3.3), and
// from what ECS or an instance says. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "aws/environment.h"
#include "aws/profile.h"

namespace forager::aws {

struct Region {
  std::string name;  ///< "eu-west-1"
  std::string from;  ///< "AWS_REGION", "profile 'x'", "the ECS task", "the instance"
};

/// AWS_REGION, AWS_DEFAULT_REGION, the profile; nullopt: none of them says. A Fault: what is given
/// can't be a region.
Result<std::optional<Region>> region_of(const Environment& with, const Profile& profile);

/// Lower-case letters, digits and hyphens: it becomes part of a host name.
bool is_region(std::string_view name);

/// "arn:aws:ecs:REGION:ACCOUNT:task/...": empty if it isn't one.
std::string_view region_of_arn(std::string_view arn);
std::string_view account_of_arn(std::string_view arn);

}  // namespace forager::aws
