#include "otlp/walk.h"

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "otlp/walk_table.h"
#include "otlp/wire.h"

namespace forager::otlp {
namespace {

/// Sums over what a divisible message holds.
struct Contents {
  std::uint32_t items = 0;
  std::size_t envelope = 0;  ///< bytes of fields that go with every part
  std::size_t largest = 0;   ///< bytes of the largest child when it holds one item only
  /// Bytes of the message with one item.
  std::size_t single() const { return envelope + largest; }
};

struct Length {
  char* value;  ///< null: broken
  char* end;
};

/// One walk. Functions return null or false after `fail`; each caller on the way up adds its
/// field's name.
class Walker {
 public:
  explicit Walker(std::span<char> body) : begin_(body.data()) {}

  bool divisible(MessageId in, char* p, char* end, int depth, Contents& contents);
  const Shape& shape() const { return shape_; }
  Fault fault() const;

 private:
  bool child(MessageId of, char* tag, char* value, char* end, int depth, Contents& into);
  bool indivisible(MessageId in, char* p, char* end, int depth);
  bool log_record(char* p, char* end, int depth);
  bool quick_attribute(char* p, char* end);
  char* field(MessageId in, char* p, char* end, int depth);
  char* other_field(MessageId in, char* p, char* end, int depth) {
    return field(in, p, end, depth);
  }
  bool packed_varints(MessageId in, const char* tag, const char* p, const char* end);
  Length length(MessageId in, const char* tag, char* p, char* end);
  void text(char* p, std::size_t size);

  [[gnu::cold, gnu::noinline]] std::nullptr_t fail(MessageId in, const char* tag, std::string what);
  [[gnu::cold, gnu::noinline]] std::nullptr_t refuse(MessageId in, const char* tag,
                                                     const char* end);
  [[gnu::cold, gnu::noinline]] std::nullptr_t inside(MessageId in, const char* tag);
  [[gnu::cold, gnu::noinline]] void repair(char* p, std::size_t size);

  const char* begin_;
  Shape shape_;
  std::string what_;
  std::size_t offset_ = 0;
  std::vector<std::string> path_;  // innermost first
};

// --- what went wrong, in words
// -------------------------------------------------------------------------------------------------

const schema::Field* known(MessageId in, std::uint64_t number) {
  for (const schema::Field& field : schema::fields_of(in)) {
    if (field.number == number) return &field;
  }
  return nullptr;
}

/// The name as in the .proto files; the schema has JSON's lowerCamelCase.
std::string name_of(MessageId in, const char* tag) {
  const auto number = read_varint(tag, tag + varint_bytes_max).value >> 3;
  const schema::Field* field = known(in, number);
  if (field == nullptr) return fmt::format("field {}", number);
  std::string name;
  for (const char c : field->name) {
    const bool upper = c >= 'A' && c <= 'Z';
    if (upper) name += '_';
    name += upper ? static_cast<char>(c + 'a' - 'A') : c;
  }
  return name;
}

std::nullptr_t Walker::inside(MessageId in, const char* tag) {
  path_.push_back(name_of(in, tag));
  return nullptr;
}

std::nullptr_t Walker::fail(MessageId in, const char* tag, std::string what) {
  what_ = std::move(what);
  offset_ = static_cast<std::size_t>(tag - begin_);
  return inside(in, tag);
}

std::nullptr_t Walker::refuse(MessageId in, const char* tag, const char* end) {
  const auto decoded = read_varint(tag, tag + std::min<std::ptrdiff_t>(tag_bytes_max, end - tag));
  if (decoded.next == nullptr || decoded.value > UINT32_MAX) {
    what_ = "a tag is cut off or too long";
    offset_ = static_cast<std::size_t>(tag - begin_);
    return nullptr;
  }
  const auto type = static_cast<unsigned>(decoded.value & 7);
  if (decoded.value < 8) return fail(in, tag, "field number 0 does not exist");
  if (type == 3 || type == 4) return fail(in, tag, "groups are not part of OTLP");
  if (type > 5) return fail(in, tag, fmt::format("wire type {} does not exist", type));
  const schema::Field* field = known(in, decoded.value >> 3);
  const unsigned due = field != nullptr ? schema::wire_type(field->kind) : type;
  return fail(in, tag, fmt::format("wire type {} instead of {}", type, due));
}

Fault Walker::fault() const {
  std::string path;
  for (auto name = path_.rbegin(); name != path_.rend(); ++name) {
    if (path.size() > 200) {  // a chain of nested values: the outermost say enough
      path += "...";
      break;
    }
    if (!path.empty()) path += '.';
    path += *name;
  }
  return forager::fault(
      fmt::format("{}{}{} at byte {}", path, path.empty() ? "" : ": ", what_, offset_));
}

// --- single fields
// -------------------------------------------------------------------------------------------------------------

void Walker::repair(char* p, std::size_t size) {
  if (repair_utf8({p, size}) != 0) ++shape_.repaired;
}

inline void Walker::text(char* p, std::size_t size) {
  if (!is_ascii(p, size)) [[unlikely]]
    repair(p, size);
}

inline Length Walker::length(MessageId in, const char* tag, char* p, char* end) {
  std::size_t size = 0;
  if (p != end && static_cast<unsigned char>(*p) < 0x80) [[likely]] {
    size = static_cast<unsigned char>(*p++);
  } else {
    const auto read = read_varint(p, p + std::min<std::ptrdiff_t>(tag_bytes_max, end - p));
    if (read.next == nullptr) return {fail(in, tag, "a length is cut off or too long"), nullptr};
    p = read.next;
    size = read.value;
  }
  const auto left = static_cast<std::size_t>(end - p);
  if (size > left) [[unlikely]] {
    return {
        fail(in, tag,
             fmt::format("length {} runs {} bytes past the end of its message", size, size - left)),
        nullptr};
  }
  return {p, p + size};
}

bool Walker::packed_varints(MessageId in, const char* tag, const char* p, const char* end) {
  while (p != end) {
    p = read_varint(p, end).next;
    if (p == nullptr) {
      fail(in, tag, "a packed varint is cut off or has more than 64 bits");
      return false;
    }
  }
  return true;
}

/// The form almost every attribute has: key first, then a value that is one scalar, both with
/// one-byte lengths. False: look again with the general walk, which also finds the words for what
/// is wrong.
inline bool Walker::quick_attribute(char* p, char* end) {
  if (end - p < 4 || p[0] != 0x0a) return false;
  const auto key_size = static_cast<unsigned char>(p[1]);
  if (key_size >= 0x80 || end - p < key_size + 4) return false;
  char* const key = p + 2;
  char* value = key + key_size + 2;
  const auto value_size = static_cast<unsigned char>(value[-1]);
  if (value[-2] != 0x12 || value_size >= 0x80 || end - value != value_size) return false;
  if (value_size != 0) {
    switch (*value++) {
      case 0x0a:  // a string
        if (value == end || *value != end - value - 1) return false;
        text(value + 1, static_cast<std::size_t>(end - value - 1));
        break;
      case 0x10:  // a bool or an integer
      case 0x18:
        if (read_varint(value, end).next != end) return false;
        break;
      case 0x21:  // a double
        if (end - value != 8) return false;
        break;
      default:
        return false;
    }
  }
  text(key, key_size);
  return true;
}

[[gnu::always_inline]] inline char* Walker::field(MessageId in, char* p, char* end, int depth) {
  char* const tag = p;
  Action action;
  if (static_cast<unsigned char>(*p) < 0x80) [[likely]] {
    action = actions[static_cast<std::size_t>(in)][static_cast<unsigned char>(*p++)];
  } else {
    const auto read = read_varint(p, p + std::min<std::ptrdiff_t>(tag_bytes_max, end - p));
    if (read.next == nullptr || read.value > UINT32_MAX) return refuse(in, tag, end);
    p = read.next;
    action = action_for(in, read.value);
  }
  switch (action.op) {
    case Op::refuse:
      return refuse(in, tag, end);
    case Op::varint:
      if (p != end && static_cast<unsigned char>(*p) < 0x80) [[likely]]
        return p + 1;
      p = read_varint(p, end).next;
      return p != nullptr ? p : fail(in, tag, "a varint is cut off or has more than 64 bits");
    case Op::fixed32:
      return end - p >= 4 ? p + 4 : fail(in, tag, "4 bytes do not fit into its message");
    case Op::fixed64:
      return end - p >= 8 ? p + 8 : fail(in, tag, "8 bytes do not fit into its message");
    default:
      break;
  }
  const Length found = length(in, tag, p, end);
  if (found.value == nullptr) return nullptr;
  const auto size = static_cast<std::size_t>(found.end - found.value);
  switch (action.op) {
    case Op::text:
      text(found.value, size);
      break;
    case Op::fixed64s:
      if (size % 8 != 0) {
        return fail(in, tag, fmt::format("{} bytes of packed 8-byte numbers", size));
      }
      break;
    case Op::varints:
      if (!packed_varints(in, tag, found.value, found.end)) return nullptr;
      break;
    case Op::message:
      if (action.of == MessageId::key_value && depth + 2 <= depth_max &&
          quick_attribute(found.value, found.end)) [[likely]] {
        break;
      }
      if (depth == depth_max) {
        return fail(in, tag, fmt::format("nested deeper than {} messages", depth_max));
      }
      if (!indivisible(action.of, found.value, found.end, depth + 1)) return inside(in, tag);
      break;
    default:
      break;
  }
  return found.end;
}

// --- whole messages
// ------------------------------------------------------------------------------------------------------------

bool Walker::indivisible(MessageId in, char* p, char* end, int depth) {
  while (p != end) {
    p = field(in, p, end, depth);
    if (p == nullptr) return false;
  }
  return true;
}

/// As any message, and keeps an eye on field 1, of which protobuf takes the last.
bool Walker::log_record(char* p, char* end, int depth) {
  std::uint64_t time = 0;
  while (p != end) {
    const char* const tag = p;
    p = other_field(MessageId::log_record, p, end, depth);
    if (p == nullptr) return false;
    // a padded tag begins with the same seven bits, and so do other fields
    if ((*tag & 0x7f) == 0x09 && read_varint(tag, p).value == 0x09) time = load_fixed64(p - 8);
  }
  if (time == 0) shape_.log_time_missing = true;
  return true;
}

bool Walker::child(MessageId of, char* tag, char* value, char* end, int depth, Contents& into) {
  const auto whole = static_cast<std::size_t>(end - tag);
  if (is_item(of)) {
    ++into.items;
    into.largest = std::max(into.largest, whole);
    if (of == MessageId::segment) {
      text(value, static_cast<std::size_t>(end - value));
      return true;
    }
    return of == MessageId::log_record ? log_record(value, end, depth)
                                       : indivisible(of, value, end, depth);
  }
  Contents below;
  if (!divisible(of, value, end, depth, below)) return false;
  into.items += below.items;
  if (below.items == 0) {
    into.envelope += whole;
  } else if (below.items == 1) {
    into.largest = std::max(into.largest, whole);
  } else {
    const std::size_t tag_size = static_cast<std::size_t>(read_varint(tag, end).next - tag);
    const std::size_t size = below.single();
    into.largest = std::max(into.largest, tag_size + varint_size(size) + size);
  }
  return true;
}

bool Walker::divisible(MessageId in, char* p, char* end, int depth, Contents& contents) {
  while (p != end) {
    char* const tag = p;
    const auto read = read_varint(p, p + std::min<std::ptrdiff_t>(tag_bytes_max, end - p));
    const Action action = read.next != nullptr && read.value <= UINT32_MAX
                              ? action_for(in, read.value)
                              : Action{Op::refuse};
    if (action.op != Op::child) {
      p = other_field(in, p, end, depth);
      if (p == nullptr) return false;
      contents.envelope += static_cast<std::size_t>(p - tag);
      continue;
    }
    const Length found = length(in, tag, read.next, end);
    if (found.value == nullptr) return false;
    if (!child(action.of, tag, found.value, found.end, depth + 1, contents)) {
      inside(in, tag);
      return false;
    }
    p = found.end;
  }
  return true;
}

}  // namespace

Result<Shape> walk(Signal signal, std::span<char> body) {
  if (body.size() > message_bytes_max) {
    return fault(
        fmt::format("a request of {} bytes: protobuf ends at {}", body.size(), message_bytes_max));
  }
  Walker walker(body);
  Contents contents;
  if (!walker.divisible(schema::request_of(signal), body.data(), body.data() + body.size(), 1,
                        contents)) {
    return walker.fault();
  }
  Shape shape = walker.shape();
  shape.items = contents.items;
  shape.largest_item = contents.items == 0 ? 0 : static_cast<std::uint32_t>(contents.single());
  return shape;
}

}  // namespace forager::otlp
