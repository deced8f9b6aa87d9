// The schema turned round for walk: from a message and a tag to what must be done, in one look-up.
// For walk.cpp only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "otlp/division.h"

namespace forager::otlp {

/// What to do with a field, by its tag. The length-delimited ones come last.
enum class Op : std::uint8_t {
  refuse,
  varint,
  fixed32,
  fixed64,
  bytes,
  text,
  fixed64s,
  varints,
  message,
  child
};
struct Action {
  Op op = Op::refuse;
  MessageId of = MessageId::none;
};

inline constexpr std::size_t tags_in_table =
    std::size_t{17} * 8;  // field numbers 0 to 16: all that the schema has

inline constexpr Action unknown_field(unsigned type) {
  constexpr std::array<Op, 8> by_type{Op::varint, Op::fixed64, Op::bytes,  Op::refuse,
                                      Op::refuse, Op::fixed32, Op::refuse, Op::refuse};
  return {by_type[type]};
}

inline constexpr Action known_field(const schema::Field& field, unsigned type) {
  using schema::Kind;
  const unsigned due = schema::wire_type(field.kind);
  if (field.label == schema::Label::repeated && due != 2 && type == 2) {
    return {due == 0 ? Op::varints : due == 1 ? Op::fixed64s : Op::refuse};
  }
  if (type != due) return {Op::refuse};
  if (detail::leads_to_items(field.of)) return {Op::child, field.of};
  if (field.kind == Kind::string) return {Op::text};
  if (field.kind != Kind::message) return unknown_field(type);
  return {Op::message, field.of};
}

inline constexpr auto actions = [] {
  std::array<std::array<Action, tags_in_table>, schema::message_count> table{};
  for (std::size_t in = 0; in < schema::message_count; ++in) {
    for (unsigned tag = 8; tag < tags_in_table; ++tag) table[in][tag] = unknown_field(tag & 7);
    for (const schema::Field& field : schema::table[in]) {
      for (unsigned type = 0; type < 8; ++type) {
        table[in].at(field.number * 8 + type) = known_field(field, type);
      }
    }
  }
  return table;
}();

inline constexpr Action action_for(MessageId in, std::uint64_t tag) {
  return tag < tags_in_table ? actions[static_cast<std::size_t>(in)][tag]
                             : unknown_field(static_cast<unsigned>(tag & 7));
}

}  // namespace forager::otlp
