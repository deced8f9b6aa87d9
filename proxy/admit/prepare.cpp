#include "admit/prepare.h"

#include <algorithm>
#include <utility>

#include "otlp/json.h"

namespace forager::admit {
namespace {

// the densest JSON there is: `1,` in a packed list of doubles is 8 bytes
constexpr std::size_t json_expansion_max = 4;
// allocators round up, and an empty request still is a message
constexpr std::size_t slack = 64;

Allowance with_transcoding(const Raw& raw, std::size_t inflated, std::size_t limit) {
  Allowance allowance;
  if (raw.coding != ContentCoding::identity) allowance.inflated = inflated;
  if (raw.encoding == otlp::Encoding::json) {
    allowance.transcoded = inflated > limit / json_expansion_max
                               ? limit
                               : std::min(limit, inflated * json_expansion_max + slack);
  }
  return allowance;
}

/// Records stay for as long as a destination is away: no more memory than they need.
void right_size(Buffer& body) {
  const std::size_t spare = body.capacity() - body.size();
  if (spare > 1024 && spare > body.capacity() / 8) body = Buffer::copy_of(body.view());
}

void put_in(Signal signal, Prepared& into, const otlp::Growth& growth,
            const otlp::Enrichment& add) {
  into.grown =
      growth.edits == 1 && growth.size > into.body.size() ? growth.size - into.body.size() : 0;
  into.body = add.put_into(signal, std::move(into.body), growth);
  into.shape.largest_item += static_cast<std::uint32_t>(growth.item_growth);
}

}  // namespace

Allowance expected_allowance(const Raw& raw, std::size_t limit) {
  return with_transcoding(raw, inflate_estimate(raw.coding, raw.body.view(), limit), limit);
}

Allowance full_allowance(const Raw& raw, std::size_t limit) {
  const bool identity = raw.coding == ContentCoding::identity;
  return with_transcoding(raw, identity ? raw.body.size() : limit, limit);
}

bool worth_offloading(const Raw& raw) {
  // Measured on the machine of FACTS: the walk does 3 to 5 GB/s, gunzip with the walk 1 GB/s of its
  // output, JSON 0.6 to 0.8 GB/s of its text; the hops to the pool and back cost 10 us of CPU. So
  // each of these is about 50 us, the most that others have to wait for one request on the io
  // thread, and five times what going elsewhere would cost.
  constexpr std::size_t protobuf_bytes = 256U * 1024U;
  constexpr std::size_t inflated_bytes = 64U * 1024U;
  constexpr std::size_t json_bytes = 32U * 1024U;
  const std::size_t bytes = inflate_estimate(raw.coding, raw.body.view(), SIZE_MAX / 2);
  if (raw.encoding == otlp::Encoding::json) return bytes > json_bytes;
  return bytes > (raw.coding == ContentCoding::identity ? protobuf_bytes : inflated_bytes);
}

Preparation prepare(Raw raw, Allowance allowance, const otlp::Enrichment* add) {
  Buffer body = std::move(raw.body);
  if (raw.coding != ContentCoding::identity) {
    Inflated inflated = inflate(raw.coding, body.view(), allowance.inflated);
    if (auto* const damaged = std::get_if<Fault>(&inflated)) return std::move(*damaged);
    if (std::holds_alternative<TooLarge>(inflated)) {
      raw.body = std::move(body);
      return Outgrown{std::move(raw)};
    }
    body = std::move(std::get<Buffer>(inflated));
  }
  // no bytes are no request in JSON, but a request without anything in protobuf
  if (raw.encoding == otlp::Encoding::json) {
    Result<Buffer> transcoded =
        otlp::json_to_protobuf(raw.signal, body.view(), allowance.transcoded);
    if (!transcoded) return transcoded.error();
    body = *std::move(transcoded);
  }
  Result<otlp::Shape> shape = otlp::walk(raw.signal, body.span());
  if (!shape) return shape.error();
  Prepared made{std::move(body), *shape, {}, 0};
  if (add != nullptr) {
    otlp::Growth missing = add->look(raw.signal, made.body.view());
    if (missing.edits != 0 && !otlp::Enrichment::fits(made.body, missing)) {
      made.missing = missing;
      return made;
    }
    if (missing.edits != 0) put_in(raw.signal, made, missing, *add);
  }
  right_size(made.body);
  return made;
}

Prepared enriched(Signal signal, Prepared from, const otlp::Enrichment& add) {
  put_in(signal, from, from.missing, add);
  from.missing = {};
  return from;
}

Prepared left_alone(Prepared from) {
  from.missing = {};
  right_size(from.body);
  return from;
}

}  // namespace forager::admit
