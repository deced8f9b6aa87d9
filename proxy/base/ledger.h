// The books: every item is in exactly one state for every destination, and at the door every
// request was accepted or refused (DESIGN, "The ledger"). One table of reasons feeds /ledger,
// /metrics, the docs and the balance check. Plain integers of the io thread, owned by app; nothing
// here waits, allocates per item or reads a clock.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "otlp/signal.h"

namespace forager::ledger {

/// What became of items. `held` has no reason and no counter here: it is derived, and counted
/// separately by the journal, so that the check can fail.
enum class State : std::uint8_t {
  refused,  ///< at the door; all others are per destination and signal
  delivered,
  rejected,
  quarantined,
  expired,
  filtered,
  lost,
};
inline constexpr std::size_t state_count = 7;
std::string_view name(State state);

/// Why. The order is that of the table; ids are stable, since they are labels of metrics.
enum class Reason : std::uint8_t {
  // refused at the door
  malformed,
  too_large,
  unauthenticated,
  unsupported_media_type,
  unsupported_encoding,
  memory_budget,
  journal_full,
  disk,
  stopping,
  aborted_upload,
  // delivered
  delivered,
  // rejected
  partial_success,
  // quarantined
  refused_alone,
  over_item_limit,
  over_envelope_limit,
  outside_window,
  // expired
  over_age,
  over_share,
  made_room,
  destination_removed,
  given_up,
  // filtered
  not_routed,
  no_error,
  duplicate,
  rate_cap,
  // lost
  memory_at_exit,
  disk_unreadable,
};
inline constexpr std::size_t reason_count = 27;

struct ReasonFacts {
  Reason reason;
  State state;
  std::string_view label;     ///< value of the `reason` label in metrics and key in /ledger
  std::string_view sentence;  ///< for people: docs, /ledger, logs
};
/// Every reason once, in the order of the enumeration.
std::span<const ReasonFacts> reasons();
const ReasonFacts& facts(Reason reason);

/// Requests and the items in them. A request that is refused before its items are known (malformed,
/// too large, aborted, ...) counts as a request with 0 items; so `items` of refused ones is a lower
/// bound, and `requests` is exact.
struct Count {
  std::uint64_t requests = 0;
  std::uint64_t items = 0;
};

class Ledger;
/// How many items a destination still holds, counted by the journal and not by the books.
using HeldItems = std::function<std::uint64_t(std::string_view destination, Signal signal)>;

/// What came to the door: offered = accepted + refused, in requests and in known items, per signal.
class Door {
 public:
  /// A request was taken: answered 200, or about to be. Items of a signal that no destination takes
  /// are booked with not_routed too.
  void accepted(Signal signal, std::uint64_t items);
  /// A request was turned away; `reason` is one of state refused. `items` 0 when they can't be
  /// known.
  void refused(Signal signal, Reason reason, std::uint64_t items = 0);
  /// Of the accepted items: no destination takes this signal (filtered; the app still gets its
  /// 200).
  void not_routed(Signal signal, std::uint64_t items);
  /// Strings with invalid UTF-8 that were mended in place.
  void repaired(Signal signal, std::uint64_t strings);

  Count offered(Signal signal) const;
  Count accepted(Signal signal) const;
  Count refused(Signal signal, Reason reason) const;
  Count not_routed(Signal signal) const;
  std::uint64_t repaired(Signal signal) const;

 private:
  friend std::string imbalance(const Ledger& of, const HeldItems& held);
  struct PerSignal {
    Count offered;
    Count accepted;
    Count not_routed;
    std::array<Count, reason_count> refused{};
    std::uint64_t repaired = 0;
  };
  std::array<PerSignal, signal_count> signals_{};
};

/// The items of one destination, per signal. Filled by the journal alone: accepted when appended,
/// the rest when settled.
class Book {
 public:
  explicit Book(std::string destination) : destination_(std::move(destination)) {}
  std::string_view destination() const { return destination_; }

  void accepted(Signal signal, std::uint64_t items) { at(signal).accepted += items; }
  /// Held by an earlier run, found on disk: part of what it accepted, and counted apart too.
  void recovered(Signal signal, std::uint64_t items) {
    at(signal).accepted += items;
    at(signal).recovered += items;
  }
  /// Items came to their end. Not for reasons of state refused.
  void settled(Signal signal, Reason reason, std::uint64_t items);
  /// They are not at their end after all: held again, or about to be settled for another reason
  /// (quarantine alone).
  void returned(Signal signal, Reason reason, std::uint64_t items) {
    at(signal).returned[static_cast<std::size_t>(reason)] += items;
  }

  std::uint64_t accepted(Signal signal) const { return at(signal).accepted; }
  std::uint64_t recovered(Signal signal) const { return at(signal).recovered; }
  std::uint64_t count(Signal signal, Reason reason) const {
    return ever(signal, reason) - at(signal).returned[static_cast<std::size_t>(reason)];
  }
  /// With those that have returned since: it only grows.
  std::uint64_t ever(Signal signal, Reason reason) const {
    return at(signal).by_reason[static_cast<std::size_t>(reason)];
  }
  std::uint64_t count(Signal signal, State state) const;
  /// Accepted and in no final state.
  std::uint64_t held(Signal signal) const;

 private:
  struct PerSignal {
    std::uint64_t accepted = 0;
    std::uint64_t recovered = 0;  ///< of them
    std::array<std::uint64_t, reason_count> by_reason{};
    std::array<std::uint64_t, reason_count> returned{};  ///< of them
  };
  PerSignal& at(Signal signal) { return signals_[static_cast<std::size_t>(signal)]; }
  const PerSignal& at(Signal signal) const { return signals_[static_cast<std::size_t>(signal)]; }

  std::string destination_;
  std::array<PerSignal, signal_count> signals_{};
};

class Ledger {
 public:
  Ledger() = default;
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  Door& door() { return door_; }
  const Door& door() const { return door_; }
  /// The book of a destination; begun when asked for the first time. The reference stays good.
  Book& book(std::string_view destination);
  /// In the order they were begun.
  std::span<const std::unique_ptr<Book>> books() const { return books_; }
  /// Segments may come: from now on they are shown, also while there are none.
  void expect_segments() { segments_expected_ = true; }
  /// The signals that pages, metrics and the last line show: those of OTLP, and segments where they
  /// are expected, or some are in the books.
  std::span<const Signal> shown() const;

 private:
  friend std::string imbalance(const Ledger& of, const HeldItems& held);
  Door door_;
  std::vector<std::unique_ptr<Book>> books_;
  bool segments_expected_ = false;
};

/// Empty when for each destination and signal accepted == delivered + rejected + quarantined +
/// expired + filtered + lost + held, and at the door offered == accepted + refused; else one line
/// for each mismatch, with the numbers.
std::string imbalance(const Ledger& of, const HeldItems& held);

}  // namespace forager::ledger
