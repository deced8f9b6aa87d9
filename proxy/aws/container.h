// Credentials of an ECS task or an EKS pod from the endpoint beside it (PROTOCOLS 3.3): which URL,
// whether its host may see our token, the request and the answer. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "aws/environment.h"
#include "aws/keys.h"
#include "base/result.h"
#include "net/message.h"
#include "net/url.h"

namespace forager::aws {

/// A URL in the two parts that a transport and a request want.
struct Address {
  std::string base;    ///< scheme://host[:port]
  std::string target;  ///< path and query, "/" at least
};
/// Fault: no scheme, a fragment, or characters that a request line can't carry. The host is
/// net::parse_origin's to judge.
Result<Address> split_url(std::string_view url);

struct Container {
  Address address;
  bool full_uri = false;  ///< AWS_CONTAINER_CREDENTIALS_FULL_URI: the host must be allowed
  std::string token_file;
  Secret token;  ///< used where there is no file
};

inline constexpr std::string_view ecs_endpoint = "http://169.254.170.2";

/// nullopt: neither variable is set. The relative URI goes first; `ecs` is the host for it.
Result<std::optional<Container>> container_of(const Environment& with, std::string_view ecs);

/// Who may be asked with our token: https anyone; http only 127.0.0.0/8, ::1, localhost,
/// 169.254.170.2, 169.254.170.23 and fd00:ec2::23. The Fault says so.
std::optional<Fault> refused_host(const net::Origin& origin);

/// A token as it is sent, verbatim. A line break in it would begin another header: refused.
/// `where` names the file or variable.
Result<Secret> container_token(std::string text, std::string_view where);

/// Without a token: an endpoint of ECS.
net::Request container_request(const std::string& target, const Secret& token);
Outcome container_answer(const net::Response& response);

/// The keys out of the JSON that containers and instances answer alike. `Code` other than Success
/// is a failure (IMDS).
Outcome keys_of_json(std::string_view text);

}  // namespace forager::aws
