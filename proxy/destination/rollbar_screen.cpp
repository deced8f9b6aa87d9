#include "destination/rollbar_screen.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

#include <fmt/format.h>

namespace forager::destination {
namespace {

/// Appends; neighbours that are filtered for the same reason become one.
void add(std::vector<Stretch>& to, Stretch next) {
  if (!to.empty() && next.fate == Stretch::Fate::filter) {
    Stretch& last = to.back();
    if (last.fate == next.fate && last.reason == next.reason) {
      last.last = next.last;
      return;
    }
  }
  to.push_back(std::move(next));
}

Stretch filtered(std::uint32_t item, ledger::Reason reason) {
  Stretch made;
  made.first = item;
  made.last = item + 1;
  made.fate = Stretch::Fate::filter;
  made.reason = reason;
  return made;
}

/// Without the word there is no exception, and nothing in spans is looked at.
bool may_have_errors(Signal signal, std::string_view body, rollbar::ReadRules rules) {
  if (signal == Signal::logs && rules.error_logs) return true;
  if (signal == Signal::traces && rules.span_errors) return true;
  constexpr std::string_view word = "exception";
  return memmem(body.data(), body.size(), word.data(), word.size()) != nullptr;
}

/// A number and the mark after it; false: there is none.
template <class Number>
bool take(const char*& at, const char* end, Number& number) {
  const auto read = std::from_chars(at, end, number);
  if (read.ec != std::errc() || read.ptr == end) return false;
  at = read.ptr + 1;
  return true;
}

}  // namespace

std::string lane_of(const std::vector<RollbarPick>& picks) {
  std::string lane;
  for (const RollbarPick& pick : picks) {
    fmt::format_to(std::back_inserter(lane), "{}:{}:{};", pick.error, pick.held_back, pick.repeat);
  }
  return lane;
}

std::vector<RollbarPick> picks_of(std::string_view lane, std::size_t errors) {
  std::vector<RollbarPick> picks;
  if (lane.empty()) {
    for (std::uint32_t i = 0; i < errors; ++i) picks.push_back({i, 0, 0});
    return picks;
  }
  const char* at = lane.data();
  const char* const end = at + lane.size();
  while (at < end) {
    RollbarPick pick;
    if (!take(at, end, pick.error) || !take(at, end, pick.held_back)) break;
    if (!take(at, end, pick.repeat)) break;
    if (pick.error < errors) picks.push_back(pick);
  }
  return picks;
}

std::vector<Stretch> RollbarScreen::look(Signal signal, std::string_view body, WallTime now) {
  std::vector<Stretch> found;
  const bool suspicious = may_have_errors(signal, body, rules_);
  std::uint32_t item = 0;
  rollbar::each_item(body, [&](std::string_view bytes, std::string_view, std::string_view) {
    errors_.clear();
    if (suspicious) rollbar::read_occurrences(signal, bytes, rules_, errors_);
    add(found, errors_.empty() ? filtered(item, ledger::Reason::no_error) : judge_item(item, now));
    ++item;
  });
  repeats_.clear();
  return found;
}

Stretch RollbarScreen::judge_item(std::uint32_t item, WallTime now) {
  std::vector<RollbarPick> picks;
  auto reason = ledger::Reason::duplicate;
  bool plain = true;
  for (std::uint32_t i = 0; i < errors_.size(); ++i) {
    const std::uint32_t repeat = repeats_.number_of(errors_[i]);
    if (duplicates_.is_double(errors_[i], now)) continue;
    const auto answer = rate_.ask(errors_[i], now);
    if (!answer.passes) {
      reason = ledger::Reason::rate_cap;
      continue;
    }
    picks.push_back({i, answer.held_back, repeat});
    plain = plain && answer.held_back == 0 && repeat == 0;
  }
  if (picks.empty()) return filtered(item, reason);
  Stretch made;
  made.first = item;
  made.last = item + 1;
  made.requests = static_cast<std::uint32_t>(picks.size());
  if (!plain || picks.size() != errors_.size()) made.lane = lane_of(picks);
  return made;
}

}  // namespace forager::destination
