// A person at the quarantine of a process, through what the admin port calls.
#include <algorithm>
#include <utility>

#include "sim/process.h"
#include "sim/process_parts.h"

namespace forager::sim {

std::uint64_t Process::replay(const journal::QuarantineAsk& ask) {
  const Time now = world_.loop.now();
  world_.bin.poll();
  const auto done = journal::replay_quarantined(journal_, quarantine_, budget_, ask, wall(), now);
  const std::uint64_t items = world_.bin.replayed(wall());
  world_.trace(now, [&] {
    return fmt::format("a person sends {} again, {} items: {} wait, {} unknown, {} homeless{}",
                       done.entries, done.items, done.waiting, done.unknown, done.homeless,
                       done.full ? ", full" : "");
  });
  hold(items == done.items || (items < done.items && world_.bin.troubled()), [&] {
    return fmt::format("quarantine: {} items are said to be sent again, but {} are", done.items,
                       items);
  });
  return items;
}

void Process::give_up_quarantined(const journal::QuarantineAsk& ask, ledger::Reason reason) {
  world_.bin.poll();
  const auto done = journal::drop_quarantined(journal_, quarantine_, ask, reason);
  const std::uint64_t items =
      world_.bin.dropped([&](std::size_t seat, Signal signal, std::uint64_t count) {
        overload_.dropped(world_.seats[seat].server->name(), signal, reason, count);
      });
  world_.trace(world_.loop.now(), [&] {
    return fmt::format("a person gives {} up, {} items", done.entries, done.items);
  });
  // where a disk could not be read, an item may be there twice
  hold(items == done.items || (items < done.items && world_.bin.troubled()),
       "quarantine: other items are said to be given up than are gone");
}

std::uint64_t Process::person(Chance& chance) {
  if (journal_.recovering() || quarantine_.kept().empty()) return 0;
  journal::QuarantineAsk ask;
  const auto& kept = quarantine_.kept();
  if (chance.one_in(3)) ask.destination = kept[chance.below(kept.size())].what.destination;
  if (chance.one_in(2)) {
    for (std::uint64_t i = 0; i < 1 + chance.below(4); ++i) {
      ask.numbers.push_back(kept[chance.below(kept.size())].number + (chance.one_in(9) ? 1 : 0));
    }
  }
  if (chance.one_in(3)) ask.entries_most = 1 + chance.below(3);
  if (!chance.one_in(4)) return replay(ask);
  const std::uint64_t before = kept.size();
  give_up_quarantined(ask, ledger::Reason::given_up);
  return before - kept.size();
}

bool Process::replay_all() {
  if (journal_.recovering() || stopping_) return false;
  journal::QuarantineAsk ask;
  ask.entries_most = SIZE_MAX;
  replay(ask);
  return true;
}

}  // namespace forager::sim
