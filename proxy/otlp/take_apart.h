// The one way a request is made smaller: over a destination's limit, after a 413, and after a 400
// until the culprit is alone (DESIGN, "Taking apart"). Works on bodies that walk has accepted.
// Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "otlp/division.h"
#include "otlp/signal.h"

namespace forager::otlp {

/// Where a valid body may be cut: its items in order and the envelopes around them. Made on demand,
/// since few bodies are ever cut; holds offsets only, so the body may move but must stay the same.
class Cuts {
 public:
  /// Spans, log records or data points; the same number as walk's.
  std::uint32_t items() const { return static_cast<std::uint32_t>(sums_.size() - 1); }
  /// Heap bytes it takes: about 4 an item and 36 an envelope.
  std::size_t memory() const;

 private:
  friend class CutsBuilder;
  friend class PartWriter;
  friend Buffer part(Signal, std::string_view, const Cuts&, std::uint32_t, std::uint32_t);
  friend std::size_t part_size(const Cuts&, std::uint32_t, std::uint32_t);

  /// A divisible message: request, resource, scope, metric, or a metric's data.
  struct Envelope {
    std::uint32_t begin = 0;  ///< offset of its tag
    std::uint32_t value = 0;  ///< offset of its content
    std::uint32_t end = 0;
    std::uint32_t first = 0;  ///< items [first, last) are inside
    std::uint32_t last = 0;
    std::uint32_t goes_with = 0;  ///< of an empty one: the item in whose part it is
    std::uint32_t own = 0;        ///< bytes of the fields that every part repeats
    std::uint32_t next = 0;       ///< index of the envelope after it and all that is in it
    MessageId message = MessageId::none;
    std::uint8_t tag_size = 0;
    bool holds_items = false;
  };
  enum class Share : std::uint8_t { none, some, all };
  Share share(const Envelope& of, std::uint32_t first, std::uint32_t last) const;
  std::size_t content_size(std::size_t envelope, std::uint32_t first, std::uint32_t last) const;

  std::vector<Envelope> envelopes_;     // in order of their tags; [0] is the request
  std::vector<std::uint32_t> sums_{0};  // sums_[i]: bytes of the fields of the first i items
};

/// `body` must have passed walk.
Cuts index(Signal signal, std::string_view body);

/// A valid request with the items [first, last), in order. `signal` and `body` as given to `index`;
/// first < last <= items, or 0, 0 for a body without items.
///
/// Every field of the enclosing messages that isn't a divided child is repeated, in its place:
/// resource, scope, schema_url, duplicates, unknown fields, also those of the request itself. An
/// empty envelope goes with the next item inside of the same parent, or with the last one there if
/// none follows: so it is in one part exactly. Each data message of a metric is an envelope of its
/// own. What a part holds whole is copied byte for byte; part(0, items) is the body.
Buffer part(Signal signal, std::string_view body, const Cuts& cuts, std::uint32_t first,
            std::uint32_t last);

/// Exactly part(...).size(), without the body: a few additions per envelope.
std::size_t part_size(const Cuts& cuts, std::uint32_t first, std::uint32_t last);

/// How many items from `first` on fit into a request of `max_bytes` and `max_items`: at least 1
/// (which may be too large by itself: see part_size), 0 when `first` is behind the last item.
std::uint32_t fit(const Cuts& cuts, std::uint32_t first, std::size_t max_bytes,
                  std::uint32_t max_items);

}  // namespace forager::otlp
