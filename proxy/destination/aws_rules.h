// The rules that AWS's OTLP endpoints have in common (PROTOCOLS 3.1): a window of time, and a size
// for resource and scope. One item that breaks them makes the whole call fail, so they are looked
// at before anything is sent.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "destination/stretches.h"
#include "otlp/wire.h"

namespace forager::destination {

/// KB and MB are read as 1000 and 1,000,000 bytes where AWS doesn't say: the smaller of the two
/// meanings, so that no call fails whichever is meant.
struct AwsRules {
  std::size_t envelope_bytes = 16'000;  ///< resource, and scope
  std::chrono::nanoseconds past = std::chrono::days(14);
  std::chrono::nanoseconds ahead = std::chrono::hours(2);
  std::chrono::nanoseconds spread = std::chrono::hours(24);
};

/// How long a look at a record holds: an item may wait that long between look and request.
inline constexpr std::chrono::minutes aws_good_for{10};
/// For the way to AWS and for clocks that differ.
inline constexpr std::chrono::minutes aws_margin{5};

/// What times are taken, at one instant.
class AwsWindow {
 public:
  AwsWindow(const AwsRules& rules, WallTime now);

  enum class Place : std::uint8_t { inside, too_old, too_new, missing };
  /// Of two times in ns since 1970, in any order of start and end.
  Place place(std::uint64_t start, std::uint64_t end) const {
    const std::uint64_t first = start < end ? start : end;
    const std::uint64_t last = start < end ? end : start;
    if (first >= oldest_ && last <= newest_) return Place::inside;
    if (first == 0) return Place::missing;
    return first < oldest_ ? Place::too_old : Place::too_new;
  }
  /// Why, in words: `what` is "span" or "log record".
  std::string why(Place place, std::string_view what, std::uint64_t start, std::uint64_t end) const;

 private:
  std::uint64_t oldest_;
  std::uint64_t newest_;
  std::int64_t past_days_;
  std::int64_t ahead_hours_;
};

/// Two fixed64 fields of a valid message, numbers up to 15; absent ones are 0, of repeats the last
/// counts. What screening costs for an item is this walk, so it does without otlp::Fields.
struct TwoTimes {
  std::uint64_t first = 0;
  std::uint64_t second = 0;
};
TwoTimes times_in(std::string_view message, unsigned first_number, unsigned second_number);

/// Bytes of the message in field 1, resource or scope, with tags; repeats add up.
std::size_t envelope_size(std::string_view message);
std::string envelope_words(std::string_view what, std::size_t bytes, std::size_t limit);

/// Every item of a valid traces or logs body in order, as take_apart counts them. `look.resource`
/// and `look.scope` are told the messages around, `look.item` says what becomes of an item, unless
/// its envelope is too large. `look.list` is where it is said.
template <class Look>
void look_at_items(std::string_view body, std::size_t envelope_max, Look& look) {
  constexpr auto reason = ledger::Reason::over_envelope_limit;
  constexpr int rule = -3;
  StretchList& list = look.list;
  std::string spoiled;  // why the next item can't go: an envelope without items goes with it
  otlp::Fields request(body);
  while (const auto resource = request.next()) {
    if (resource->number != 1) continue;
    const std::uint32_t first_here = list.items();
    const std::size_t resource_bytes = envelope_size(resource->value);
    const bool resource_over = resource_bytes > envelope_max;
    std::string spoiled_here;
    look.resource(resource->value);
    otlp::Fields scopes(resource->value);
    while (const auto scope = scopes.next()) {
      if (scope->number != 2) continue;
      const std::uint32_t first_in_scope = list.items();
      const std::size_t scope_bytes = envelope_size(scope->value);
      const bool scope_over = scope_bytes > envelope_max;
      look.scope(scope->value);
      otlp::Fields items(scope->value);
      while (const auto item = items.next()) {
        if (item->number != 2) continue;
        if (!resource_over && !scope_over && spoiled.empty() && spoiled_here.empty()) {
          look.item(item->value);
          continue;
        }
        list.quarantine(reason, rule, [&] {
          if (resource_over) return envelope_words("resource", resource_bytes, envelope_max);
          if (scope_over) return envelope_words("scope", scope_bytes, envelope_max);
          return spoiled.empty() ? spoiled_here : spoiled;
        });
        spoiled.clear();
        spoiled_here.clear();
      }
      if (scope_over && list.items() == first_in_scope) {
        spoiled_here = envelope_words("scope", scope_bytes, envelope_max);
      }
    }
    if (list.items() != first_here) {
      if (!spoiled_here.empty()) list.quarantine_last(reason, std::move(spoiled_here));
    } else if (resource_over) {
      spoiled = envelope_words("resource", resource_bytes, envelope_max);
    } else if (!spoiled_here.empty()) {
      spoiled = std::move(spoiled_here);
    }
  }
  if (!spoiled.empty() && list.items() != 0) list.quarantine_last(reason, std::move(spoiled));
}

}  // namespace forager::destination
