#include "base/ledger.h"

#include <cassert>

#include <fmt/format.h>

namespace forager::ledger {

namespace {

constexpr std::array<std::string_view, state_count> state_names{
    "refused", "delivered", "rejected", "quarantined", "expired", "filtered", "lost"};

constexpr std::array<ReasonFacts, reason_count> table{{
    {Reason::malformed, State::refused, "malformed",
     "The request was not a valid OTLP request in the encoding it named."},
    {Reason::too_large, State::refused, "too_large",
     "The request was over FORAGER_REQUEST_LIMIT, as sent or after decompression."},
    {Reason::unauthenticated, State::refused, "unauthenticated",
     "The key policy asks for the app's own key, and the request had none."},
    {Reason::unsupported_media_type, State::refused, "unsupported_media_type",
     "The Content-Type is neither application/x-protobuf nor application/json."},
    {Reason::unsupported_encoding, State::refused, "unsupported_encoding",
     "The body is compressed in a way that is not understood; gzip, zstd and deflate are."},
    {Reason::memory_budget, State::refused, "memory_budget",
     "The memory budget had no room; the app was told when to come back."},
    {Reason::journal_full, State::refused, "journal_full",
     "The journal was full and every destination of the signal lags; the app was told when to come "
     "back."},
    {Reason::disk, State::refused, "disk",
     "The disk took nothing; /status says why, and the app was told when to come back."},
    {Reason::stopping, State::refused, "stopping", "Forager was stopping and took nothing new."},
    {Reason::aborted_upload, State::refused, "aborted_upload",
     "The connection ended or stalled before the whole request had come."},
    {Reason::delivered, State::delivered, "delivered", "The destination took it."},
    {Reason::partial_success, State::rejected, "partial_success",
     "The destination took the request and said that it left this many items out."},
    {Reason::refused_alone, State::quarantined, "refused_alone",
     "The destination refused the item even alone; its bytes are kept for a person."},
    {Reason::over_item_limit, State::quarantined, "over_item_limit",
     "One item with its envelope is over the destination's limit; it was never sent, and its bytes "
     "are kept."},
    {Reason::over_envelope_limit, State::quarantined, "over_envelope_limit",
     "The resource or scope that the item belongs to is over the destination's limit; it was never "
     "sent, and its bytes are kept."},
    {Reason::outside_window, State::quarantined, "outside_window",
     "The item's time is too old or too far ahead for the destination; it was never sent, and its "
     "bytes are kept."},
    {Reason::over_age, State::expired, "over_age", "It was held longer than FORAGER_RETENTION."},
    {Reason::over_share, State::expired, "over_share",
     "The journal was full and this destination alone lagged with more than half of it."},
    {Reason::made_room, State::expired, "made_room",
     "The journal was full, all destinations lagged, and FORAGER_ON_FULL=expire gives up the "
     "oldest."},
    {Reason::destination_removed, State::expired, "destination_removed",
     "Its destination is no longer configured, and it went by age, by share, or by `forager "
     "journal "
     "release`."},
    {Reason::given_up, State::expired, "given_up",
     "A person gave it up with `forager journal drop`."},
    {Reason::not_routed, State::filtered, "not_routed", "No destination takes this signal."},
    {Reason::no_error, State::filtered, "no_error",
     "The destination takes errors only, and the item is none."},
    {Reason::duplicate, State::filtered, "duplicate",
     "The same exception went to this destination a moment ago, as a span event or a log record."},
    {Reason::rate_cap, State::filtered, "rate_cap",
     "In an error storm, over the number of errors a minute that protects the account."},
    {Reason::memory_at_exit, State::lost, "memory_at_exit",
     "It was still held in the memory journal when Forager ended."},
    {Reason::disk_unreadable, State::lost, "disk_unreadable",
     "Its bytes on disk could not be read back."},
}};

constexpr bool in_order() {
  for (std::size_t i = 0; i < table.size(); ++i) {
    if (table[i].reason != static_cast<Reason>(i)) return false;
  }
  return true;
}
static_assert(in_order(), "the table lists every reason once, in the order of the enumeration");

std::size_t index_of(Signal signal) { return static_cast<std::size_t>(signal); }

void add(Count& to, std::uint64_t items) {
  ++to.requests;
  to.items += items;
}

}  // namespace

std::string_view name(State state) { return state_names[static_cast<std::size_t>(state)]; }

std::span<const ReasonFacts> reasons() { return table; }

const ReasonFacts& facts(Reason reason) { return table[static_cast<std::size_t>(reason)]; }

void Door::accepted(Signal signal, std::uint64_t items) {
  PerSignal& here = signals_[index_of(signal)];
  add(here.offered, items);
  add(here.accepted, items);
}

void Door::refused(Signal signal, Reason reason, std::uint64_t items) {
  assert(facts(reason).state == State::refused);
  PerSignal& here = signals_[index_of(signal)];
  add(here.offered, items);
  add(here.refused[static_cast<std::size_t>(reason)], items);
}

void Door::not_routed(Signal signal, std::uint64_t items) {
  add(signals_[index_of(signal)].not_routed, items);
}

void Door::repaired(Signal signal, std::uint64_t strings) {
  signals_[index_of(signal)].repaired += strings;
}

Count Door::offered(Signal signal) const { return signals_[index_of(signal)].offered; }
Count Door::accepted(Signal signal) const { return signals_[index_of(signal)].accepted; }
Count Door::refused(Signal signal, Reason reason) const {
  return signals_[index_of(signal)].refused[static_cast<std::size_t>(reason)];
}
Count Door::not_routed(Signal signal) const { return signals_[index_of(signal)].not_routed; }
std::uint64_t Door::repaired(Signal signal) const { return signals_[index_of(signal)].repaired; }

void Book::settled(Signal signal, Reason reason, std::uint64_t items) {
  assert(facts(reason).state != State::refused);
  at(signal).by_reason[static_cast<std::size_t>(reason)] += items;
}

std::uint64_t Book::count(Signal signal, State state) const {
  std::uint64_t items = 0;
  for (const ReasonFacts& f : table) {
    if (f.state == state) items += count(signal, f.reason);
  }
  return items;
}

std::uint64_t Book::held(Signal signal) const {
  std::uint64_t held = accepted(signal);
  for (const ReasonFacts& f : table) held -= count(signal, f.reason);
  return held;
}

Book& Ledger::book(std::string_view destination) {
  for (const auto& book : books_) {
    if (book->destination() == destination) return *book;
  }
  return *books_.emplace_back(std::make_unique<Book>(std::string(destination)));
}

std::span<const Signal> Ledger::shown() const {
  bool segments = segments_expected_ || door_.offered(Signal::segments).requests != 0;
  for (const auto& book : books_) segments = segments || book->accepted(Signal::segments) != 0;
  return segments ? std::span<const Signal>(all_signals) : std::span<const Signal>(otlp_signals);
}

std::string imbalance(const Ledger& of, const HeldItems& held) {
  std::string text;
  for (const Signal s : all_signals) {
    const Door::PerSignal& door = of.door_.signals_[index_of(s)];
    Count out = door.accepted;
    for (const Count& refused : door.refused) {
      out.requests += refused.requests;
      out.items += refused.items;
    }
    if (out.requests != door.offered.requests || out.items != door.offered.items) {
      text += fmt::format(
          "door {}: offered {} requests, {} items, but accepted and refused are {}, {}\n",
          facts(s).name, door.offered.requests, door.offered.items, out.requests, out.items);
    }
    if (door.not_routed.items > door.accepted.items) {
      text += fmt::format("door {}: {} items not routed of {} accepted\n", facts(s).name,
                          door.not_routed.items, door.accepted.items);
    }
    for (const auto& book : of.books()) {
      const std::uint64_t here = held(book->destination(), s);
      if (book->held(s) == here) continue;
      text +=
          fmt::format("{} {}: accepted {}", book->destination(), facts(s).name, book->accepted(s));
      for (std::size_t i = 1; i < state_count; ++i) {
        const auto state = static_cast<State>(i);
        text += fmt::format(", {} {}", name(state), book->count(s, state));
      }
      text += fmt::format(", which leaves {}, but held are {}\n",
                          static_cast<std::int64_t>(book->held(s)), here);
    }
  }
  return text;
}

}  // namespace forager::ledger
