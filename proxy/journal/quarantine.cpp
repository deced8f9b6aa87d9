#include "journal/quarantine.h"

#include <utility>

namespace forager::journal {

namespace {

/// With what it takes beside its bytes, so that many tiny ones are a number too.
std::size_t size_of(const Quarantined& item) {
  return sizeof(Quarantine::Kept) + item.destination.size() + item.why.size() + item.bytes.size();
}

}  // namespace

void Quarantine::put(Quarantined item) {
  const std::uint32_t items = item.last - item.first;
  total_items_ += items;
  const std::size_t bytes = size_of(item);
  while (bytes_ + bytes > bytes_max_ && !kept_.empty()) let_oldest_go();
  auto charge = budget_.take(bytes);
  while (!charge && !kept_.empty()) {
    let_oldest_go();
    charge = budget_.take(bytes);
  }
  if (!charge || bytes > bytes_max_) {
    let_go_items_ += items;
    return;
  }
  bytes_ += bytes;
  kept_.push_back({std::move(item), std::move(*charge), ++last_number_});
}

void Quarantine::let_oldest_go() {
  const Quarantined& oldest = kept_.front().what;
  bytes_ -= size_of(oldest);
  let_go_items_ += oldest.last - oldest.first;
  kept_.pop_front();
}

}  // namespace forager::journal
