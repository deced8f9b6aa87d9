// Requests with errors for tests, on top of otlp_builder.h.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "otlp/json_text.h"
#include "rollbar/read.h"
#include "support/otlp_builder.h"

namespace forager::test {

using Pairs = std::initializer_list<std::pair<std::string_view, std::string_view>>;

inline const std::string a_trace(16, '\x5b');
inline const std::string a_span(8, '\xee');
inline constexpr std::uint64_t a_time = 1'767'225'600'123'456'789;

inline std::string attributes(std::uint32_t number, Pairs pairs) {
  std::string made;
  for (const auto& [key, value] : pairs) made += wire_bytes(number, wire_attribute(key, value));
  return made;
}

inline std::string exception_event(Pairs pairs, std::uint64_t time = a_time) {
  return wire_bytes(11, wire_fixed64(1, time) + wire_bytes(2, "exception") + attributes(3, pairs));
}
inline std::string other_event(std::string_view name) {
  return wire_bytes(11, wire_fixed64(1, a_time) + wire_bytes(2, name));
}

/// A Span; `more`: further fields of it.
inline std::string span(const std::string& more, std::string_view trace = a_trace,
                        std::string_view id = a_span) {
  return wire_bytes(1, trace) + wire_bytes(2, id) + wire_bytes(5, "GET /orders/:id") +
         wire_fixed64(7, a_time - 1000) + wire_fixed64(8, a_time + 1000) + more;
}

/// A LogRecord with a text.
inline std::string log(std::uint32_t severity, std::string_view text, Pairs pairs = {},
                       std::uint64_t time = a_time, std::string_view trace = a_trace,
                       std::string_view id = a_span) {
  return wire_fixed64(1, time) + wire_varint(2, severity) + wire_bytes(5, wire_bytes(1, text)) +
         attributes(6, pairs) + wire_bytes(9, trace) + wire_bytes(10, id);
}

/// A request with these items in one scope.
inline std::string request(const std::vector<std::string>& items, Pairs resource = {}) {
  std::string scope = wire_bytes(1, wire_bytes(1, "shop.orders"));
  for (const std::string& item : items) scope += wire_bytes(2, item);
  return wire_bytes(1, wire_bytes(1, attributes(1, resource)) + wire_bytes(2, scope));
}

/// The errors of a whole request; views into `body`.
inline std::vector<rollbar::Occurrence> errors_in(Signal signal, std::string_view body,
                                                  rollbar::ReadRules rules = {}) {
  std::vector<rollbar::Occurrence> errors;
  rollbar::each_item(body, [&](std::string_view item, std::string_view, std::string_view) {
    rollbar::read_occurrences(signal, item, rules, errors);
  });
  return errors;
}

inline bool is_json(std::string_view text) {
  otlp::JsonText read(text);
  return read.skip_value() && read.at_end();
}

}  // namespace forager::test
