#include "aws/imds.h"

#include <algorithm>

#include <fmt/format.h>

#include "aws/container.h"

namespace forager::aws {
namespace {

constexpr std::string_view hop_limit =
    "from a container the hop limit of the instance must be 2 or more (aws ec2 "
    "modify-instance-metadata-options --http-put-response-hop-limit 2), or the task or pod needs a "
    "role of its own";

TokenOutcome without_token(std::string why, const Imds& at) {
  if (at.v1_allowed) return UseV1{std::move(why)};
  return Failure{
      fmt::format("{}, and version 1 is off (AWS_EC2_METADATA_V1_DISABLED); {}", why, hop_limit),
      true};
}

}  // namespace

Imds imds_of(const Environment& with) {
  Imds made{with.imds_endpoint, !with.imds_v1_disabled};
  while (made.base.ends_with('/')) made.base.pop_back();
  if (!made.base.empty()) return made;
  std::string mode = with.imds_endpoint_mode;
  for (char& c : mode) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  made.base = mode == "ipv6" ? "http://[fd00:ec2::254]" : "http://169.254.169.254";
  return made;
}

net::Request imds_token_request() {
  net::Request made;
  made.method = "PUT";
  made.target = "/latest/api/token";
  made.headers = {{"x-aws-ec2-metadata-token-ttl-seconds", "21600"}};
  return made;
}

net::Request imds_request(std::string target, const Secret& token) {
  net::Request made;
  made.method = "GET";
  made.target = std::move(target);
  if (!token.empty()) made.secret_headers.emplace_back("x-aws-ec2-metadata-token", token);
  return made;
}

TokenOutcome imds_token_answer(const net::Response& response, const Imds& at) {
  const int status = response.status;
  if (status == 200) {
    const auto plain = [](char c) { return c > 0x20 && c < 0x7f; };
    const bool sound =
        !response.body.empty() && std::all_of(response.body.begin(), response.body.end(), plain);
    if (sound) return Secret(response.body);
    return Failure{"the instance metadata service gave no usable token", true};
  }
  std::string why = fmt::format("the instance metadata service gave no token ({})", status);
  if (status == 403 || status == 404 || status == 405) return without_token(std::move(why), at);
  return Failure{std::move(why), status >= 500 || status == 429};
}

TokenOutcome imds_no_token(const net::TransportError& error, const Imds& at) {
  // only who hears nothing may ask the old way: a refused connection is refused there as well
  if (error.kind != net::TransportError::Kind::timeout) return Failure{error.what, true};
  return without_token(error.what, at);
}

boost::system::result<std::string, Failure> imds_role_answer(const net::Response& response) {
  if (response.status == 404) {
    return Failure{
        "the instance has no IAM role: attach an instance profile, or give credentials in another "
        "way",
        false};
  }
  if (response.status != 200) {
    return Failure{fmt::format("the instance metadata service answered {} when asked for its role",
                               response.status),
                   true};
  }
  std::string role = response.body.substr(0, response.body.find_first_of("\r\n"));
  const auto fits = [](char c) {  // IAM's characters of a role name
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           std::string_view("+=,.@_-").find(c) != std::string_view::npos;
  };
  if (role.empty() || !std::all_of(role.begin(), role.end(), fits)) {
    return Failure{"the instance metadata service named no role: is it one?", true};
  }
  return role;
}

Outcome imds_keys_answer(const net::Response& response, std::string_view role) {
  if (response.status != 200) {
    return Failure{fmt::format("the instance metadata service answered {} for the role {}",
                               response.status, role),
                   true};
  }
  return keys_of_json(response.body);
}

}  // namespace forager::aws
