#include "journal/quarantine.h"

#include <utility>

namespace forager::journal {

void Quarantine::put(Quarantined item) {
  const std::uint32_t items = item.last - item.first;
  total_items_ += items;
  const std::size_t bytes = item.bytes.size();
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
  kept_.push_back({std::move(item), std::move(*charge)});
}

void Quarantine::let_oldest_go() {
  const Quarantined& oldest = kept_.front().what;
  bytes_ -= oldest.bytes.size();
  let_go_items_ += oldest.last - oldest.first;
  kept_.pop_front();
}

}  // namespace forager::journal
