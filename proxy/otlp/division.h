// Where a request may be cut: which messages of the schema are items, and which hold items and are
// repeated in every part.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "otlp/schema.h"

namespace forager::otlp {

using schema::MessageId;

/// What the ledger counts: spans, log records, data points and segments.
inline constexpr bool is_item(MessageId message) {
  switch (message) {
    case MessageId::span:
    case MessageId::log_record:
    case MessageId::number_point:
    case MessageId::histogram_point:
    case MessageId::exponential_point:
    case MessageId::summary_point:
    case MessageId::segment:
      return true;
    default:
      return false;
  }
}

namespace detail {

/// An item, or a message that holds items further down.
inline constexpr bool leads_to_items(MessageId message) {
  if (is_item(message)) return true;
  switch (message) {
    case MessageId::resource_spans:
    case MessageId::scope_spans:
    case MessageId::resource_logs:
    case MessageId::scope_logs:
    case MessageId::resource_metrics:
    case MessageId::scope_metrics:
    case MessageId::metric:
    case MessageId::gauge:
    case MessageId::sum:
    case MessageId::histogram:
    case MessageId::exponential_histogram:
    case MessageId::summary:
      return true;
    default:
      return false;
  }
}

inline constexpr std::size_t child_numbers = 16;  // every child's number is below
inline constexpr auto children = [] {
  std::array<std::array<MessageId, child_numbers>, schema::message_count> made{};
  for (std::size_t in = 0; in < schema::message_count; ++in) {
    for (const schema::Field& field : schema::table[in]) {
      if (leads_to_items(field.of)) made[in][field.number] = field.of;
    }
  }
  return made;
}();

}  // namespace detail

/// The message that field `number` of `in` holds if `in` may be cut there, else `none`.
inline constexpr MessageId child_of(MessageId in, std::uint32_t number) {
  if (number >= detail::child_numbers) return MessageId::none;
  return detail::children[static_cast<std::size_t>(in)][number];
}

}  // namespace forager::otlp
