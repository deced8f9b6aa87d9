#include "aws/chain.h"

#include <algorithm>

#include <fmt/format.h>

namespace forager::aws {
namespace {

Result<Source> from_variables(const Environment& with) {
  if (with.access_key_id.empty() || with.secret_access_key.empty()) {
    const bool id = !with.access_key_id.empty();
    return fault(fmt::format("{} is set but {} is not: set both, or neither",
                             id ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY",
                             id ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID"));
  }
  if (const auto why = unfit_key_id(with.access_key_id); !why.empty()) {
    return fault(fmt::format("AWS_ACCESS_KEY_ID {}", why));
  }
  return Source{Plain{{with.access_key_id, with.secret_access_key, with.session_token}},
                "environment variables"};
}

/// STS's own rule: [\w+=,.@-]{2,64}.
bool is_session_name(std::string_view name) {
  constexpr std::size_t longest = 64;
  const auto fits = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           std::string_view("_+=,.@-").find(c) != std::string_view::npos;
  };
  return name.size() >= 2 && name.size() <= longest && std::all_of(name.begin(), name.end(), fits);
}

Result<Source> from_web_identity(WebIdentity what, const std::string& name,
                                 std::string_view role_setting, std::string_view session_setting) {
  if (what.role_arn.empty()) {
    return fault(
        fmt::format("{} is not set beside the web identity token file {}: set it to the "
                    "role's ARN",
                    role_setting, what.token_file));
  }
  if (!what.role_arn.starts_with("arn:")) {
    return fault(fmt::format("{} is not an ARN: it begins arn:aws:iam::", role_setting));
  }
  if (!what.session_name.empty() && !is_session_name(what.session_name)) {
    return fault(
        fmt::format("{} must be 2 to 64 letters, digits and any of _+=,.@-", session_setting));
  }
  return Source{std::move(what), name};
}

}  // namespace

std::string how_to_configure() {
  return "no AWS credentials are configured: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
         "mount "
         "~/.aws/credentials, or give the ECS task, the pod or the instance a role";
}

Result<Source> choose(const Environment& with, const Profile& profile, std::string_view ecs) {
  if (!with.access_key_id.empty() || !with.secret_access_key.empty()) return from_variables(with);
  if (profile.trouble) return *profile.trouble;
  if (profile.keys) return Source{Plain{*profile.keys, true}, profile.where};
  if (!profile.web_identity_token_file.empty()) {
    return from_web_identity(
        {profile.role_arn, profile.role_session_name, profile.web_identity_token_file},
        fmt::format("web identity of {}", profile.where),
        fmt::format("role_arn of {}", profile.where),
        fmt::format("role_session_name of {}", profile.where));
  }
  if (!with.web_identity_token_file.empty()) {
    return from_web_identity({with.role_arn, with.role_session_name, with.web_identity_token_file},
                             fmt::format("web identity of {}", with.role_arn), "AWS_ROLE_ARN",
                             "AWS_ROLE_SESSION_NAME");
  }
  auto container = container_of(with, ecs);
  if (!container) return container.error();
  if (*container) {
    std::string name = fmt::format("container endpoint {}", (*container)->address.base);
    return Source{std::move(**container), std::move(name)};
  }
  if (with.imds_disabled) {
    return fault(how_to_configure() + " (the instance isn't asked: AWS_EC2_METADATA_DISABLED)");
  }
  Imds imds = imds_of(with);
  std::string name = fmt::format("instance metadata {}", imds.base);
  return Source{std::move(imds), std::move(name)};
}

}  // namespace forager::aws
