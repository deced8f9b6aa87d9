// Requests for the hive's tests, with the fields it reads.
#pragma once

#include <string>
#include <string_view>

#include "support/otlp_builder.h"

namespace forager::test {

struct SpanPlan {
  std::string trace_id = std::string(16, 't');
  std::string parent_id;
  std::string name = "GET /cart";
  std::uint64_t start = 1'000'000'000;
  std::uint64_t end = 1'182'000'000;
  bool failed = false;
};

inline std::string wire_span(const SpanPlan& plan) {
  return wire_bytes(1, plan.trace_id) + wire_bytes(2, "spanspan") +
         (plan.parent_id.empty() ? "" : wire_bytes(4, plan.parent_id)) + wire_bytes(5, plan.name) +
         wire_fixed64(7, plan.start) + wire_fixed64(8, plan.end) +
         (plan.failed ? wire_bytes(15, wire_varint(3, 2)) : "");
}

inline std::string wire_log(std::uint64_t severity, std::string_view text) {
  return wire_varint(2, severity) + wire_bytes(5, wire_bytes(1, text)) +
         wire_bytes(9, std::string(16, 't'));
}

/// A request with one resource and scope around finished items.
inline std::string wire_request(std::string_view service,
                                std::initializer_list<std::string> items) {
  std::string scope;
  for (const std::string& item : items) scope += wire_bytes(2, item);
  const std::string resource = wire_bytes(1, wire_attribute("service.name", service));
  return wire_bytes(1, wire_bytes(1, resource) + wire_bytes(2, scope));
}

}  // namespace forager::test
