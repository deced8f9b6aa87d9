#include "journal/quarantine.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace forager::journal {

namespace {

/// With what it takes beside its bytes, so that many tiny ones are a number too.
std::size_t size_of(const Quarantined& item) {
  return sizeof(Quarantine::Kept) + item.destination.size() + item.why.size() + item.bytes.size();
}

}  // namespace

/// What a person may want back is worth more than bodies that can be read from disk again, so
/// memory alone lets nothing go. Those bodies go a little later: whoever puts something here may be
/// at work on them.
std::optional<Budget::Charge> Quarantine::room_for(const Quarantined& item) {
  const std::size_t bytes = size_of(item);
  if (bytes > bytes_max_) {
    let_go_items_ += item.items();
    return std::nullopt;
  }
  while (bytes_ + bytes > bytes_max_) let_oldest_go();
  auto charge = budget_.take(bytes);
  if (charge) return charge;
  crowds_ = true;
  return budget_.take_anyway(bytes);
}

std::size_t Quarantine::take_crowded_by() {
  if (!std::exchange(crowds_, false) || budget_.used() <= budget_.limit()) return 0;
  constexpr std::size_t spare = 16;
  return budget_.used() - budget_.limit() + budget_.limit() / spare;
}

Quarantine::Kept Quarantine::kept_of(Quarantined item, Budget::Charge charge,
                                     std::uint64_t number) {
  bytes_ += charge.bytes();
  Kept made;
  made.what = std::move(item);
  made.charge = std::move(charge);
  made.number = number;
  return made;
}

void Quarantine::put(Quarantined item) {
  total_items_ += item.items();
  auto charge = room_for(item);
  if (!charge) return;
  kept_.push_back(kept_of(std::move(item), std::move(*charge), ++last_number_));
}

Quarantine::Kept* Quarantine::restore(Quarantined item, std::uint64_t number) {
  total_items_ += item.items();
  auto charge = room_for(item);
  if (!charge) return nullptr;
  const auto here = at_or_after(number);
  assert((here == kept_.end() || here->number != number) && "a number is used once");
  return &*kept_.insert(here, kept_of(std::move(item), std::move(*charge), number));
}

void Quarantine::number_from(std::uint64_t last) {
  if (numbered()) return;
  for (Kept& kept : kept_) kept.number = renumbered(kept.number, last);
  last_number_ = last_number_ - provisional + last;
}

std::deque<Quarantine::Kept>::iterator Quarantine::at_or_after(std::uint64_t number) {
  return std::lower_bound(kept_.begin(), kept_.end(), number,
                          [](const Kept& kept, std::uint64_t n) { return kept.number < n; });
}

Quarantine::Kept* Quarantine::find(std::uint64_t number) {
  const auto at = at_or_after(number);
  return at == kept_.end() || at->number != number ? nullptr : &*at;
}

const Quarantine::Kept* Quarantine::find(std::uint64_t number) const {
  return const_cast<Quarantine*>(this)->find(number);
}

void Quarantine::erase(std::uint64_t number) {
  const auto at = at_or_after(number);
  if (at == kept_.end() || at->number != number) return;
  bytes_ -= at->charge.bytes();
  kept_.erase(at);
}

void Quarantine::let_go(std::uint64_t number) {
  const auto at = at_or_after(number);
  if (let_go_) let_go_(*at);
  bytes_ -= at->charge.bytes();
  let_go_items_ += at->what.items();
  kept_.erase(at);
}

}  // namespace forager::journal
