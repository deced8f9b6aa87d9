// What waits at the X-Ray daemon's port at one moment, as the bodies of a few records: segments
// together, and what came as OTLP by signal.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>

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

/// One body a signal, and how many datagrams are in it. io thread; reused: a body gets its memory,
/// charged, when it is first needed, and keeps it.
class XrayBatch {
 public:
  /// Charges so many bytes more; false: there is no memory.
  using Charge = std::function<bool(std::size_t bytes)>;
  /// `body_bytes`: the most that a body may have; a datagram that is larger alone is one by itself.
  XrayBatch(bool as_spans, std::size_t body_bytes, Charge charge, XrayCounters& counters)
      : as_spans_(as_spans),
        body_bytes_(body_bytes),
        charge_(std::move(charge)),
        counters_(counters) {}

  /// What became of a datagram beside being in a body.
  struct Taken {
    enum class Kind : std::uint8_t {
      good,
      malformed,       ///< `signal` is what it would have been
      no_room,         ///< no memory for it
      no_spans_of_it,  ///< a segment that was taken, and no memory for its spans
    };
    Kind kind = Kind::good;
    Signal signal = Signal::segments;
    std::string_view why{};  ///< malformed: in words, for the log
  };
  /// Only while it `fits`.
  Taken take(std::string_view datagram);
  /// False: hand in and clear first, else a body would have more than it may.
  bool fits(std::size_t datagram_bytes) const;

  std::string& body(Signal signal) { return bodies_[static_cast<std::size_t>(signal)].bytes; }
  std::uint64_t datagrams(Signal signal) const {
    return bodies_[static_cast<std::size_t>(signal)].datagrams;
  }
  /// Spans that were made of segments: for every destination but X-Ray.
  std::string& spans() { return spans_.bytes; }
  /// How long they were before the last segment, whose spans made them longer than a body may be;
  /// 0: they are not.
  std::size_t spans_without_last() const {
    return spans_.bytes.size() > body_bytes_ ? before_last_ : 0;
  }
  std::size_t bytes() const;
  void clear();

 private:
  struct Body {
    std::string bytes;
    std::uint64_t datagrams = 0;
    std::size_t charged = 0;
  };
  bool prepare(Body& body, std::size_t more);
  bool charge_grown(Body& body);
  Taken take_otlp(Signal signal, std::string_view base64);
  Taken take_segment(std::string_view document);
  bool make_spans(std::string_view document);

  bool as_spans_;
  std::size_t body_bytes_;
  Charge charge_;
  XrayCounters& counters_;
  std::array<Body, signal_count> bodies_;
  Body spans_;
  std::size_t before_last_ = 0;
};

}  // namespace forager::receive
