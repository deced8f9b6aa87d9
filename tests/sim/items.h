// What the apps send: requests whose items carry numbers, and the second reader that finds them
// again in what a destination got. The truth about each number is what the oracle judges by.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "journal/record.h"

namespace forager::sim {

using Number = std::uint32_t;

/// What is true of one item, by its number.
struct Truth {
  enum class Kind : std::uint8_t { good, poison, boom };
  std::uint64_t hash = 0;  ///< of its bytes, without a log record's time
  std::uint64_t time = 0;  ///< a log record's time; 0: it has none
  std::uint32_t record = 0;
  Signal signal = Signal::traces;
  std::uint8_t app = 0;  ///< which app, and so which key; 0: Forager's own
  Kind kind = Kind::good;
  bool accepted = false;  ///< may be sent
  bool promised = false;  ///< booked as accepted, and so answered 200 (or, late, 503)
  std::uint8_t owed = 0;  ///< bit mask of the seats that it is for
  Time accepted_at{};
};

struct Order {
  Signal signal = Signal::traces;
  std::uint32_t items = 1;
  std::size_t padding = 0;
  std::uint32_t per_scope = 10;
  bool log_time = true;
};

/// An item as a destination got it.
struct Seen {
  Number number = 0;
  std::uint64_t hash = 0;
  std::uint64_t time = 0;
  std::size_t bytes = 0;
};

std::uint64_t hash_of(std::string_view bytes);
/// A request with `truths.size()...` as its next numbers; appends their truth.
std::string make_request(const Order& order, std::vector<Truth>& truths);
/// Validated and measured by the real walk, as admission does it.
journal::Record admit(Signal signal, std::string_view body);
/// The items of a body in order. Throws Broken if it isn't a valid request of this signal.
std::vector<Seen> read_items(Signal signal, std::string_view body);

}  // namespace forager::sim
