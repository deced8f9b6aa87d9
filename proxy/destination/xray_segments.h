// X-Ray's own API for segment documents, PutTraceSegments (PROTOCOLS 3.4, 3.5): for apps that still
// use the AWS X-Ray SDK. A record's body is a protobuf message in which each field 1 is one
// document, JSON text.
#pragma once

#include <string>

#include "base/bytes.h"
#include "destination/destination.h"
#include "net/message.h"

namespace forager::destination {

/// The daemon and the Collector send 50; the maximum isn't published. 64 kB a document.
inline constexpr std::uint32_t segments_per_request = 50;
inline constexpr std::size_t segment_bytes_max = 64'000;

/// Of one request and of one document with its tag and length.
Limits segment_limits();

/// POST `prefix`/TraceSegments with {"TraceSegmentDocuments": [...]}; `body` is uncompressed.
net::Request segments_request(const Chain& body, std::string_view prefix);

/// A 200: {"UnprocessedTraceSegments": [{"Id", "ErrorCode", "Message"}, ...]}. Those are rejected,
/// with a count and the words for each error code.
Delivered segments_delivered(const net::Response& response);

}  // namespace forager::destination
