// The instance metadata service of EC2, version 2 and, where a token can't be had, version 1
// (PROTOCOLS 3.3): requests, what the answers mean, and where it is. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "aws/environment.h"
#include "aws/keys.h"
#include "base/result.h"
#include "base/secret.h"
#include "net/message.h"

namespace forager::aws {

struct Imds {
  std::string base;        ///< http://169.254.169.254
  bool v1_allowed = true;  ///< AWS_EC2_METADATA_V1_DISABLED
};

/// AWS_EC2_METADATA_SERVICE_ENDPOINT, else by its _MODE the IPv6 or the IPv4 one.
Imds imds_of(const Environment& with);

inline constexpr std::string_view imds_role_path = "/latest/meta-data/iam/security-credentials/";
inline constexpr std::string_view imds_region_path = "/latest/meta-data/placement/region";
inline constexpr std::string_view imds_hostname_path = "/latest/meta-data/hostname";
inline constexpr std::string_view imds_document_path = "/latest/dynamic/instance-identity/document";

/// For a token of six hours.
net::Request imds_token_request();
/// With an empty token: version 1.
net::Request imds_request(std::string target, const Secret& token);

/// The token could not be had, but version 1 may do.
struct UseV1 {
  std::string why;
};
using TokenOutcome = std::variant<Secret, UseV1, Failure>;
TokenOutcome imds_token_answer(const net::Response& response, const Imds& at);
/// The same for a token request that got no answer: behind a container's bridge the hop limit eats
/// it.
TokenOutcome imds_no_token(const net::TransportError& error, const Imds& at);

/// The name of the role: the first line.
boost::system::result<std::string, Failure> imds_role_answer(const net::Response& response);
Outcome imds_keys_answer(const net::Response& response, std::string_view role);

}  // namespace forager::aws
