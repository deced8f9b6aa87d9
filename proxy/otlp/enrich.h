// Resource attributes that Forager knows and an app did not send, put into the bytes of a request
// where they are missing. Items are neither read nor moved more than they must. Pure; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "otlp/division.h"
#include "otlp/wire.h"

namespace forager::otlp {

/// With a value that is a string, or a list of that one string (PROTOCOLS 5.2, `aws.log.*`).
struct Attribute {
  std::string key;
  std::string value;
  bool list = false;
  bool operator==(const Attribute&) const = default;
};

/// Some of the attributes of an Enrichment, by their index.
struct AttributeSet {
  std::array<std::uint64_t, 2> words{};

  void add(std::size_t index) { words[index / 64] |= std::uint64_t{1} << (index % 64); }
  void remove(std::size_t index) { words[index / 64] &= ~(std::uint64_t{1} << (index % 64)); }
  bool empty() const { return (words[0] | words[1]) == 0; }
  bool operator==(const AttributeSet&) const = default;
};

/// What is to be done to one ResourceSpans, ResourceLogs or ResourceMetrics: its `resource` gets
/// the missing attributes behind its last one. Offsets are those of the body.
struct ResourceEdit {
  std::size_t begin = 0;            ///< of its tag
  std::size_t length = 0;           ///< where its length is written
  std::size_t value = 0;            ///< where its content begins
  std::size_t end = 0;              ///< and ends
  std::size_t resource = 0;         ///< of the resource's tag; `value` if there is no resource
  std::size_t resource_length = 0;  ///< all of these equal `resource` if there is none
  std::size_t resource_value = 0;
  std::size_t resource_end = 0;
  std::size_t insert = 0;  ///< where the attributes go
  std::size_t cut = 0;     ///< an `unknown_service` that goes: [cut, cut_end)
  std::size_t cut_end = 0;
  std::size_t added = 0;         ///< bytes of the missing attributes
  std::size_t resource_new = 0;  ///< content of the resource afterwards
  std::size_t value_new = 0;     ///< content of all of it afterwards
  AttributeSet missing;

  bool changes() const { return added != 0; }
  bool has_resource() const { return resource_value != resource; }
  std::size_t whole_new() const { return length - begin + varint_size(value_new) + value_new; }
};

/// What enriching one body means; see Enrichment::look.
struct Growth {
  std::size_t size = 0;         ///< of the body afterwards
  std::size_t edits = 0;        ///< messages that change; 0: nothing is missing
  std::size_t item_growth = 0;  ///< no item's request grows by more (Shape::largest_item)
  ResourceEdit last;            ///< the last of them
};

class Enrichment {
 public:
  /// What comes after these is left out: every request pays for what is added.
  static constexpr std::size_t attributes_max = 128;

  /// Of several with the same key the first counts. Without any, nothing is ever missing.
  explicit Enrichment(std::span<const Attribute> attributes = {});

  bool empty() const { return ends_.empty(); }
  /// Bytes by which a body with one resource grows at most: headroom for `put_into`.
  std::size_t growth_max() const {
    return empty() ? 0 : encoded_.size() + std::size_t{2} * tag_bytes_max;
  }

  /// Finds what is missing in a body that walk has accepted, in time that depends on the number of
  /// resources and their attributes, not on items. An attribute is there if any `resource` of its
  /// message has its key, whatever the value. The exception: a service.name that SDKs make up
  /// ("unknown_service", PROTOCOLS 5.2) gives way to ours if it is the only one. Messages without
  /// an item are left alone, and so are segments.
  Growth look(Signal signal, std::string_view body) const;

  /// Whether `put_into` needs no memory: one edit, and the body's headroom takes it.
  static bool fits(const Buffer& body, const Growth& growth);
  /// The body with what is missing: moved within its headroom if it `fits`, else in a new buffer of
  /// growth.size. `growth` is what `look` found for these bytes, and has edits. All other bytes,
  /// also unknown fields, stay as they are and in their order; only the lengths around the added
  /// ones are written anew.
  Buffer put_into(Signal signal, Buffer body, const Growth& growth) const;

 private:
  static constexpr std::size_t shapes = 64;
  class Reader;
  ResourceEdit edit_of(MessageId in, std::string_view body, const Field& message) const;
  /// Few keys of apps share even that with one of ours.
  static std::size_t shape_of(std::string_view key) {
    const unsigned last = key.empty() ? 0 : static_cast<unsigned char>(key.back());
    return (key.size() * 5 + last) % shapes;
  }
  std::string_view encoded(std::size_t index) const;
  std::size_t size_of(const AttributeSet& set) const;
  char* write_attributes(const AttributeSet& set, char* to) const;
  char* write_edit(const ResourceEdit& edit, const char* body, char* to) const;

  std::vector<std::string> keys_;
  std::string encoded_;            ///< each as a field of Resource, one after another
  std::vector<std::size_t> ends_;  ///< in `encoded_`
  AttributeSet all_;
  std::array<AttributeSet, shapes> by_shape_{};
  std::size_t service_name_ = attributes_max;  ///< index, if it is among them
};

}  // namespace forager::otlp
