// OTLP requests for tests: `otlp_request(signal, plan)` for whole ones, `wire_*` for single fields
// put together by hand.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <protozero/pbf_writer.hpp>

#include "otlp/signal.h"

namespace forager::test {

// --- single fields: concatenate them to a message ---

inline std::string wire_bytes(std::uint32_t number, std::string_view content) {
  std::string made;
  protozero::pbf_writer(made).add_bytes(number, content.data(), content.size());
  return made;
}
inline std::string wire_varint(std::uint32_t number, std::uint64_t value) {
  std::string made;
  protozero::pbf_writer(made).add_uint64(number, value);
  return made;
}
inline std::string wire_fixed64(std::uint32_t number, std::uint64_t value) {
  std::string made;
  protozero::pbf_writer(made).add_fixed64(number, value);
  return made;
}
inline std::string wire_fixed32(std::uint32_t number, std::uint32_t value) {
  std::string made;
  protozero::pbf_writer(made).add_fixed32(number, value);
  return made;
}
/// KeyValue with a string; the caller wraps it as the attribute field of its message.
inline std::string wire_attribute(std::string_view key, std::string_view value) {
  return wire_bytes(1, key) + wire_bytes(2, wire_bytes(1, value));
}

// --- whole requests ---

/// How many of each; `items` in every scope. Metrics hold one point each, as gauges.
struct Plan {
  int resources = 1;
  int scopes = 1;
  int items = 1;
  int attributes = 2;  ///< of each item, 30 bytes or so
  bool unknown_fields =
      false;  ///< number 1001 in every divisible message, before and after its children
  std::uint64_t time =
      1'700'000'000'000'000'000;  ///< of every item; 0 leaves a log record's time out
};

inline std::string item_attributes(std::uint32_t number, int count) {
  std::string made;
  for (int i = 0; i < count; ++i) {
    made += wire_bytes(number, wire_attribute(fmt::format("attribute.{}", i), "some value"));
  }
  return made;
}

/// "item N" is in its name (span), body (log record) or metric name.
inline std::string otlp_item(Signal signal, int n, const Plan& plan) {
  const std::string name = fmt::format("item {}", n);
  switch (signal) {
    case Signal::traces:
      return wire_bytes(1, fmt::format("{:016d}", n)) + wire_bytes(2, fmt::format("{:08d}", n)) +
             wire_bytes(5, name) + wire_varint(6, 2) + wire_fixed64(7, plan.time) +
             wire_fixed64(8, plan.time + 1000) + item_attributes(9, plan.attributes) +
             wire_fixed32(16, 0x100);
    case Signal::logs:
      return (plan.time != 0 ? wire_fixed64(1, plan.time) : std::string()) + wire_varint(2, 9) +
             wire_bytes(5, wire_bytes(1, name)) + item_attributes(6, plan.attributes);
    case Signal::metrics:
      return wire_bytes(1, name) +
             wire_bytes(5, wire_bytes(1, wire_fixed64(3, plan.time) + wire_fixed64(6, 42) +
                                             item_attributes(7, plan.attributes)));
    case Signal::segments:
      break;  // no OTLP
  }
  return {};
}

inline std::string otlp_request(Signal signal, const Plan& plan = {}) {
  const std::string unknown = plan.unknown_fields ? wire_varint(1001, 7) : std::string();
  std::string request = unknown;
  int n = 0;
  for (int r = 0; r < plan.resources; ++r) {
    const auto service = wire_attribute("service.name", fmt::format("service {}", r));
    std::string resource = unknown + wire_bytes(1, wire_bytes(1, service));
    for (int s = 0; s < plan.scopes; ++s) {
      std::string scope = unknown + wire_bytes(1, wire_bytes(1, fmt::format("scope {}", s)));
      for (int i = 0; i < plan.items; ++i) scope += wire_bytes(2, otlp_item(signal, n++, plan));
      resource += wire_bytes(2, scope + unknown);
    }
    request += wire_bytes(1, resource + wire_bytes(3, "https://schema.example/1") + unknown);
  }
  return request + unknown;
}

}  // namespace forager::test
