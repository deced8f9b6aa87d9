// AWS Signature Version 4 in the Authorization header (PROTOCOLS 3.2): signs a request as its bytes
// leave, the body as it lies in its slices. For X-Ray, CloudWatch Logs and calls to AWS that the
// shell makes.
#pragma once

#include <string>
#include <string_view>

#include "base/secret.h"
#include "base/time.h"
#include "destination/destination.h"
#include "net/message.h"

namespace forager::destination {

struct SigningScope {
  std::string region;     ///< "eu-west-1"
  std::string service;    ///< "xray", "logs"
  std::string authority;  ///< the Host header as the transport sends it: net::Origin::authority()
};

/// Remembers the signing key of a day, so it belongs to one thread. Holds a secret; prints nothing.
class SigV4 {
 public:
  explicit SigV4(SigningScope scope) : scope_(std::move(scope)) {}

  /// Adds X-Amz-Date, X-Amz-Security-Token for session credentials, and Authorization. What an
  /// earlier call added is replaced. Signed is every header that reaches AWS as we send it; see
  /// must_not_sign. `request.target` must be the whole path: nothing is put in front of it later.
  void sign(net::Request& request, const AwsKeys& keys, WallTime now);

  const SigningScope& scope() const { return scope_; }

 private:
  const Secret& signing_key(const Secret& secret, std::string_view day);

  SigningScope scope_;
  Secret secret_;  ///< that key_ was made of
  std::string day_;
  Secret key_;
};

/// Headers that proxies on the way or our own transport may change or make.
bool must_not_sign(std::string_view name);

// --- the steps, for tests and for `doctor` ---

/// "20150830T123600Z".
std::string amz_date(WallTime now);
/// Names of the headers that are signed: lower case, sorted, joined by ';'. `host` is one of them.
std::string signed_headers(const net::Request& request);
/// The canonical request; LF between its lines, none at the end.
std::string canonical_request(const net::Request& request, std::string_view authority);
/// Path of a target with dot segments and empty segments taken out, each segment URI-encoded (once
/// more).
std::string canonical_path(std::string_view path);
/// name=value pairs, URI-encoded and sorted.
std::string canonical_query(std::string_view query);
std::string hex_sha256(std::string_view text);
std::string hex_sha256(const Chain& body);

}  // namespace forager::destination
