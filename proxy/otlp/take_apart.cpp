#include "otlp/take_apart.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "otlp/wire.h"

namespace forager::otlp {

class CutsBuilder {
 public:
  CutsBuilder(Signal signal, std::string_view body) : body_(body) {
    Cuts::Envelope& request = cuts_.envelopes_.emplace_back();
    request.end = static_cast<std::uint32_t>(body.size());
    request.message = schema::request_of(signal);
    fill(0);
  }
  Cuts take() { return std::move(cuts_); }

 private:
  void fill(std::size_t at) {
    Cuts::Envelope envelope = cuts_.envelopes_[at];  // a copy: the vector grows below
    envelope.first = cuts_.items();
    Fields fields(body_.substr(envelope.value, envelope.end - envelope.value));
    while (const auto field = fields.next()) {
      const auto child = child_of(envelope.message, field->number);
      const auto size = static_cast<std::uint32_t>(field->whole.size());
      if (child == MessageId::none) {
        envelope.own += size;
      } else if (is_item(child)) {
        cuts_.sums_.push_back(cuts_.sums_.back() + size);
        envelope.holds_items = true;
      } else {
        add(child, *field);
      }
    }
    envelope.last = cuts_.items();
    envelope.next = static_cast<std::uint32_t>(cuts_.envelopes_.size());
    cuts_.envelopes_[at] = envelope;
    place_empty_ones(at);
  }

  void add(MessageId message, const Field& field) {
    Cuts::Envelope envelope;
    envelope.begin = offset_of(field.whole);
    envelope.value = offset_of(field.value);
    envelope.end = envelope.begin + static_cast<std::uint32_t>(field.whole.size());
    envelope.message = message;
    envelope.tag_size = static_cast<std::uint8_t>(field.tag_size);
    const std::size_t at = cuts_.envelopes_.size();
    cuts_.envelopes_.push_back(envelope);
    fill(at);
    Cuts::Envelope& filled = cuts_.envelopes_[at];
    if (filled.first == filled.last) {  // never cut: what is in it needs no entry
      cuts_.envelopes_.resize(at + 1);
      cuts_.envelopes_[at].next = static_cast<std::uint32_t>(at + 1);
    }
  }

  void place_empty_ones(std::size_t parent) {
    const Cuts::Envelope& around = cuts_.envelopes_[parent];
    if (around.first == around.last) return;
    for (std::size_t at = parent + 1; at < around.next; at = cuts_.envelopes_[at].next) {
      Cuts::Envelope& child = cuts_.envelopes_[at];
      child.goes_with = std::min(child.first, around.last - 1);
    }
  }

  std::uint32_t offset_of(std::string_view inside) const {
    return static_cast<std::uint32_t>(inside.data() - body_.data());
  }

  std::string_view body_;
  Cuts cuts_;
};

std::size_t Cuts::memory() const {
  return envelopes_.capacity() * sizeof(Envelope) + sums_.capacity() * sizeof(std::uint32_t);
}

/// How much of an envelope inside of the request is in the part [first, last).
Cuts::Share Cuts::share(const Envelope& of, std::uint32_t first, std::uint32_t last) const {
  if (of.first == of.last) {
    return of.goes_with >= first && of.goes_with < last ? Share::all : Share::none;
  }
  if (of.first >= first && of.last <= last) return Share::all;
  return of.first < last && first < of.last ? Share::some : Share::none;
}

std::size_t Cuts::content_size(std::size_t envelope, std::uint32_t first,
                               std::uint32_t last) const {
  const Envelope& e = envelopes_[envelope];
  std::size_t size = e.own;
  if (e.holds_items) return size + sums_[std::min(last, e.last)] - sums_[std::max(first, e.first)];
  for (std::size_t at = envelope + 1; at < e.next; at = envelopes_[at].next) {
    const Envelope& child = envelopes_[at];
    const Share in_part = share(child, first, last);
    if (in_part == Share::all) {
      size += child.end - child.begin;
    } else if (in_part == Share::some) {
      const std::size_t content = content_size(at, first, last);
      size += child.tag_size + varint_size(content) + content;
    }
  }
  return size;
}

/// Writes one part into a buffer of exactly its size.
class PartWriter {
 public:
  PartWriter(std::string_view body, const Cuts& cuts, std::uint32_t first, std::uint32_t last,
             char* to)
      : body_(body), cuts_(cuts), first_(first), last_(last), to_(to) {}

  void write(std::size_t at) {
    const Cuts::Envelope& envelope = cuts_.envelopes_[at];
    const auto content = body_.substr(envelope.value, envelope.end - envelope.value);
    std::size_t run = 0;  // what is kept is copied in runs as long as possible
    std::uint32_t item = envelope.first;
    std::size_t inner = at + 1;
    Fields fields(content);
    while (const auto field = fields.next()) {
      const auto child = child_of(envelope.message, field->number);
      if (child == MessageId::none) continue;
      auto in_part = Cuts::Share::all;
      std::size_t here = inner;
      if (is_item(child)) {
        if (item < first_ || item >= last_) in_part = Cuts::Share::none;
        ++item;
      } else {
        in_part = cuts_.share(cuts_.envelopes_[here], first_, last_);
        inner = cuts_.envelopes_[here].next;
      }
      if (in_part == Cuts::Share::all) continue;
      const auto begin = static_cast<std::size_t>(field->whole.data() - content.data());
      copy(content.substr(run, begin - run));
      run = begin + field->whole.size();
      if (in_part == Cuts::Share::some) divide(here, *field);
    }
    copy(content.substr(run));
  }
  const char* end() const { return to_; }

 private:
  void divide(std::size_t at, const Field& field) {
    copy(field.whole.substr(0, field.tag_size));
    to_ = write_varint(to_, cuts_.content_size(at, first_, last_));
    write(at);
  }

  void copy(std::string_view bytes) {
    if (bytes.empty()) return;
    std::memcpy(to_, bytes.data(), bytes.size());
    to_ += bytes.size();
  }

  std::string_view body_;
  const Cuts& cuts_;
  std::uint32_t first_;
  std::uint32_t last_;
  char* to_;
};

Cuts index(Signal signal, std::string_view body) { return CutsBuilder(signal, body).take(); }

std::size_t part_size(const Cuts& cuts, std::uint32_t first, std::uint32_t last) {
  assert(last <= cuts.items() && (first < last || cuts.items() == 0));
  if (first == 0 && last == cuts.items()) return cuts.envelopes_[0].end;
  return cuts.content_size(0, first, last);
}

Buffer part([[maybe_unused]] Signal signal, std::string_view body, const Cuts& cuts,
            std::uint32_t first, std::uint32_t last) {
  assert(cuts.envelopes_[0].message == schema::request_of(signal));
  assert(cuts.envelopes_[0].end == body.size());
  if (first == 0 && last == cuts.items()) return Buffer::copy_of(body);
  Buffer made(part_size(cuts, first, last));
  PartWriter writer(body, cuts, first, last, made.data());
  writer.write(0);
  assert(writer.end() == made.data() + made.size());
  return made;
}

std::uint32_t fit(const Cuts& cuts, std::uint32_t first, std::size_t max_bytes,
                  std::uint32_t max_items) {
  if (first >= cuts.items()) return 0;
  const std::uint32_t most = std::clamp(max_items, 1U, cuts.items() - first);
  if (part_size(cuts, first, first + most) <= max_bytes) return most;
  std::uint32_t fits = 1;  // whether it does or not
  std::uint32_t too_many = most;
  while (fits + 1 < too_many) {
    const std::uint32_t middle = fits + (too_many - fits) / 2;
    (part_size(cuts, first, first + middle) <= max_bytes ? fits : too_many) = middle;
  }
  return fits;
}

}  // namespace forager::otlp
