// The two calls of STS that are used: AssumeRoleWithWebIdentity, unsigned, for credentials, and
// GetCallerIdentity, signed by the caller, to say who we are (PROTOCOLS 3.3). Requests and answers;
// pure.
#pragma once

#include <string>
#include <string_view>

#include "aws/environment.h"
#include "aws/keys.h"
#include "base/result.h"
#include "net/message.h"

namespace forager::aws {

/// A role and the file with the token that proves who asks for it. EKS sets both (IRSA).
struct WebIdentity {
  std::string role_arn;
  std::string session_name;  ///< empty: one is made up
  std::string token_file;
};

/// Region and partition decide: https://sts.eu-west-1.amazonaws.com; without a region the global
/// one. AWS_ENDPOINT_URL_STS goes before all.
std::string sts_url(const Environment& with, std::string_view region);

/// amazonaws.com, or another partition's (PROTOCOLS 3.1).
std::string_view dns_suffix(std::string_view region);

/// A token as it stands in its file, without blanks around it. `where` names the file for the
/// Fault: empty, or over the 20,000 characters that STS takes.
Result<Secret> web_identity_token(std::string text, std::string_view where);

/// The body is wiped when the request goes.
net::Request web_identity_request(const WebIdentity& who, std::string_view session_name,
                                  const Secret& token);

/// Credentials, or what STS said with the fix.
Outcome web_identity_answer(const net::Response& response, const WebIdentity& who);

/// Who the credentials are.
struct CallerIdentity {
  std::string account;
  std::string arn;
  std::string user_id;
};
/// To be signed for service "sts".
net::Request caller_identity_request();
Result<CallerIdentity> caller_identity_answer(const net::Response& response);

/// application/x-www-form-urlencoded, everything but A-Z a-z 0-9 - . _ ~ as %XX.
void append_form_encoded(std::string_view text, std::string& to);

}  // namespace forager::aws
