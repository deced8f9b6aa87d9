#include "sim/overload.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "sim/trace.h"

namespace forager::sim {

using journal::CursorId;
using journal::Position;

void Overload::refused_for_memory(const Positions& in_flight) const {
  if (disk_ == nullptr) return;
  for (CursorId id = 0; id < journal_.cursors(); ++id) {
    for (const Position position : journal_.held_positions(id)) {
      const journal::Record* record = journal_.find(position);
      hold(record->body.empty() || in_flight.contains(position), [&] {
        return fmt::format(
            "overload: a request is refused for lack of memory, but record {} is on disk and its "
            "body could be let go",
            position);
      });
    }
  }
}

std::size_t Overload::size_of(Position position) const {
  return journal_.find(position)->bytes() + journal::record_overhead;
}

/// What a destination is charged for holding these.
std::size_t Overload::weigh(const std::vector<Position>& held) const {
  std::size_t bytes = 0;
  if (disk_ == nullptr) {
    for (const Position position : held) bytes += size_of(position);
    return bytes;
  }
  Positions segments;
  for (const Position position : held) segments.insert(records_.segment_of(position));
  for (const Position segment : segments) bytes += disk_->size_of(segment);
  return bytes;
}

Overload::Place Overload::place_of(CursorId cursor) const {
  Place made;
  made.held = journal_.held_positions(cursor);
  made.bytes = weigh(made.held);
  for (const Position position : made.held) made.sizes[position] = size_of(position);
  return made;
}

void Overload::before(Positions in_flight, std::size_t bytes, Time now, WallTime wall) {
  journal_.expire_old(now);  // as append does first
  poll(wall);
  in_flight_ = std::move(in_flight);
  owes_ = dropped_ || quarantine_.let_go_items() != 0;
  places_.clear();
  // what waits for its commit will need files too
  const std::size_t used = 2 * (journal_.bytes() + bytes) + journal_.disk_bytes();
  roomy_ = used < plan_.journal.bytes_max / 2 && !journal_.short_of_space();
  if (roomy_) return;
  for (CursorId id = 0; id < journal_.cursors(); ++id) places_.push_back(place_of(id));
}

bool Overload::quarantine_keeps(Position segment) const {
  constexpr std::size_t head = 256;  // of a frame, with its words
  std::size_t bytes = 0;
  for (const auto& kept : quarantine_.kept()) {
    if (kept.segment == 0 && records_.segment_of(kept.what.position) == segment) return true;
    if (kept.segment == segment) bytes += kept.what.bytes.size() + head;
  }
  return bytes > disk_->size_of(segment) / 2;
}

bool Overload::only_its_own(CursorId cursor, Position position) const {
  const Position segment = disk_ == nullptr ? 0 : records_.segment_of(position);
  const auto free = [&](Position at) {
    if (in_flight_.contains(at)) return false;
    for (CursorId id = 0; id < journal_.cursors(); ++id) {
      if (id != cursor && journal_.remaining(id, at) != 0) return false;
    }
    return true;
  };
  if (disk_ == nullptr) return free(position);
  if (quarantine_keeps(segment)) return false;
  for (CursorId id = 0; id < journal_.cursors(); ++id) {
    for (const Position at : journal_.held_positions(id)) {
      if (records_.segment_of(at) == segment && !free(at)) return false;
    }
  }
  return true;
}

bool Overload::one_kept_up(Signal signal) const {
  for (CursorId id = 0; id < places_.size(); ++id) {
    if (takes_(journal_.cursor_name(id), signal) && !lags(places_[id].bytes)) return true;
  }
  return false;
}

/// What went for room: in their order, and beyond the share alone.
void Overload::judge_evicted(CursorId cursor, const Place& was, Signal signal) const {
  const auto held = journal_.held_positions(cursor);
  std::vector<Position> gone;
  std::set_difference(was.held.begin(), was.held.end(), held.begin(), held.end(),
                      std::back_inserter(gone));
  if (gone.empty()) return;
  const std::string& name = journal_.cursor_name(cursor);
  for (const Position position : held) {
    if (position > gone.back()) break;
    hold(journal_.recovering() || owes_ || !only_its_own(cursor, position), [&] {
      return fmt::format("overload: record {} of {} was evicted before record {}, which is older",
                         gone.back(), name, position);
    });
  }
  if (plan_.journal.expire_when_full || journal_.short_of_space()) return;
  hold(lags(was.bytes), [&] {
    return fmt::format("overload: {} was evicted at {}, within its share: {} bytes of {}",
                       gone.size(), name, was.bytes, plan_.journal.bytes_max);
  });
  hold(one_kept_up(signal), "overload: records were evicted though all destinations lag");
  if (disk_ != nullptr) return;
  const std::size_t before_last = weigh(held) + was.sizes.at(gone.back());
  hold(lags(before_last), [&] {
    return fmt::format(
        "overload: more was evicted at {} than brings it down to its share: {} of "
        "{} bytes were left before the last",
        name, before_last, plan_.journal.bytes_max);
  });
}

/// The journal is full. In memory each record may be evicted alone, so nothing that may go is left.
void Overload::judge_refused(Signal signal, std::size_t bytes) const {
  if (disk_ != nullptr || bytes + journal::record_overhead > plan_.journal.bytes_max) return;
  if (!one_kept_up(signal) && !plan_.journal.expire_when_full) return;
  for (CursorId id = 0; id < journal_.cursors(); ++id) {
    const auto held = journal_.held_positions(id);
    const bool lagging = lags(weigh(held));
    for (const Position position : held) {
      if (in_flight_.contains(position)) continue;
      const bool may_go = plan_.journal.expire_when_full || (lagging && only_its_own(id, position));
      hold(!may_go, [&] {
        return fmt::format("overload: a request is refused, but record {} could be evicted",
                           position);
      });
    }
  }
}

void Overload::after(Signal signal, std::optional<Position> position, std::size_t bytes,
                     WallTime wall) {
  if (roomy_) {
    hold(journal_.take_expiries().empty(), "overload: records were evicted though there is room");
    hold(position || !journal_.disk_trouble().empty(),
         "overload: a request is refused though the journal is half empty");
    return;
  }
  for (CursorId id = 0; id < places_.size(); ++id) judge_evicted(id, places_[id], signal);
  if (!position && journal_.disk_trouble().empty()) judge_refused(signal, bytes);
  poll(wall);
}

void Overload::poll(WallTime wall) {
  const auto news = journal_.take_expiries();
  for (const journal::Expiry& gone : news) {
    auto& told = told_[gone.destination][static_cast<std::size_t>(gone.signal)];
    told[static_cast<std::size_t>(gone.reason)] += gone.items;
    ranges_[gone.destination].add(gone.oldest, gone.newest);
    hold(gone.records != 0 && gone.items >= gone.records, "overload: an eviction of nothing");
    const bool by_age = gone.reason == ledger::Reason::over_age;
    hold(!by_age || plan_.jump_every != Duration::zero() ||
             gone.newest + plan_.journal.retention <= wall,
         "overload: a record was taken for over age before it was");
  }
}

void Overload::close(const std::string& destination, const Records::Arrivals& given_up) const {
  using ledger::Reason;
  constexpr std::array evictions{Reason::over_age, Reason::over_share, Reason::made_room,
                                 Reason::destination_removed, Reason::given_up};
  for (const auto& book : books_.books()) {
    if (book->destination() != destination) continue;
    const auto told = told_.find(destination);
    for (const Signal s : all_signals) {
      for (const Reason reason : evictions) {
        const std::uint64_t items =
            told == told_.end()
                ? 0
                : told->second[static_cast<std::size_t>(s)][static_cast<std::size_t>(reason)];
        hold(items == book->count(s, reason), [&] {
          return fmt::format("overload: {} {} items of {} were told, but {} are booked as {}",
                             items, facts(s).items, destination, book->count(s, reason),
                             ledger::facts(reason).label);
        });
      }
    }
  }
  const auto range = ranges_.find(destination);
  hold(given_up == (range == ranges_.end() ? Records::Arrivals{} : range->second), [&] {
    return fmt::format("overload: the time range that was told of what {} lost is another one",
                       destination);
  });
}

}  // namespace forager::sim
