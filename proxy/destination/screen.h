// What a destination makes of a record before any of it is sent: which items it takes, which go
// together, and which it would refuse. Only for destinations with rules of their own about items
// (time windows, sizes, conversion); the others take records as they are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ledger.h"
#include "base/time.h"
#include "otlp/signal.h"

namespace forager::destination {

/// Items [first, last) of a record, which all go the same way. Items are counted as walk and
/// take_apart do.
struct Stretch {
  enum class Fate : std::uint8_t { send, filter, quarantine };

  std::uint32_t first = 0;
  std::uint32_t last = 0;
  Fate fate = Fate::send;
  ledger::Reason reason = ledger::Reason::delivered;  ///< of filter and quarantine
  std::string why{};                                  ///< of quarantine: the rule and the value
  std::int64_t oldest = 0;  ///< ns since 1970, of the items' times; both 0: not known
  std::int64_t newest = 0;
  std::size_t weight = 0;  ///< bytes as this destination counts them, for Limits::request_weight
  std::string lane{};      ///< a request holds items of one lane
  /// 0: may share a request with others. n: each item goes alone, in n requests one after the
  /// other (Encoded::step), and settles with the last.
  std::uint32_t requests = 0;
};

/// One per destination; lives on the io thread and may remember what it saw (duplicates, rates).
class Screen {
 public:
  Screen() = default;
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;
  virtual ~Screen() = default;

  /// All items of a valid body, in order, in as few stretches as possible; no sendable one alone is
  /// over Limits::spread or Limits::request_weight. Asked just before they are sent for the first
  /// time, and again when what waited may have grown too old.
  virtual std::vector<Stretch> look(Signal signal, std::string_view body, WallTime now) = 0;
  /// When what look() called sendable may not be sendable any more: the age after which it is to be
  /// asked again. 0: never.
  virtual Duration good_for() const { return Duration::zero(); }
  /// Most of what it sees is not for the destination: then it looks also while nothing may be sent,
  /// so that what it filters isn't held until an outage is over.
  virtual bool eager() const { return false; }
};

}  // namespace forager::destination
