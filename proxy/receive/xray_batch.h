// What waits at the X-Ray daemon's port at one moment, as the bodies of a few records: segments
// together, and what came as OTLP by signal.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "otlp/signal.h"
#include "receive/xray_datagram.h"

namespace forager::receive {

/// Datagrams since the start, by what they were; for /status and /metrics.
struct XrayCounters {
  std::uint64_t segments = 0;
  std::uint64_t otlp = 0;        ///< datagrams with OTLP inside that were good
  std::uint64_t malformed = 0;   ///< of any kind; each is a refused request in the ledger too
  std::uint64_t unsampled = 0;   ///< T1U, dropped as the X-Ray agent does
  std::uint64_t refused = 0;     ///< segments and OTLP datagrams that the door didn't take
  std::uint64_t spans_made = 0;  ///< of segments, with segments_as_spans
  std::uint64_t segments_not_spans = 0;  ///< documents that couldn't be made spans
  std::map<int, std::uint64_t> answers;  ///< of the sampling proxy, by status
};

/// One body a signal, and how many datagrams are in it. io thread; reused, so that it allocates
/// only while it grows.
class XrayBatch {
 public:
  XrayBatch(bool as_spans, XrayCounters& counters) : as_spans_(as_spans), counters_(counters) {}

  /// True: it is one of those that are refused as malformed; `signal` is what it would have been.
  struct Taken {
    bool malformed = false;
    Signal signal = Signal::segments;
    std::string_view why{};  ///< in words, for the log
  };
  Taken take(std::string_view datagram);

  std::string& body(Signal signal) { return bodies_[static_cast<std::size_t>(signal)].bytes; }
  std::uint64_t datagrams(Signal signal) const {
    return bodies_[static_cast<std::size_t>(signal)].datagrams;
  }
  /// Spans that were made of segments: for every destination but X-Ray.
  std::string& spans() { return spans_; }
  std::size_t bytes() const;
  void clear();

 private:
  Taken take_otlp(Signal signal, std::string_view base64);
  void take_segment(std::string_view document);

  struct Body {
    std::string bytes;
    std::uint64_t datagrams = 0;
  };
  bool as_spans_;
  XrayCounters& counters_;
  std::array<Body, signal_count> bodies_;
  std::string spans_;
};

}  // namespace forager::receive
