// Segments of X-Ray's SDKs as OpenTelemetry spans (PROTOCOLS 3.5): for destinations that know
// spans alone. Ids, parents and times are kept exactly, so that spans of X-Ray and of OpenTelemetry
// in one trace meet.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace forager::otlp {

/// What became of a document. Subsegments that are still under way are left out, too; they come
/// again when they have ended, by themselves or within their segment.
struct SegmentSpans {
  std::uint32_t spans = 0;
  std::uint32_t in_progress = 0;  ///< segments and subsegments left out for that
  std::uint32_t unreadable = 0;   ///< left out for want of an id, a time, or of being JSON at all
};

/// Appends the segment in `document` and all subsegments in it to `request`, an
/// ExportTraceServiceRequest, as one resource of its own; nothing when there are no spans. Pure;
/// any thread; takes time and memory linear in the document.
///
/// A segment is a SERVER span, a subsegment a CLIENT span where it calls another service
/// (`namespace`) and else INTERNAL. `http`, `aws`, `sql`, `user` and `origin` become attributes of
/// the semantic conventions, annotations attributes of their own name, metadata
/// `aws.xray.metadata.NAMESPACE.KEY`, with JSON text for what isn't a scalar. `error`, `fault` and
/// `throttle` become the status, and each exception of `cause` an event, with its stack as the
/// language prints it.
SegmentSpans append_segment_spans(std::string_view document, std::string& request);

}  // namespace forager::otlp
