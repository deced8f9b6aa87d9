// What of the quarantine an earlier run left, put back (a part of Recovery).
#include <fmt/format.h>

#include "journal/recovery.h"

namespace forager::journal {
namespace {

/// Labels don't change; one of a later version is no reason to lose the item.
ledger::Reason reason_of(std::string_view label) {
  for (const ledger::ReasonFacts& one : ledger::reasons()) {
    if (one.state == ledger::State::quarantined && one.label == label) return one.reason;
  }
  return ledger::Reason::refused_alone;
}

}  // namespace

void Recovery::restore_quarantined(const FoundQuarantined& found, const SegmentScan& read,
                                   Position segment) {
  const bool proven = found.offset < read.scan.durable_end;
  for (const format::QuarantinedItem& one : found.what.items) {
    if (!cursors_.is_quarantined(one.number)) continue;
    const auto group = groups_.find(one.group);
    if (group == groups_.end()) continue;  // it may go out with no other key
    Quarantined item;
    item.destination = found.what.destination;
    item.signal = one.signal;
    item.position = found.what.position;
    item.first = one.first;
    item.last = one.last;
    item.why = one.why;
    item.arrived = one.arrived;
    item.when = journal_.time_of(one.when);
    item.bytes = read.bytes.sub(found.offset + one.offset, one.bytes);
    item.reason = reason_of(one.reason);
    item.group = group->second;
    const bool again = restored_.contains(one.number);
    journal_.restore_quarantined(std::move(item), one.number, segment, proven, again);
    restored_.add({one.number, one.number});
  }
}

void Recovery::finish_quarantine(std::vector<std::string>& news, Time now, WallTime wall) {
  for (const auto& [number, item] : cursors_.quarantine) {
    if (restored_.contains(number)) continue;
    journal_.restore_quarantined_lost(item.destination, item.signal, item.items);
    news.push_back(fmt::format(
        "number {} of the quarantine, {} {} for {}, can't be read and is booked as lost", number,
        item.items, facts(item.signal).items, item.destination));
  }
  for (const auto& [number, again] : cursors_.replayed) {
    const Replay done = journal_.replay(number, budget_, wall, now);
    if (done == Replay::taken || done == Replay::unknown) continue;
    news.push_back(
        fmt::format("number {} of the quarantine was being sent to {} again when "
                    "Forager ended; it is still in quarantine",
                    number, again.destination));
  }
}

}  // namespace forager::journal
