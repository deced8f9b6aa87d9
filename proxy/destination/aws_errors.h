// What an answer of AWS that isn't a success means: the error codes and texts of its services in
// one table, whichever form they come in, and the IAM statement for a permission that is missing.
// Used by the destinations, for CreateLogGroup and its like, and by `doctor`.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "net/message.h"

namespace forager::destination {

/// From JSON ({"__type": "prefix#Code", "message": ...}), google.rpc.Status in protobuf or JSON, or
/// XML (<Code>, <Message>); the header x-amzn-ErrorType says the code too.
struct AwsError {
  std::string code;     ///< "AccessDeniedException", without prefix and suffix; may be empty
  std::string message;  ///< one line; may be empty. May name accounts and roles, never a secret
};
AwsError read_aws_error(const net::Response& response);

enum class AwsFailure : std::uint8_t {
  none,         ///< nothing that this table knows: the status decides
  credentials,  ///< expired, unknown or wrong: newer ones may help
  clock,        ///< the signature's time is too far from theirs
  permission,   ///< a statement is missing in the policy
  throttled,    ///< or unavailable for a moment
  tracing_off,  ///< X-Ray's OTLP endpoint without Transaction Search (PROTOCOLS 3.1)
  missing,      ///< a resource isn't there
  exists,       ///< a resource is there already
};
AwsFailure failure_of(const AwsError& error);
/// none for a success.
AwsFailure failure_of(const net::Response& response);

/// The action of "... is not authorized to perform: logs:PutLogEvents on resource: ..."; empty:
/// none is named.
std::string denied_action(const AwsError& error);

/// What Forager asks of AWS, and the actions that allow it (PROTOCOLS 3.1, 3.6).
enum class AwsNeed : std::uint8_t { xray_traces, xray_sampling, logs_write, logs_create };
std::span<const std::string_view> actions_for(AwsNeed need);

/// One statement of a policy as JSON text: {"Effect":"Allow","Action":[...],"Resource":"..."}.
/// Actions of logs are for the groups in `log_group` ('*' in it stands for anything) and their
/// streams.
std::string iam_statement(std::span<const std::string_view> actions, std::string_view resource);
std::string iam_statement(AwsNeed need, std::string_view region, std::string_view log_group = "*");

}  // namespace forager::destination
