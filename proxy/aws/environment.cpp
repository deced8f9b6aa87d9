#include "aws/environment.h"

#include <algorithm>

namespace forager::aws {
namespace {

bool is_true(const std::string& text) {
  constexpr std::string_view yes = "true";
  return std::equal(text.begin(), text.end(), yes.begin(), yes.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
}

}  // namespace

Environment environment_from(const Lookup& variable) {
  const auto text = [&](std::string_view name) {
    auto found = variable(name);
    return found ? std::move(*found) : std::string();
  };
  const auto first_of = [&](std::string_view name, std::string_view other) {
    std::string found = text(name);
    return found.empty() ? text(other) : found;
  };
  Environment made;
  made.access_key_id = text("AWS_ACCESS_KEY_ID");
  made.secret_access_key = Secret(text("AWS_SECRET_ACCESS_KEY"));
  made.session_token = Secret(text("AWS_SESSION_TOKEN"));
  made.region = text("AWS_REGION");
  made.default_region = text("AWS_DEFAULT_REGION");
  made.profile = text("AWS_PROFILE");
  made.credentials_file = text("AWS_SHARED_CREDENTIALS_FILE");
  made.config_file = text("AWS_CONFIG_FILE");
  made.home = text("HOME");
  made.role_arn = text("AWS_ROLE_ARN");
  made.role_session_name = text("AWS_ROLE_SESSION_NAME");
  made.web_identity_token_file = text("AWS_WEB_IDENTITY_TOKEN_FILE");
  made.sts_endpoint = first_of("AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL");
  made.fips = is_true(text("AWS_USE_FIPS_ENDPOINT"));
  made.dual_stack = is_true(text("AWS_USE_DUALSTACK_ENDPOINT"));
  made.container_relative_uri = text("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  made.container_full_uri = text("AWS_CONTAINER_CREDENTIALS_FULL_URI");
  made.container_token_file = text("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
  made.container_token = Secret(text("AWS_CONTAINER_AUTHORIZATION_TOKEN"));
  made.imds_disabled = is_true(text("AWS_EC2_METADATA_DISABLED"));
  made.imds_v1_disabled = is_true(text("AWS_EC2_METADATA_V1_DISABLED"));
  made.imds_endpoint = text("AWS_EC2_METADATA_SERVICE_ENDPOINT");
  made.imds_endpoint_mode = text("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
  made.ecs_metadata = first_of("ECS_CONTAINER_METADATA_URI_V4", "ECS_CONTAINER_METADATA_URI");
  return made;
}

}  // namespace forager::aws
