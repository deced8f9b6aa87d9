#include "otlp/log_time.h"

#include <cstring>
#include <string_view>

#include "otlp/division.h"
#include "otlp/wire.h"

namespace forager::otlp {
namespace {

constexpr std::uint32_t time_field = 1;
constexpr std::uint32_t observed_field = 11;
constexpr char time_tag = 0x09;      // field 1, fixed64
constexpr char observed_tag = 0x59;  // field 11, fixed64
constexpr std::size_t inserted_size = 9;

/// A record's two times: where the last of each is, null if there is none.
struct Times {
  const char* time = nullptr;
  const char* observed = nullptr;
  bool missing() const { return time == nullptr || load_fixed64(time) == 0; }
  bool nowhere() const { return time == nullptr && observed == nullptr; }
};

Times times_of(std::string_view record) {
  Times times;
  Fields fields(record);
  while (const auto field = fields.next()) {
    if (field->number == time_field) times.time = field->value.data();
    if (field->number == observed_field) times.observed = field->value.data();
  }
  return times;
}

/// Calls `visit` with the content of every record below `message`.
template <class Visit>
void each_record(MessageId in, std::string_view message, const Visit& visit) {
  Fields fields(message);
  while (const auto field = fields.next()) {
    const auto child = child_of(in, field->number);
    if (child == MessageId::log_record) {
      visit(field->value);
    } else if (child != MessageId::none) {
      each_record(child, field->value, visit);
    }
  }
}

/// The copy under work, and where its bytes stand in the original.
class Editor {
 public:
  Editor(std::string_view original, std::uint64_t arrived_nanos)
      : original_(original), copy_(Buffer::copy_of(original)), arrived_(arrived_nanos) {}

  /// All edits that change no length. Records without either time are left for `insert`.
  void overwrite() {
    each_record(MessageId::logs_request, original_, [this](std::string_view record) {
      const Times times = times_of(record);
      if (!times.missing() || times.nowhere()) return;
      const std::uint64_t observed = times.observed != nullptr ? load_fixed64(times.observed) : 0;
      const std::uint64_t best = observed != 0 ? observed : arrived_;
      if (times.time != nullptr) {
        store_fixed64(here(times.time), best);
      } else {
        retag(record);
        store_fixed64(here(times.observed), best);
      }
    });
  }
  Buffer take() { return std::move(copy_); }

 private:
  /// Field 11 becomes field 1, all of them. A padded tag keeps its padding: only the low seven bits
  /// carry the number.
  void retag(std::string_view record) {
    Fields fields(record);
    while (const auto field = fields.next()) {
      if (field->number != observed_field) continue;
      char& tag = copy_.data()[field->whole.data() - original_.data()];
      tag = static_cast<char>(tag ^ observed_tag ^ time_tag);
    }
  }
  char* here(const char* in_original) { return copy_.data() + (in_original - original_.data()); }

  std::string_view original_;
  Buffer copy_;
  std::uint64_t arrived_;
};

std::size_t grown_size(MessageId in, std::string_view message);

std::size_t grown_content(MessageId in, const Field& field) {
  const MessageId child = child_of(in, field.number);
  return child != MessageId::none ? grown_size(child, field.value) : field.value.size();
}

/// Bytes of `message` once every record in it without either time has one.
std::size_t grown_size(MessageId in, std::string_view message) {
  if (in == MessageId::log_record) {
    return message.size() + (times_of(message).nowhere() ? inserted_size : 0);
  }
  std::size_t size = 0;
  Fields fields(message);
  while (const auto field = fields.next()) {
    const std::size_t content = grown_content(in, *field);
    const bool same = content == field->value.size();
    size += same ? field->whole.size() : field->tag_size + varint_size(content) + content;
  }
  return size;
}

char* append(char* to, std::string_view bytes) {
  if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
  return to + bytes.size();
}

/// Writes `message` with the missing times put in; lengths that don't change keep their bytes.
char* write_grown(MessageId in, std::string_view message, std::uint64_t arrived, char* to) {
  if (in == MessageId::log_record) {  // only called for one that grows
    *to = time_tag;
    store_fixed64(to + 1, arrived);
    return append(to + inserted_size, message);
  }
  Fields fields(message);
  while (const auto field = fields.next()) {
    const std::size_t content = grown_content(in, *field);
    if (content == field->value.size()) {
      to = append(to, field->whole);
      continue;
    }
    to = append(to, field->whole.substr(0, field->tag_size));
    to = write_varint(to, content);
    to = write_grown(child_of(in, field->number), field->value, arrived, to);
  }
  return to;
}

}  // namespace

Slice with_log_time(const Slice& body, std::uint64_t arrived_nanos) {
  bool missing = false;
  bool nowhere = false;
  each_record(MessageId::logs_request, body.view(), [&](std::string_view record) {
    const Times times = times_of(record);
    missing |= times.missing();
    nowhere |= times.nowhere();
  });
  if (!missing) return body;
  Editor editor(body.view(), arrived_nanos);
  editor.overwrite();
  Buffer edited = editor.take();
  if (!nowhere) return Slice(std::move(edited));
  Buffer grown(grown_size(MessageId::logs_request, edited.view()));
  write_grown(MessageId::logs_request, edited.view(), arrived_nanos, grown.data());
  return Slice(std::move(grown));
}

}  // namespace forager::otlp
