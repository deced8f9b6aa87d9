#include "receive/xray_batch.h"

#include <algorithm>

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
  const auto malformed = [&](std::string_view why) {
    ++counters_.malformed;
    return Taken{Taken::Kind::malformed, Signal::segments, why};
  };
  switch (read.kind) {
    case Kind::segment:
      return take_segment(read.content);
    case Kind::traces:
      return take_otlp(Signal::traces, read.content);
    case Kind::metrics:
      return take_otlp(Signal::metrics, read.content);
    case Kind::unsampled:
      ++counters_.unsampled;
      return {};
    case Kind::no_segment:
      return malformed("a header or a segment is missing");
    case Kind::bad_header:
      return malformed("its first line is not {\"format\":\"json\",\"version\":1}");
    case Kind::empty:
      break;
  }
  return {};
}

/// No body grows by more than the datagram has: its header is longer than what a segment gets
/// around it, and base64 is longer than what is in it.
bool XrayBatch::fits(std::size_t datagram_bytes) const {
  std::size_t longest = spans_.bytes.size();
  for (const Body& body : bodies_) longest = std::max(longest, body.bytes.size());
  return longest == 0 || longest + datagram_bytes <= body_bytes_;
}

/// Room for `more`, at once for all that the body may have: it doesn't grow bit by bit.
bool XrayBatch::prepare(Body& body, std::size_t more) {
  const std::size_t wanted = std::max(body_bytes_, body.bytes.size() + more);
  if (body.charged >= wanted) return true;
  if (!charge_(wanted - body.charged)) return false;
  body.charged = wanted;
  body.bytes.reserve(wanted);
  return true;
}

/// Spans may be longer than their segment; how much is known only when they are there.
bool XrayBatch::charge_grown(Body& body) {
  const std::size_t has = body.bytes.capacity();
  if (has <= body.charged) return true;
  if (!charge_(has - body.charged)) return false;
  body.charged = has;
  return true;
}

XrayBatch::Taken XrayBatch::take_segment(std::string_view document) {
  Body& to = bodies_[static_cast<std::size_t>(Signal::segments)];
  ++counters_.segments;
  if (!prepare(to, 1 + otlp::varint_bytes_max + document.size()))
    return {Taken::Kind::no_room, Signal::segments};
  ++to.datagrams;
  char length[otlp::varint_bytes_max];
  to.bytes += segment_tag;
  to.bytes.append(length, otlp::write_varint(length, document.size()));
  to.bytes += document;
  if (!as_spans_ || make_spans(document)) return {};
  return {Taken::Kind::no_spans_of_it, Signal::traces};
}

bool XrayBatch::make_spans(std::string_view document) {
  if (!prepare(spans_, document.size())) return false;
  before_last_ = spans_.bytes.size();
  const otlp::SegmentSpans made = otlp::append_segment_spans(document, spans_.bytes);
  if (!charge_grown(spans_)) {
    std::string without;
    without.reserve(spans_.charged);
    without.assign(spans_.bytes, 0, before_last_);
    spans_.bytes = std::move(without);
    return false;
  }
  counters_.spans_made += made.spans;
  if (made.unreadable != 0) ++counters_.segments_not_spans;
  return true;
}

/// Checked before it is merged: one that is broken must not spoil the others.
XrayBatch::Taken XrayBatch::take_otlp(Signal signal, std::string_view base64) {
  Body& to = bodies_[static_cast<std::size_t>(signal)];
  if (!prepare(to, base64.size())) return {Taken::Kind::no_room, signal};
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
  return {Taken::Kind::malformed, signal,
          "what follows its T1S or M1 is not the base64 of an OTLP request"};
}

std::size_t XrayBatch::bytes() const {
  std::size_t sum = spans_.bytes.size();
  for (const Body& body : bodies_) sum += body.bytes.size();
  return sum;
}

void XrayBatch::clear() {
  for (Body& body : bodies_) {
    body.bytes.clear();
    body.datagrams = 0;
  }
  spans_.bytes.clear();
  before_last_ = 0;
}

}  // namespace forager::receive
