// What the process environment says about AWS, as plain strings: config reads it, everything here
// takes it as an argument. Names are those that AWS's own SDKs read (PROTOCOLS 3.3, 5.3).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace forager::aws {

/// An empty variable counts as one that isn't set.
struct Environment {
  std::string access_key_id;            ///< AWS_ACCESS_KEY_ID
  Secret secret_access_key;             ///< AWS_SECRET_ACCESS_KEY
  Secret session_token;                 ///< AWS_SESSION_TOKEN
  std::string region;                   ///< AWS_REGION
  std::string default_region;           ///< AWS_DEFAULT_REGION
  std::string profile;                  ///< AWS_PROFILE
  std::string credentials_file;         ///< AWS_SHARED_CREDENTIALS_FILE
  std::string config_file;              ///< AWS_CONFIG_FILE
  std::string home;                     ///< HOME
  std::string role_arn;                 ///< AWS_ROLE_ARN
  std::string role_session_name;        ///< AWS_ROLE_SESSION_NAME
  std::string web_identity_token_file;  ///< AWS_WEB_IDENTITY_TOKEN_FILE
  std::string sts_endpoint;             ///< AWS_ENDPOINT_URL_STS, else AWS_ENDPOINT_URL
  bool fips = false;                    ///< AWS_USE_FIPS_ENDPOINT=true
  bool dual_stack = false;              ///< AWS_USE_DUALSTACK_ENDPOINT=true
  std::string container_relative_uri;   ///< AWS_CONTAINER_CREDENTIALS_RELATIVE_URI
  std::string container_full_uri;       ///< AWS_CONTAINER_CREDENTIALS_FULL_URI
  std::string container_token_file;     ///< AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE
  Secret container_token;               ///< AWS_CONTAINER_AUTHORIZATION_TOKEN
  bool imds_disabled = false;           ///< AWS_EC2_METADATA_DISABLED=true
  bool imds_v1_disabled = false;        ///< AWS_EC2_METADATA_V1_DISABLED=true
  std::string imds_endpoint;            ///< AWS_EC2_METADATA_SERVICE_ENDPOINT
  std::string imds_endpoint_mode;       ///< AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE
  std::string ecs_metadata;  ///< ECS_CONTAINER_METADATA_URI_V4, else ECS_CONTAINER_METADATA_URI
};

using Lookup = std::function<std::optional<std::string>(std::string_view name)>;
Environment environment_from(const Lookup& variable);

/// The whole content of a small file; nullopt: there is none. A Fault says why it can't be read.
/// Files are read anew whenever they are asked for: whoever rotates a token swaps the file.
using ReadFile = std::function<Result<std::optional<std::string>>(const std::string& path)>;

/// The real one: up to 1 MiB of a regular file, never a device or a pipe that could block.
Result<std::optional<std::string>> read_small_file(const std::string& path);

}  // namespace forager::aws
