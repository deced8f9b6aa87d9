// What a person gives up (forager journal drop, release).
#include <utility>

#include "journal/journal.h"

namespace forager::journal {

GivenUp Journal::give_up(CursorId cursor, WallTime before, ledger::Reason reason, Time now) {
  GivenUp made;
  Place& place = *places_[cursor];
  const Cursor::Holds& holds = place.cursor.holds();
  for (auto next = holds.begin(); next != holds.end();) {
    const Position position = next->first;
    const Cursor::Hold hold = next->second;
    ++next;  // settling takes it out
    const Record& record = entries_.at(position).record;
    if (record.arrived >= before) continue;
    if (hold.in_flight != 0) {
      made.in_flight += hold.remaining;
      continue;
    }
    ++made.records;
    made.items += hold.remaining;
    if (place.listener.expired) place.listener.expired(record);
    note_expiry(place, record, hold.remaining, reason);
    settle(cursor, position, hold.remaining, reason, now);
  }
  return made;
}

}  // namespace forager::journal
