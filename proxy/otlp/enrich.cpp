#include "otlp/enrich.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>
#include <utility>

namespace forager::otlp {
namespace {

constexpr std::string_view service_name_key = "service.name";
constexpr std::string_view made_up_name = "unknown_service";
constexpr char first_field = 0x0a;   // field 1 with a length: resource, attributes, key, string
constexpr char second_field = 0x12;  // field 2 with a length: value
constexpr char array_field = 0x2a;   // field 5 with a length: AnyValue.array_value
constexpr std::uint32_t field_of_messages = 1;
constexpr std::uint32_t field_of_resource = 1;
constexpr std::uint32_t field_of_attributes = 1;

/// Calls `visit` with each index in `set`, in order.
template <class Visit>
void each(const AttributeSet& set, const Visit& visit) {
  for (std::size_t word = 0; word < set.words.size(); ++word) {
    for (std::uint64_t left = set.words[word]; left != 0; left &= left - 1) {
      visit(word * 64 + static_cast<std::size_t>(std::countr_zero(left)));
    }
  }
}

std::string with_length(char tag, std::string_view content) {
  std::array<char, varint_bytes_max> length{};
  const char* const end = write_varint(length.data(), content.size());
  std::string made(1, tag);
  made.append(length.data(), static_cast<std::size_t>(end - length.data()));
  return made.append(content);
}

std::string encode(const Attribute& attribute) {
  std::string value = with_length(first_field, attribute.value);
  if (attribute.list) value = with_length(array_field, with_length(first_field, value));
  return with_length(first_field,
                     with_length(first_field, attribute.key) + with_length(second_field, value));
}

/// The last field 1 of a KeyValue.
std::string_view key_of(std::string_view key_value) {
  std::string_view key;
  Fields fields(key_value);
  while (const auto field = fields.next()) {
    if (field->number == 1) key = field->value;
  }
  return key;
}

/// The form almost every attribute has: key first, then the value, all with one-byte lengths.
/// Returns its key's size, or -1: look again with what knows every form. `at` has `left` bytes.
inline int quick_key(const char* at, std::ptrdiff_t left) {
  if (left < 6 || at[0] != first_field || at[2] != first_field) return -1;
  const auto all = static_cast<unsigned char>(at[1]);
  const auto key = static_cast<unsigned char>(at[3]);
  if (all >= 0x80 || key + 4 > all || all + 2 > left) return -1;
  const auto value = static_cast<unsigned char>(at[5 + key]);
  return at[4 + key] == second_field && key + 4 + value == all ? key : -1;
}

/// A KeyValue whose value is one string, and says that the SDK had no name.
bool is_made_up(std::string_view key_value) {
  std::string_view any_value;
  Fields fields(key_value);
  while (const auto field = fields.next()) {
    if (field->number == 2) any_value = field->value;
  }
  Fields values(any_value);
  const auto only = values.next();
  return only && only->number == 1 && only->whole.size() == any_value.size() &&
         only->value.starts_with(made_up_name);
}

MessageId message_with_resource(Signal signal) {
  return child_of(schema::request_of(signal), field_of_messages);
}

/// Finds the first item, so looks at little of the message.
bool holds_items(MessageId in, std::string_view message) {
  Fields fields(message);
  while (const auto field = fields.next()) {
    const MessageId child = child_of(in, field->number);
    if (is_item(child)) return true;
    if (child != MessageId::none && holds_items(child, field->value)) return true;
  }
  return false;
}

char* append(char* to, const char* from, const char* end) {
  // within one buffer the bytes move towards its beginning
  std::memmove(to, from, static_cast<std::size_t>(end - from));
  return to + (end - from);
}

}  // namespace

Enrichment::Enrichment(std::span<const Attribute> attributes) {
  for (const Attribute& one : attributes) {
    if (keys_.size() == attributes_max) break;
    if (std::ranges::find(keys_, one.key) != keys_.end()) continue;
    const std::size_t index = keys_.size();
    by_shape_[shape_of(one.key)].add(index);
    all_.add(index);
    if (one.key == service_name_key) service_name_ = index;
    keys_.push_back(one.key);
    encoded_ += encode(one);
    ends_.push_back(encoded_.size());
  }
}

std::string_view Enrichment::encoded(std::size_t index) const {
  const std::size_t begin = index == 0 ? 0 : ends_[index - 1];
  return std::string_view(encoded_).substr(begin, ends_[index] - begin);
}

std::size_t Enrichment::size_of(const AttributeSet& set) const {
  if (set == all_) return encoded_.size();
  std::size_t size = 0;
  each(set, [&](std::size_t index) { size += encoded(index).size(); });
  return size;
}

char* Enrichment::write_attributes(const AttributeSet& set, char* to) const {
  if (set == all_) {
    std::memcpy(to, encoded_.data(), encoded_.size());
    return to + encoded_.size();
  }
  each(set, [&](std::size_t index) {
    const std::string_view bytes = encoded(index);
    std::memcpy(to, bytes.data(), bytes.size());
    to += bytes.size();
  });
  return to;
}

/// Goes through the attributes of one message's resource, or resources: protobuf merges them.
class Enrichment::Reader {
 public:
  Reader(const Enrichment& with, const char* body) : with_(with), body_(body) {
    edit.missing = with.all_;
  }

  void resource(const Field& field) {
    edit.resource = offset(field.whole);
    edit.resource_length = edit.resource + field.tag_size;
    edit.resource_value = offset(field.value);
    edit.resource_end = edit.resource_value + field.value.size();
    edit.cut = edit.cut_end = 0;  // what is in an earlier one stays
    const char* const insert = attributes(field.value);
    edit.insert = static_cast<std::size_t>(insert - body_);
  }

  /// A name that was made up is missing only if it stands alone and in the part that is written
  /// anew.
  void decide_on_name() {
    if (edit.cut_end == 0) return;
    if (names_ == 1) return edit.missing.add(with_.service_name_);
    edit.cut = edit.cut_end = 0;
  }

  ResourceEdit edit;

 private:
  /// Returns the end of the last one.
  const char* attributes(std::string_view resource) {
    const char* at = resource.data();
    const char* insert = at;
    const char* const end = at + resource.size();
    while (at != end) {
      if (const int key = quick_key(at, end - at); key >= 0) {
        const std::size_t size = static_cast<unsigned char>(at[1]);
        const std::string_view name(at + 4, static_cast<std::size_t>(key));
        if (!with_.by_shape_[shape_of(name)].empty())
          attribute(name, {at, size + 2}, {at + 2, size});
        at += size + 2;
        insert = at;
        continue;
      }
      const auto part = Fields({at, static_cast<std::size_t>(end - at)}).next();
      if (!part) break;
      at += part->whole.size();
      if (part->number != field_of_attributes) continue;
      attribute(key_of(part->value), part->whole, part->value);
      insert = at;
    }
    return insert;
  }
  void attribute(std::string_view key, std::string_view whole, std::string_view key_value) {
    each(with_.by_shape_[shape_of(key)], [&](std::size_t index) {
      if (with_.keys_[index] != key) return;
      edit.missing.remove(index);
      if (index == with_.service_name_) name(whole, key_value);
    });
  }
  void name(std::string_view whole, std::string_view key_value) {
    ++names_;
    if (!is_made_up(key_value)) return;
    edit.cut = offset(whole);
    edit.cut_end = edit.cut + whole.size();
  }
  std::size_t offset(std::string_view in_body) const {
    return static_cast<std::size_t>(in_body.data() - body_);
  }

  const Enrichment& with_;
  const char* body_;
  std::size_t names_ = 0;
};

ResourceEdit Enrichment::edit_of(MessageId in, std::string_view body, const Field& message) const {
  Reader reader(*this, body.data());
  ResourceEdit& edit = reader.edit;
  edit.begin = static_cast<std::size_t>(message.whole.data() - body.data());
  edit.length = edit.begin + message.tag_size;
  edit.value = edit.begin + message.whole.size() - message.value.size();
  edit.end = edit.begin + message.whole.size();
  edit.resource = edit.resource_length = edit.resource_value = edit.resource_end = edit.insert =
      edit.value;
  Fields fields(message.value);
  while (const auto field = fields.next()) {
    if (field->number == field_of_resource) reader.resource(*field);
  }
  reader.decide_on_name();
  if (edit.missing.empty() || !holds_items(in, message.value)) return edit;
  edit.added = size_of(edit.missing);
  const std::size_t cut = edit.cut_end - edit.cut;
  edit.resource_new = edit.resource_end - edit.resource_value - cut + edit.added;
  const std::size_t tag = edit.has_resource() ? edit.resource_length - edit.resource : 1;
  edit.value_new = message.value.size() - (edit.resource_end - edit.resource) + tag +
                   varint_size(edit.resource_new) + edit.resource_new;
  return edit;
}

Growth Enrichment::look(Signal signal, std::string_view body) const {
  const MessageId in = message_with_resource(signal);
  Growth growth;
  growth.size = body.size();
  if (is_item(in)) return growth;  // segments have no resource
  Fields fields(body);
  while (const auto field = fields.next()) {
    if (field->number != field_of_messages) continue;
    const ResourceEdit edit = edit_of(in, body, *field);
    if (!edit.changes()) continue;
    ++growth.edits;
    growth.size = growth.size - (edit.end - edit.begin) + edit.whole_new();
    if (edit.value_new > edit.end - edit.value) {
      // in a request with one item its message is shorter: its length may grow by as many bytes as
      // the length of the growth has
      const std::size_t grown = edit.value_new - (edit.end - edit.value);
      growth.item_growth = std::max(growth.item_growth, grown + varint_size(grown));
    }
    growth.last = edit;
  }
  return growth;
}

bool Enrichment::fits(const Buffer& body, const Growth& growth) {
  if (growth.edits != 1 || growth.size < body.size()) return false;
  // nothing may be written over what is still to be moved: with what is cut, each of the two
  // lengths can lose at most 4 bytes of padding before the attributes come
  const bool only_grows = growth.last.added >= growth.last.cut_end - growth.last.cut + 8;
  return only_grows && growth.size - body.size() <= body.headroom();
}

char* Enrichment::write_edit(const ResourceEdit& edit, const char* body, char* to) const {
  to = append(to, body + edit.begin, body + edit.length);
  to = write_varint(to, edit.value_new);
  if (edit.has_resource()) {
    to = append(to, body + edit.value, body + edit.resource_length);
  } else {
    *to++ = first_field;
  }
  to = write_varint(to, edit.resource_new);
  const std::size_t before = edit.cut_end != 0 ? edit.cut : edit.insert;
  to = append(to, body + edit.resource_value, body + before);
  if (edit.cut_end != 0) to = append(to, body + edit.cut_end, body + edit.insert);
  return write_attributes(edit.missing, to);
}

Buffer Enrichment::put_into(Signal signal, Buffer body, const Growth& growth) const {
  assert(growth.edits != 0);
  if (fits(body, growth)) {
    const std::size_t grown = growth.size - body.size();
    body.grow_front(grown);
    const char* const old = body.data() + grown;
    char* const to = append(body.data(), old, old + growth.last.begin);
    [[maybe_unused]] const char* const end = write_edit(growth.last, old, to);
    assert(end == old + growth.last.insert);
    return body;
  }
  Buffer made(growth.size);
  char* to = made.data();
  const char* const old = body.data();
  std::size_t written = 0;  // of the old body
  const auto take = [&](const ResourceEdit& edit) {
    to = append(to, old + written, old + edit.begin);
    to = write_edit(edit, old, to);
    written = edit.insert;
  };
  if (growth.edits == 1) {
    take(growth.last);
  } else {
    const MessageId in = message_with_resource(signal);
    Fields fields(body.view());
    while (const auto field = fields.next()) {
      if (field->number != field_of_messages) continue;
      const ResourceEdit edit = edit_of(in, body.view(), *field);
      if (edit.changes()) take(edit);
    }
  }
  to = append(to, old + written, old + body.size());
  assert(to == made.data() + made.size());
  return made;
}

}  // namespace forager::otlp
