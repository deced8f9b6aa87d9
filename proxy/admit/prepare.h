// What turns a body as it came into one that may be journaled: inflate, JSON to protobuf, walk,
// enrich.
// Pure, so it runs on the io thread or on the pool; what it may allocate is said beforehand, so
// that it can be charged first.
#pragma once

#include <cstddef>
#include <variant>

#include "base/bytes.h"
#include "base/inflate.h"
#include "base/result.h"
#include "otlp/encoding.h"
#include "otlp/enrich.h"
#include "otlp/signal.h"
#include "otlp/walk.h"

namespace forager::admit {

struct Raw {
  Signal signal = Signal::traces;
  otlp::Encoding encoding = otlp::Encoding::protobuf;
  ContentCoding coding = ContentCoding::identity;
  Buffer body;
};

/// Bytes that may be allocated beside the raw body. 0: that step isn't needed.
struct Allowance {
  std::size_t inflated = 0;
  std::size_t transcoded = 0;
  std::size_t total() const { return inflated + transcoded; }
};
/// By what the body says of itself; it may lie, then the answer of `prepare` is Outgrown.
Allowance expected_allowance(const Raw& raw, std::size_t limit);
/// The most that a body of this kind can need under `limit`.
Allowance full_allowance(const Raw& raw, std::size_t limit);

/// True: long enough on a core to be worth the two hops to the pool and back.
bool worth_offloading(const Raw& raw);

/// Ready for the journal once nothing is missing; `body` has then about the capacity of its size.
struct Prepared {
  Buffer body;
  otlp::Shape shape;
  otlp::Growth missing;   ///< what takes more memory to put in than was charged: see `enriched`
  std::size_t grown = 0;  ///< bytes that enrichment has added to a body with one resource
};
/// Inflated it passes the allowance: here it is again, for more or for 413.
struct Outgrown {
  Raw raw;
};
using Preparation = std::variant<Prepared, Outgrown, Fault>;

/// `add`: what is put in where it is missing, if the body's headroom takes it; nullptr: nothing.
Preparation prepare(Raw raw, Allowance allowance, const otlp::Enrichment* add = nullptr);

/// `from` with what it is missing. Allocates missing.size bytes. `add` as given to `prepare`.
Prepared enriched(Signal signal, Prepared from, const otlp::Enrichment& add);
/// `from` as it came, after all.
Prepared left_alone(Prepared from);

}  // namespace forager::admit
