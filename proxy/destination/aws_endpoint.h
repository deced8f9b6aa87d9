// Where the services of AWS are in a region, what every request to one is signed for, and what its
// refusals mean (PROTOCOLS 3.1). Shared by the destinations of AWS.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "destination/aws_errors.h"
#include "destination/destination.h"

namespace forager::destination {

/// "aws", "aws-cn", "aws-us-gov" and so on, as in an ARN.
std::string_view aws_partition(std::string_view region);

struct AwsVariant {
  bool fips = false;
  bool dual_stack = false;
};
/// "https://xray.eu-west-1.amazonaws.com".
std::string aws_url(std::string_view service, std::string_view region, AwsVariant variant = {});

/// An endpoint as the transport knows it, taken from a net::Origin: `authority` and `path_prefix`
/// are signed, so the transport must put no prefix of its own in front.
struct AwsEndpoint {
  std::string region;
  std::string authority;    ///< net::Origin::authority()
  std::string path_prefix;  ///< net::Origin::prefix; usually empty
};

/// The verdict on an answer whose code or words say more than its status: refused credentials, a
/// skewed clock, a missing permission, throttling. nullopt: the status decides. `need`: what was
/// asked for; `log_group` as in iam_statement.
std::optional<Verdict> aws_verdict(const net::Response& response, const AwsEndpoint& at,
                                   AwsNeed need, WallTime now, std::string_view log_group = "*");

/// The verdict that the status alone decides, with the words of AWS as they are: the shared table
/// hides long words, since they could be keys of Honeycomb's, and those of AWS are its error codes.
Verdict aws_status_verdict(const net::Response& response, const AwsEndpoint& at, Codec codec,
                           WallTime now, std::string_view park_fix);

/// "xray.eu-west-1.amazonaws.com answered 403: ExpiredTokenException: The security ...".
std::string aws_words(const AwsEndpoint& at, const net::Response& response, const AwsError& error);

}  // namespace forager::destination
