#include "batch/planner.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "base/mutant.h"

namespace forager::batch {

namespace {

std::size_t item_max(const Limits& limits) {
  return std::min(limits.item_bytes, limits.request_bytes_max);
}

}  // namespace

bool Planner::may_hold_giant(const Entry& entry, const Limits& limits) {
  return entry.largest_item + log_time_bytes > item_max(limits);
}

void Planner::set_limits(Signal signal, const Limits& limits) {
  limits_[static_cast<std::size_t>(signal)] = limits;
  for (auto& [key, group] : groups_) count_full(key, group);
}

void Planner::add(const journal::Record& record, Time now) {
  Key key = key_of(record);
  if (FORAGER_MUTANT(groups_mixed)) std::get<journal::GroupId>(key) = journal::own_group;
  const bool paused = paused_groups_.contains(record.group);
  const auto [at, fresh] = (paused ? paused_ : groups_).try_emplace(key);
  Group& group = at->second;
  assert(fresh || group.entries.back().position < record.position);
  const std::size_t bytes = cutter_.size(record);
  group.entries.push_back(
      {record.position, 0, record.items, bytes, record.largest_item, now, false});
  group.bytes += bytes;
  group.items += record.items;
  if (paused) return;
  if (fresh) enlist(at);
  count_full(key, group);
}

void Planner::enlist(Groups::iterator at) {
  at->second.turn = turns_.insert(turns_.end(), at->first);
  at->second.age = by_age_.emplace(at->second.entries.front().since, at->first).first;
}

void Planner::pause(journal::GroupId group) {
  paused_groups_.insert(group);
  for (auto next = groups_.begin(); next != groups_.end();) {
    const auto at = next++;
    if (std::get<journal::GroupId>(at->first) != group) continue;
    if (std::exchange(at->second.full, false)) --full_groups_;
    turns_.erase(at->second.turn);
    by_age_.erase(at->second.age);
    paused_.insert(groups_.extract(at));
  }
}

void Planner::resume() {
  paused_groups_.clear();
  while (!paused_.empty()) {
    const auto at = groups_.insert(paused_.extract(paused_.begin())).position;
    auto& entries = at->second.entries;
    while (!entries.empty() && entries.front().dropped) entries.pop_front();
    if (entries.empty()) {
      groups_.erase(at);
      continue;
    }
    enlist(at);
    count_full(at->first, at->second);
  }
}

void Planner::drop(const journal::Record& record) {
  const bool paused = paused_groups_.contains(record.group);
  Groups& among = paused ? paused_ : groups_;
  const auto at = among.find(key_of(record));
  if (at == among.end()) return;
  auto& entries = at->second.entries;
  const auto entry = std::lower_bound(
      entries.begin(), entries.end(), record.position,
      [](const Entry& e, journal::Position position) { return e.position < position; });
  if (entry == entries.end() || entry->position != record.position || entry->dropped) return;
  entry->dropped = true;
  at->second.bytes -= entry->bytes;
  at->second.items -= entry->last - entry->first;
  if (!paused) tidy(at);
}

Time Planner::due(bool idle) const {
  if (groups_.empty()) return Time::max();
  if (idle || full_groups_ != 0) return Time::min();
  return by_age_.begin()->first + linger_;
}

std::optional<Batch> Planner::take(Time now, bool idle) {
  missing_ = 0;
  if (due(idle) > now) return std::nullopt;
  const auto ready = [&](const Key& key) {
    const Group& group = groups_.at(key);
    return idle || group.full || group.age->first + linger_ <= now;
  };
  const auto turn = std::find_if(turns_.begin(), turns_.end(), ready);
  assert(turn != turns_.end() && "due() says that one is");
  const auto at = groups_.find(*turn);
  turns_.splice(turns_.end(), turns_, turn);
  Batch batch = fill(at->first, at->second);
  tidy(at);
  if (missing_ != 0) return std::nullopt;
  return batch;
}

void Planner::count_full(const Key& key, Group& group) {
  const Limits& most = limits(std::get<Signal>(key));
  const bool full = group.bytes >= most.request_bytes || group.items >= most.request_items;
  if (full != group.full) full_groups_ += full ? 1U : static_cast<std::size_t>(-1);
  group.full = full;
}

void Planner::pop(Group& group) {
  group.bytes -= group.entries.front().bytes;
  group.items -= group.entries.front().last - group.entries.front().first;
  group.entries.pop_front();
}

void Planner::tidy(Groups::iterator at) {
  auto& [key, group] = *at;
  while (!group.entries.empty() && group.entries.front().dropped) group.entries.pop_front();
  if (group.entries.empty()) {
    if (group.full) --full_groups_;
    turns_.erase(group.turn);
    by_age_.erase(group.age);
    groups_.erase(at);
    return;
  }
  count_full(key, group);
  if (const Time since = group.entries.front().since; since != group.age->first) {
    by_age_.erase(group.age);
    group.age = by_age_.emplace(since, key).first;
  }
}

/// Merges what fits. A record that must be cut begins a batch of its own; its last part takes the
/// next records along.
Batch Planner::fill(const Key& key, Group& group) {
  const Limits& most = limits(std::get<Signal>(key));
  Batch batch{std::get<Signal>(key), std::get<journal::GroupId>(key), {}, 0, 0, false};
  while (!group.entries.empty()) {
    const Entry& entry = group.entries.front();
    if (entry.dropped) {
      group.entries.pop_front();
      continue;
    }
    const std::uint32_t items = entry.last - entry.first;
    const bool fits =
        (batch.bytes + entry.bytes <= most.request_bytes || FORAGER_MUTANT(limit_ignored)) &&
        batch.items + std::uint64_t{items} <= most.request_items && !may_hold_giant(entry, most);
    if (!fits) {
      if (!batch.pieces.empty() || !cut(key, group, batch)) break;
      continue;
    }
    const bool whole = entry.first == 0;
    batch.pieces.push_back({entry.position, entry.first, entry.last, whole});
    batch.items += items;
    batch.bytes += entry.bytes;
    pop(group);
  }
  return batch;
}

/// Takes the first part of the first record into an empty batch; true: that was the rest of it, and
/// there may be room for more.
bool Planner::cut(const Key& key, Group& group, Batch& into) {
  const Limits& most = limits(std::get<Signal>(key));
  Entry& entry = group.entries.front();
  const journal::Record* record = find_(entry.position);
  assert(record != nullptr && "what is planned is in the journal until it is dropped");
  if (record->body.empty()) {
    missing_ = entry.position;
    return false;
  }
  std::uint32_t taken = sendable(*record, entry, most);
  if (taken == 0) {
    into.over_limit = true;
    taken = 1;
  }
  const std::uint32_t last = entry.first + taken;
  const bool whole = entry.first == 0 && last == record->items;
  into.pieces.push_back({entry.position, entry.first, last, whole});
  into.items = taken;
  into.bytes = cutter_.part_size(*record, entry.first, last);
  if (last == entry.last) {
    pop(group);
    return !into.over_limit;
  }
  const std::size_t rest = cutter_.part_size(*record, last, entry.last);
  group.bytes = group.bytes - entry.bytes + rest;
  group.items -= taken;
  entry.first = last;
  entry.bytes = rest;
  return false;
}

/// How many items of the record can go out together; 0: the next one can't be sent at all.
std::uint32_t Planner::sendable(const journal::Record& record, const Entry& entry,
                                const Limits& most) {
  std::uint32_t items = cutter_.fit(record, entry.first, most.request_bytes, most.request_items);
  items = std::max(items, 1U);  // over a learned limit only: alone it is worth a try
  if (!may_hold_giant(entry, most)) return items;
  return cutter_.first_over(record, entry.first, entry.first + items, item_max(most)) - entry.first;
}

}  // namespace forager::batch
