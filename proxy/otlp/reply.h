// The bodies of answers, ours to apps and those of destinations to us (PROTOCOLS 1.4): full and
// partial success, google.rpc.Status, and whatever words an error came with.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "otlp/encoding.h"
#include "otlp/signal.h"

namespace forager::otlp {

/// Export*ServiceResponse with nothing in it.
std::string success_body(Encoding encoding);

/// Export*ServiceResponse with partial_success. 0 rejected and a message is a warning.
std::string partial_success_body(Signal signal, Encoding encoding, std::int64_t rejected,
                                 std::string_view message);

/// google.rpc.Status, with a RetryInfo detail when a delay is given. As protobuf it is also what
/// grpc-status-details-bin holds.
std::string status_body(Encoding encoding, int grpc_code, std::string_view message,
                        std::optional<std::chrono::seconds> retry_delay);

struct PartialSuccess {
  std::int64_t rejected = 0;
  std::string message;
};

/// From the protobuf body of a success. Empty: 0 and no message. Errors: not such a message.
Result<PartialSuccess> read_export_response(std::string_view protobuf_body);

/// The words in the body of an error: google.rpc.Status in either encoding, {"error": ...}, problem
/// details (RFC 9457, formerly 7807), or the text itself. One line of valid UTF-8 without control
/// characters, at most 300 bytes; empty when there are none.
std::string read_error_message(std::string_view content_type, std::string_view body);

}  // namespace forager::otlp
