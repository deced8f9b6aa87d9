#include "sim/bin.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "sim/process.h"
#include "sim/trace.h"

namespace forager::sim {

using journal::Position;

void Bin::begin(const journal::Journal& journal, const journal::Quarantine& quarantine,
                const SimDisk* disk) {
  ++run_;
  journal_ = &journal;
  quarantine_ = &quarantine;
  disk_ = disk;
  here_.clear();
  numbers_.clear();
  pending_.clear();
  let_go_.fill(0);
  recovered_items_.fill(0);
  let_go_seen_ = missing_ = 0;
  told_ = {};
  recovered_ = disk == nullptr;
  for (auto& [key, entry] : entries_) entry.let_go = false;
}

void Bin::tell(const Key& key, const Entry& entry, const char* what) const {
  trace_(loop_.now(), [&] {
    const auto here = here_.find(key);
    return fmt::format("{}: items {} to {} of record {} {}, number {}",
                       seats_[key.seat].server->name(), entry.first, entry.end - 1, key.position,
                       what, here == here_.end() ? 0 : here->second);
  });
}

std::size_t Bin::seat_of(const std::string& name) const {
  const auto at = std::find_if(seats_.begin(), seats_.end(),
                               [&](const Seat& seat) { return seat.server->name() == name; });
  hold(at != seats_.end(), "quarantine: something for a destination that never was");
  return static_cast<std::size_t>(at - seats_.begin());
}

Bin::Key Bin::key_of(const journal::Quarantine::Kept& kept) const {
  return {seat_of(kept.what.destination), kept.what.position, kept.what.first};
}

Bin::Here Bin::look() const {
  Here made;
  for (const auto& kept : quarantine_->kept()) {
    const Key key = key_of(kept);
    const bool fresh = made.emplace(key, kept.number).second;
    hold(fresh || troubled(), "quarantine: the same items are in it twice");
    if (fresh) continue;
    const Number from = records_.first_of(key.position);
    seats_[key.seat].witness->doubled(from + kept.what.first, from + kept.what.last);
  }
  return made;
}

bool Bin::changed() {
  const Told now{quarantine_->total_items(), quarantine_->let_go_items(),
                 quarantine_->kept().size(), quarantine_->numbered()};
  return std::exchange(told_, now) != now;
}

/// Those that were there and aren't any more; from now on what is there is known.
Bin::Here Bin::take_gone() {
  last_ = journal_->last();
  if (!changed()) return {};
  Here now = look();
  Here gone;
  std::set_difference(here_.begin(), here_.end(), now.begin(), now.end(),
                      std::inserter(gone, gone.end()),
                      [](const auto& a, const auto& b) { return a.first < b.first; });
  const Here before = std::exchange(here_, std::move(now));
  for (const auto& kept : quarantine_->kept()) {
    const Key key = key_of(kept);
    if (!before.contains(key)) appeared(key, kept);
    if (!quarantine_->numbered()) continue;
    numbers_[kept.number] = key;
    entries_.at(key).number = kept.number;
  }
  return gone;
}

void Bin::poll() {
  for (const auto& [key, number] : take_gone()) let_go(key, number);
}

/// The item's bytes are those that an app sent.
void Bin::judge_bytes(const Entry& entry, const Key& key, const journal::Quarantined& what) const {
  const auto items = read_items(what.signal, what.bytes.view());
  hold(items.size() == entry.items(), "quarantine: other items than it says");
  Number expected = entry.first;
  for (const Seen& seen : items) {
    hold(seen.number == expected++, "quarantine: other items than it says");
    seats_[key.seat].witness->check_quarantined(seen, what.why);
  }
}

Position Bin::home_of(const Entry& /*entry*/, const Key& key) const {
  return records_.is_replay(key.position) ? key.position : 0;
}

void Bin::appeared(const Key& key, const journal::Quarantine::Kept& kept) {
  const Number from = records_.first_of(key.position);
  const bool on_disk = kept.segment != 0;  // what is put there now has to be written first
  const auto [at, fresh] = entries_.try_emplace(key);
  Entry& entry = at->second;
  if (on_disk) {
    hold(!fresh || troubled(), "quarantine: something is in it that was never put there");
  } else {
    hold(fresh || entry.left != End::here || troubled(),
         "quarantine: something is put there twice");
    entry = {};
  }
  entry.signal = kept.what.signal;
  if (on_disk && !fresh) {
    hold(entry.first == from + kept.what.first && entry.end == from + kept.what.last,
         "quarantine: an entry came back with other items");
  }
  entry.first = from + kept.what.first;
  entry.end = from + kept.what.last;
  judge_bytes(entry, key, kept.what);
  if (on_disk) return found(key, entry);
  tell(key, entry, "are quarantined");
  seats_[key.seat].witness->quarantined(entry.first, entry.end);
}

/// An earlier process left it.
void Bin::found(const Key& key, Entry& entry) {
  tell(key, entry, "are found in quarantine");
  Witness& witness = *seats_[key.seat].witness;
  hold(troubled() || entry.left != End::durable, [&] {
    return fmt::format("quarantine: item {} is there though its end is on disk", entry.first);
  });
  const auto is_back = [&](Position position) { return records_.is_back(key.seat, position); };
  hold(troubled() || !is_back(key.position),
       "quarantine: an item is in it and in the record that it came from");
  const Position replay = entry.replayed ? entry.replay : 0;
  if (replay != 0) {
    hold(troubled() || !records_.end_is_durable(key.seat, replay), [&] {
      return fmt::format(
          "quarantine: item {} is there though record {}, which it became, has ended", entry.first,
          replay);
    });
    hold(troubled() || !is_back(replay), "quarantine: an item is in it and is sent again");
  }
  const Records::Undone undone = replay == 0 ? Records::Undone{entry.left != End::here, 0}
                                             : records_.supersede(key.seat, replay);
  if (replay != 0) dissolve(key.seat, replay);
  witness.kept_again(entry.first, entry.end, undone, home_of(entry, key), troubled());
  entry.left = End::here;
  entry.let_go = entry.replayed = false;
  entry.replay = 0;
  entry.found_in = run_;
  recovered_items_[key.seat] += entry.items();
}

void Bin::let_go(const Key& key, std::uint64_t number) {
  Entry& entry = entries_.at(key);
  if (entry.left != End::here) return;  // it is a record now
  const bool oldest =
      std::all_of(here_.begin(), here_.end(), [&](const auto& one) { return one.second > number; });
  constexpr std::uint64_t provisional = std::uint64_t{1} << 63U;
  hold(!recovered_ || number >= provisional || oldest, "quarantine: not the oldest was let go");
  tell(key, entry, "are let go");
  entry.left = End::said;
  entry.let_go = true;
  if (entry.replay != 0) records_.set_unseen(key.seat, entry.replay, entry.items());
  let_go_seen_ += entry.items();
  let_go_[key.seat] += entry.items();
  hold(let_go_seen_ <= quarantine_->let_go_items(), [&] {
    return fmt::format("quarantine: item {} went, and isn't counted as let go", entry.first);
  });
  seats_[key.seat].witness->left(entry.first, entry.end);
}

std::uint64_t Bin::dropped(const Left& left) {
  std::uint64_t items = 0;
  for (const auto& [key, number] : take_gone()) {
    Entry& entry = entries_.at(key);
    tell(key, entry, "are given up");
    entry.left = End::said;
    items += entry.items();
    seats_[key.seat].witness->left(entry.first, entry.end);
    left(key.seat, entry.signal, entry.items());
  }
  return items;
}

void Bin::offer(const Key& key, Entry& entry, Position record, WallTime wall) {
  entry.replay = record;
  tell(key, entry, fmt::format("become record {}", record).c_str());
  records_.offered({.position = record,
                    .first = entry.first,
                    .end = entry.end,
                    .owed = static_cast<std::uint8_t>(1U << key.seat),
                    .arrived = wall,
                    .replay = true});
}

/// The record is there: it counts.
void Bin::promise(const Key& key, Entry& entry) {
  if (entry.let_go) {  // meanwhile; it is sent all the same
    let_go_[key.seat] -= entry.items();
    entry.let_go = false;
    records_.set_unseen(key.seat, entry.replay, 0);
  }
  entry.replayed = true;
  hold(troubled() || !look().contains(key), "quarantine: what is sent again is still there");
  entry.left = End::said;
  records_.promised(entry.replay);
  seats_[key.seat].witness->replayed(entry.first, entry.end, entry.replay);
}

std::uint64_t Bin::replayed(WallTime wall) {
  std::uint64_t items = 0;
  Position record = last_;
  std::vector<std::pair<std::uint64_t, Key>> gone;  // in memory they went at once
  for (const auto& [key, number] : take_gone()) gone.emplace_back(number, key);
  std::sort(gone.begin(), gone.end());
  for (const auto& [number, key] : gone) {
    Entry& entry = entries_.at(key);
    offer(key, entry, ++record, wall);
    promise(key, entry);
    items += entry.items();
  }
  for (const auto& kept : quarantine_->kept()) {
    if (kept.replay == 0) continue;
    const Key key = key_of(kept);
    Entry& entry = entries_.at(key);
    if (entry.replay == kept.replay) continue;
    offer(key, entry, kept.replay, wall);
    pending_.push_back(key);
    items += entry.items();
  }
  last_ = journal_->last();
  return items;
}

void Bin::decide() {
  std::erase_if(pending_, [this](const Key& key) {
    Entry& entry = entries_.at(key);
    if (!journal_->decided(entry.replay)) return false;
    if (journal_->voided(entry.replay)) {
      records_.set_unseen(key.seat, entry.replay, 0);
      entry.replay = 0;
      return true;
    }
    promise(key, entry);
    return true;
  });
}

void Bin::committed(const journal::Commit& commit) {
  const auto written = [&](std::uint64_t number) {
    const auto key = numbers_.find(number);
    if (key == numbers_.end()) return;  // let go as soon as it was put there
    entries_.at(key->second).segment = commit.segment;
  };
  for (const auto& done : commit.quarantined) {
    for (const std::uint64_t number : done.numbers) written(number);
    const std::size_t seat = seat_of(journal_->cursor_name(done.cursor));
    const std::array<journal::Range, 1> range{{{done.position, done.position}}};
    records_.settled_durably(seat, range);
  }
  for (const std::uint64_t number : commit.copied) written(number);
  for (const auto& [first, last] : commit.quarantine_gone.all()) gone_durably(first, last);
}

/// Also those that were let go in the step that found them: nobody has seen them here.
void Bin::gone_durably(std::uint64_t first, std::uint64_t last) {
  for (auto& [key, entry] : entries_) {
    if (entry.number < first || entry.number > last) continue;
    if (entry.left == End::here && entry.found_in != run_ && !here_.contains(key))
      missing(key, entry);
    if (entry.left == End::said && entry.replay == 0) entry.left = End::durable;
  }
}

void Bin::judge_segments() const {
  for (const auto& kept : quarantine_->kept()) {
    const bool there = kept.segment == 0 || disk_->has(journal::format::segment_name(kept.segment));
    hold(there, [&] {
      return fmt::format("quarantine: the bytes of number {} are in segment {}, which is gone",
                         kept.number, kept.segment);
    });
  }
}

/// A record counts again, or not at all: so nothing of it is in quarantine.
void Bin::dissolve(std::size_t seat, Position position) {
  const auto from = entries_.lower_bound({seat, position, 0});
  auto to = from;
  for (; to != entries_.end() && to->first.seat == seat && to->first.position == position; ++to) {
    const Entry& entry = to->second;
    const bool there = entry.left == End::here && (entry.segment != 0 || entry.found_in == run_);
    hold(troubled() || !there, [&] {
      return fmt::format("quarantine: record {} came back, and what it left there is on disk",
                         position);
    });
  }
  for (auto at = from; at != to;)
    at = here_.contains(at->first) ? std::next(at) : entries_.erase(at);
}

void Bin::came_back(std::size_t seat, Position position) {
  dissolve(seat, position);
  for (auto& [key, entry] : entries_) {
    if (key.seat != seat || entry.replay != position) continue;
    hold(troubled() || entry.found_in != run_ || entry.left != End::here,
         "quarantine: an item is sent again and is still there");
    entry.replayed = true;
    entry.left = End::said;  // a power cut may take back what says that the record was durable
  }
}

/// It should be there. When there was no room, it is counted.
void Bin::missing(const Key& key, Entry& entry) {
  Witness& witness = *seats_[key.seat].witness;
  tell(key, entry, "are not in quarantine");
  const bool damaged = troubled() && (ever_unread_ || entry.segment == 0 ||
                                      !disk_->intact(entry.segment, 0, SIZE_MAX));
  if (damaged) {
    witness.doubled(entry.first, entry.end);  // the books may name it as lost, or not
    witness.vanished(entry.first, entry.end, 0);
    entry.left = End::durable;
    return;
  }
  missing_ += entry.items();
  hold(missing_ + let_go_seen_ <= quarantine_->let_go_items(), [&] {
    return fmt::format(
        "quarantine: item {} for destination {} was there when a process ended, and is neither "
        "found there nor in record {}, nor was it let go",
        entry.first, key.seat, key.position);
  });
  recovered_items_[key.seat] += entry.items();
  witness.kept_again(entry.first, entry.end, {}, home_of(entry, key), troubled());
  witness.left(entry.first, entry.end);
  entry.left = End::said;
}

void Bin::all_recovered() {
  recovered_ = true;
  for (auto& [key, entry] : entries_) {
    if (entry.left == End::here && entry.found_in != run_ && !here_.contains(key))
      missing(key, entry);
  }
}

std::vector<std::pair<Number, Number>> Bin::kept(std::size_t seat) const {
  std::vector<std::pair<Number, Number>> made;
  for (const auto& [key, number] : here_) {
    if (key.seat != seat) continue;
    const Entry& entry = entries_.at(key);
    made.emplace_back(entry.first, entry.end);
  }
  return made;
}

void Bin::end(std::uint64_t unseen) const {
  const std::uint64_t counted = quarantine_->let_go_items() - let_go_seen_;
  const bool doubled = std::any_of(seats_.begin(), seats_.end(),
                                   [](const Seat& seat) { return seat.witness->has_doubled(); });
  hold(doubled || unseen == counted, [&] {
    return fmt::format("quarantine: {} items were let go at once, but {} are counted", unseen,
                       counted);
  });
}

}  // namespace forager::sim
