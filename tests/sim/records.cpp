#include "sim/records.h"

#include <algorithm>
#include <utility>

#include "sim/trace.h"

namespace forager::sim {

using journal::Position;

namespace {

/// A segment's header and its first frame: without them nobody knows whose run it speaks of.
constexpr std::size_t opening_bytes = 512;

}  // namespace

void Records::offered(const Offer& offer) {
  const auto [at, fresh] = records_.try_emplace(offer.position);
  hold(fresh || !at->second.here, "a position was used twice");
  at->second = Kept{.first = offer.first,
                    .end = offer.end,
                    .app = offer.app,
                    .owed = offer.owed,
                    .arrived = offer.arrived,
                    .replay = offer.replay};
}

void Records::take_in(Kept& kept) {
  kept.here = true;
  if (kept.replay) return;  // its items were taken in with another record
  for (Number n = kept.first; n < kept.end; ++n) {
    truths_[n].accepted = true;
    truths_[n].promised = kept.promised;
    truths_[n].app = kept.app;
    truths_[n].owed = kept.owed;
  }
}

void Records::promised(Position position) {
  Kept& kept = records_.at(position);
  kept.promised = true;
  for (std::size_t seat = 0; seat < seats_max; ++seat) kept.known[seat] = kept.is_owed(seat);
  take_in(kept);
}

void Records::written(const journal::Commit& commit) {
  if (commit.segment == 0) return;
  written_.push_back({runs_, commit.segment, commit.offset, commit.offset + commit.bytes});
  if (commit.snapshot) snapshots_.insert(commit.segment);
  for (auto at = records_.upper_bound(commit.last); at != records_.begin();) {
    Kept& kept = (--at)->second;
    if (at->first < commit.segment || kept.commit != 0) break;
    kept.commit = written_.size();
    kept.segment = commit.segment;
  }
}

void Records::settled_durably(std::size_t seat, std::span<const journal::Range> ranges) {
  for (const journal::Range& range : ranges) {
    for (auto at = records_.lower_bound(range.first);
         at != records_.end() && at->first <= range.last; ++at) {
      at->second.ends[seat] = End::durable;
      at->second.marked[seat] = true;
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

void Records::recovered(std::size_t seat, Witness& witness, Found found, bool troubled) {
  const Position position = found.position;
  const auto at = records_.find(position);
  hold(at != records_.end(), "recovery: a record that nobody has offered");
  Kept& kept = at->second;
  if (!kept.is_owed(seat) && troubled && kept.replay) {  // whom it is for alone can't be read
    witness.doubled(kept.first, kept.end);
    return;
  }
  hold(kept.is_owed(seat), [&] {
    return fmt::format("recovery: record {} came to a destination it was not for", position);
  });
  hold(troubled || !kept.void_kept, [&] {
    return fmt::format("recovery: record {} came back though its refusal is on disk", position);
  });
  hold(troubled || kept.ends[seat] != End::durable, [&] {
    return fmt::format("recovery: record {} came back though its end is on disk", position);
  });
  hold(!kept.known[seat], "recovery: a record came back twice");
  take_back(seat, witness, position, found.doubtful);
  kept.segment = found.segment;
}

void Records::take_back(std::size_t seat, Witness& witness, Position position, bool doubtful) {
  Kept& kept = records_.at(position);
  if (!kept.here) take_in(kept);
  witness.again(kept.first, kept.end, {kept.ends[seat] != End::open, kept.unseen[seat]},
                kept.replay ? position : 0, doubtful);
  kept.unseen[seat] = 0;
  kept.ends[seat] = End::open;
  kept.known[seat] = true;
  recovered_items_[seat] += kept.end - kept.first;
}

/// A commit of the same run that came later, and can be read, says that it was there.
bool Records::must_be_missed(const Kept& kept, const SimDisk& disk) const {
  if (kept.commit == 0) return false;
  const Written& own = written_[kept.commit - 1];
  // a damaged frame may name a signal that this destination doesn't take: then it isn't booked
  const bool part_of_it =
      disk.intact(own.segment, 0, 1) || disk.intact(own.segment, own.to, own.to + 1);
  if (part_of_it && !disk.intact(own.segment, own.from, own.to)) return false;
  const bool cursors_known =
      std::any_of(snapshots_.begin(), snapshots_.end(),
                  [&](Position segment) { return disk.intact(segment, 0, SIZE_MAX); });
  for (std::size_t i = kept.commit; i < written_.size() && written_[i].run == own.run; ++i) {
    const Written& later = written_[i];
    if (later.segment != own.segment && !cursors_known) continue;
    if (disk.intact(later.segment, 0, opening_bytes) &&
        disk.intact(later.segment, later.from, later.to)) {
      return true;
    }
  }
  return false;
}

std::vector<Position> Records::all_recovered(std::size_t seat, Witness& witness,
                                             const SimDisk& disk, std::uint64_t evicted,
                                             const LetGo& let_go) {
  std::vector<Position> missing;
  for (auto& [position, kept] : records_) {
    if (!kept.is_owed(seat)) continue;
    if (!kept.here || kept.known[seat] || kept.ends[seat] != End::open) continue;
    if (kept.promised) {
      // damage may take what a replay came from, and then nothing says that it counts
      const bool excused =
          disk.ever_troubled() &&
          (kept.replay || kept.marked[seat] || !disk.intact(segment_of(position), 0, SIZE_MAX));
      const std::uint64_t items = kept.end - kept.first;
      if (!excused && items <= evicted) {
        evicted -= items;
        take_back(seat, witness, position, disk.ever_troubled());
        continue;  // ended() sees that it is held no more
      }
      if (!excused && kept.replay && let_go(items)) {
        take_back(seat, witness, position, disk.ever_troubled());
        witness.left(kept.first, kept.end);
        kept.ends[seat] = End::settled;
        continue;
      }
      hold(excused, [&, at = position] {
        return fmt::format(
            "recovery: record {} in segment {} was answered 200 and is not there for "
            "destination {}",
            at, kept.segment, seat);
      });
      const bool may_be_evicted = kept.replay && items <= evicted;  // in the step that found it
      if (!kept.marked[seat] && !may_be_evicted && must_be_missed(kept, disk))
        missing.push_back(position);
    }
    witness.vanished(kept.first, kept.end, kept.unseen[seat]);
    kept.unseen[seat] = 0;
    kept.ends[seat] = End::settled;
    kept.marked[seat] = true;  // the next snapshot says so, whichever later process can read it
  }
  return missing;
}

void Records::ended(std::size_t seat, const std::vector<Position>& held) {
  for (auto& [position, kept] : records_) {
    if (!kept.known[seat] || kept.ends[seat] != End::open) continue;
    if (std::binary_search(held.begin(), held.end(), position)) continue;
    kept.ends[seat] = End::settled;
    kept.marked[seat] = true;  // a commit that failed may have left it on disk all the same
  }
}

void Records::count_unseen(std::size_t seat, const Witness& witness,
                           const std::function<std::uint64_t(Position)>& remaining, bool doubtful) {
  for (auto& [position, kept] : records_) {
    if (!kept.known[seat] || kept.ends[seat] != End::open) continue;
    const std::uint64_t open = witness.open_items(kept.first, kept.end, kept.replay ? position : 0);
    const std::uint64_t held = remaining(position);
    hold(held <= open || doubtful || witness.has_doubled(),
         "more items of a record are held than have no end");
    kept.unseen[seat] = open - std::min(open, held);
  }
}

Number Records::first_of(Position position) const {
  const auto at = records_.find(position);
  hold(at != records_.end(), "quarantine: of a record that nobody has offered");
  return at->second.first;
}

Records::Undone Records::supersede(std::size_t seat, Position position) {
  Kept& kept = records_.at(position);
  const Undone undone{kept.ends[seat] != End::open, std::exchange(kept.unseen[seat], 0)};
  kept.ends[seat] = End::settled;
  kept.marked[seat] = true;
  return undone;
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

Position Records::segment_of(Position position) const {
  const auto at = records_.find(position);
  return at == records_.end() ? 0 : at->second.segment;
}

Records::Arrivals Records::given_up(std::size_t seat, const Witness& witness) const {
  Arrivals made;
  for (const auto& [position, kept] : records_) {
    if (!kept.known[seat] || kept.ends[seat] == End::open) continue;
    if (witness.gave_up(kept.first, kept.end, kept.replay ? position : 0))
      made.add(kept.arrived, kept.arrived);
  }
  return made;
}

}  // namespace forager::sim
