// Requests whose items carry numbers, so that a test can tell which of them a body holds. The
// numbers are unknown fields of the items, which Forager must carry along.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <protozero/pbf_reader.hpp>

#include "journal/record.h"
#include "otlp/walk.h"
#include "support/otlp_builder.h"

namespace forager::test {

inline constexpr std::uint32_t number_field = 1000;
inline constexpr std::uint32_t padding_field = 1001;

struct Numbered {
  Signal signal = Signal::traces;
  std::uint64_t first = 0;
  std::uint32_t items = 1;
  std::size_t padding = 0;       ///< bytes in each item
  std::uint32_t per_scope = 10;  ///< items of one resource, which are one scope's
  bool log_time = true;
  journal::GroupId group = journal::own_group;
};

inline std::string numbered_item(const Numbered& plan, std::uint64_t number) {
  std::string item =
      wire_varint(number_field, number) + wire_bytes(padding_field, std::string(plan.padding, 'p'));
  if (plan.signal == Signal::logs && plan.log_time) item += wire_fixed64(1, 1'700'000'000);
  // a metric with one gauge point, which is the item
  return plan.signal == Signal::metrics ? wire_bytes(1, "m") + wire_bytes(5, wire_bytes(1, item))
                                        : item;
}

inline std::string numbered_body(const Numbered& plan) {
  std::string body;
  for (std::uint32_t i = 0; i < plan.items;) {
    std::string scope = wire_bytes(1, wire_bytes(1, "scope"));
    for (std::uint32_t n = 0; n < plan.per_scope && i < plan.items; ++n, ++i) {
      scope += wire_bytes(2, numbered_item(plan, plan.first + i));
    }
    const std::string resource = wire_bytes(1, wire_attribute("service.name", "test"));
    body += wire_bytes(1, wire_bytes(1, resource) + wire_bytes(2, scope));
  }
  return body;
}

inline journal::Record numbered(const Numbered& plan) {
  Buffer body = Buffer::copy_of(numbered_body(plan));
  const otlp::Shape shape = otlp::walk(plan.signal, body.span()).value();
  journal::Record record;
  record.signal = plan.signal;
  record.group = plan.group;
  record.items = shape.items;
  record.largest_item = shape.largest_item;
  record.log_time_missing = shape.log_time_missing;
  record.body = Slice(std::move(body));
  return record;
}

namespace detail {
inline void collect(std::string_view message, const std::uint32_t* path, std::size_t depth,
                    std::vector<std::uint64_t>& into) {
  protozero::pbf_reader fields(message.data(), message.size());
  while (fields.next()) {
    if (depth == 0 && fields.tag() == number_field) {
      into.push_back(fields.get_uint64());
    } else if (depth != 0 && fields.tag() == *path) {
      const auto inner = fields.get_view();
      collect({inner.data(), inner.size()}, path + 1, depth - 1, into);
    } else {
      fields.skip();
    }
  }
}
}  // namespace detail

/// The numbers of the items in a body, in order, read by another protobuf reader than Forager's.
inline std::vector<std::uint64_t> numbers_in(Signal signal, std::string_view body) {
  constexpr std::uint32_t path[] = {1, 2, 2, 5, 1};
  std::vector<std::uint64_t> numbers;
  detail::collect(body, path, signal == Signal::metrics ? 5 : 3, numbers);
  return numbers;
}

}  // namespace forager::test
