#include "receive/xray_batch.h"

#include "otlp/json_value.h"
#include "otlp/segment_spans.h"
#include "otlp/walk.h"
#include "otlp/wire.h"

namespace forager::receive {
namespace {

/// The tag of a repeated field 1 of bytes (otlp/schema.h, segments_request).
constexpr char segment_tag = 0x0a;

}  // namespace

XrayBatch::Taken XrayBatch::take(std::string_view datagram) {
  using Kind = XrayDatagram::Kind;
  const XrayDatagram read = read_xray_datagram(datagram);
  switch (read.kind) {
    case Kind::segment:
      take_segment(read.content);
      return {};
    case Kind::traces:
      return take_otlp(Signal::traces, read.content);
    case Kind::metrics:
      return take_otlp(Signal::metrics, read.content);
    case Kind::unsampled:
      ++counters_.unsampled;
      return {};
    case Kind::no_segment:
      ++counters_.malformed;
      return {true, Signal::segments, "a header or a segment is missing"};
    case Kind::bad_header:
      ++counters_.malformed;
      return {true, Signal::segments, "its first line is not {\"format\":\"json\",\"version\":1}"};
    case Kind::empty:
      break;
  }
  return {};
}

void XrayBatch::take_segment(std::string_view document) {
  ++counters_.segments;
  Body& to = bodies_[static_cast<std::size_t>(Signal::segments)];
  ++to.datagrams;
  char length[otlp::varint_bytes_max];
  to.bytes += segment_tag;
  to.bytes.append(length, otlp::write_varint(length, document.size()));
  to.bytes += document;
  if (!as_spans_) return;
  const otlp::SegmentSpans made = otlp::append_segment_spans(document, spans_);
  counters_.spans_made += made.spans;
  if (made.unreadable != 0) ++counters_.segments_not_spans;
}

/// Checked before it is merged: one that is broken must not spoil the others.
XrayBatch::Taken XrayBatch::take_otlp(Signal signal, std::string_view base64) {
  Body& to = bodies_[static_cast<std::size_t>(signal)];
  const std::size_t before = to.bytes.size();
  to.bytes.resize(before + base64.size());
  char* const begin = to.bytes.data() + before;
  const auto size = otlp::base64_decode(base64, begin);
  if (size) {
    const auto shape = otlp::walk(signal, {begin, *size});
    if (shape && shape->items != 0) {
      to.bytes.resize(before + *size);
      ++to.datagrams;
      ++counters_.otlp;
      return {};
    }
  }
  to.bytes.resize(before);
  ++counters_.malformed;
  return {true, signal, "what follows its T1S or M1 is not the base64 of an OTLP request"};
}

std::size_t XrayBatch::bytes() const {
  std::size_t sum = spans_.size();
  for (const Body& body : bodies_) sum += body.bytes.size();
  return sum;
}

void XrayBatch::clear() {
  for (Body& body : bodies_) {
    body.bytes.clear();
    body.datagrams = 0;
  }
  spans_.clear();
}

}  // namespace forager::receive
