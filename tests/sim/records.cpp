#include "sim/records.h"

#include <algorithm>

#include "sim/trace.h"

namespace forager::sim {

using journal::Position;

void Records::offered(Position position, Number first, Number end, std::uint8_t app) {
  const auto [at, fresh] = records_.try_emplace(position);
  hold(fresh || !at->second.here, "a position was used twice");
  at->second = Kept{first, end, app};
}

void Records::take_in(Kept& kept) {
  kept.here = true;
  for (Number n = kept.first; n < kept.end; ++n) {
    truths_[n].accepted = true;
    truths_[n].promised = kept.promised;
    truths_[n].app = kept.app;
  }
}

void Records::promised(Position position) {
  Kept& kept = records_.at(position);
  kept.promised = true;
  kept.known.fill(true);
  take_in(kept);
}

void Records::settled_durably(std::size_t seat, std::span<const journal::Range> ranges) {
  for (const journal::Range& range : ranges) {
    for (auto at = records_.lower_bound(range.first);
         at != records_.end() && at->first <= range.last; ++at) {
      at->second.ends[seat] = End::durable;
    }
  }
}

void Records::voided_durably(const journal::RangeSet& voided) {
  for (const auto& [first, last] : voided.all()) {
    for (auto at = records_.lower_bound(first); at != records_.end() && at->first <= last; ++at) {
      at->second.void_kept = true;
    }
  }
}

void Records::doubt() {
  for (auto& [position, kept] : records_) {
    kept.void_kept = false;
    for (End& end : kept.ends) end = end == End::durable ? End::settled : end;
  }
}

void Records::recovered(std::size_t seat, Witness& witness, Position position) {
  const auto at = records_.find(position);
  hold(at != records_.end(), "recovery: a record that nobody has offered");
  Kept& kept = at->second;
  hold(!kept.void_kept, [&] {
    return fmt::format("recovery: record {} came back though its refusal is on disk", position);
  });
  hold(kept.ends[seat] != End::durable, [&] {
    return fmt::format("recovery: record {} came back though its end is on disk", position);
  });
  hold(!kept.known[seat], "recovery: a record came back twice");
  if (!kept.here) take_in(kept);
  witness.again(kept.first, kept.end, kept.ends[seat] == End::settled);
  kept.ends[seat] = End::open;
  kept.known[seat] = true;
  recovered_items_[seat] += kept.end - kept.first;
}

void Records::all_recovered(std::size_t seat, Witness& witness,
                            const std::array<bool, signal_count>& takes) {
  for (auto& [position, kept] : records_) {
    if (!kept.here || kept.known[seat] || kept.ends[seat] != End::open) continue;
    if (!takes[static_cast<std::size_t>(truths_[kept.first].signal)]) continue;
    hold(!kept.promised, [at = position] {
      return fmt::format("recovery: record {} was answered 200 and is not there", at);
    });
    witness.vanished(kept.first, kept.end);
    kept.ends[seat] = End::settled;
  }
}

void Records::ended(std::size_t seat, const std::vector<Position>& held) {
  for (auto& [position, kept] : records_) {
    if (!kept.known[seat] || kept.ends[seat] != End::open) continue;
    if (!std::binary_search(held.begin(), held.end(), position)) kept.ends[seat] = End::settled;
  }
}

void Records::next_run() {
  ++runs_;
  for (auto& [position, kept] : records_) kept.known.fill(false);
  recovered_items_.fill(0);
}

std::uint64_t Records::unanswered_items() const {
  std::uint64_t items = 0;
  for (const auto& [position, kept] : records_) {
    if (!kept.promised) items += kept.end - kept.first;
  }
  return items;
}

}  // namespace forager::sim
