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

Planner::Group& Planner::begin(const Key& key, Time since) {
  Group& group = groups_[key];
  group.turn = turns_.insert(turns_.end(), key);
  group.age = by_age_.emplace(since, key).first;
  return group;
}

void Planner::add(const journal::Record& record, Time now) {
  Key key = key_of(record);
  if (FORAGER_MUTANT(groups_mixed)) std::get<journal::GroupId>(key) = journal::own_group;
  const std::size_t bytes = cutter_.size(record);
  const Entry entry{record.position, 0, record.items, bytes, record.largest_item, now, false};
  if (const auto held = held_.find(record.group); held != held_.end()) {
    held->second[key].push_back(entry);
    return;
  }
  const auto at = groups_.find(key);
  Group& group = at == groups_.end() ? begin(key, now) : at->second;
  assert(group.entries.empty() || group.entries.back().position < record.position);
  group.entries.push_back(entry);
  group.bytes += bytes;
  group.items += record.items;
  count_full(key, group);
}

Planner::Entry* Planner::find(std::deque<Entry>& entries, journal::Position position) {
  const auto entry = std::lower_bound(
      entries.begin(), entries.end(), position,
      [](const Entry& e, journal::Position wanted) { return e.position < wanted; });
  if (entry == entries.end() || entry->position != position || entry->dropped) return nullptr;
  return &*entry;
}

void Planner::drop(const journal::Record& record) {
  const Key key = key_of(record);
  if (const auto held = held_.find(record.group); held != held_.end()) {
    if (Entry* entry = find(held->second[key], record.position)) entry->dropped = true;
    return;
  }
  const auto at = groups_.find(key);
  if (at == groups_.end()) return;
  Entry* entry = find(at->second.entries, record.position);
  if (entry == nullptr) return;
  entry->dropped = true;
  at->second.bytes -= entry->bytes;
  at->second.items -= entry->last - entry->first;
  tidy(at);
}

void Planner::hold(journal::GroupId group) {
  auto& held = held_[group];
  for (const Signal signal : all_signals) {
    for (const bool recovered : {false, true}) {
      const auto at = groups_.find({signal, group, recovered});
      if (at == groups_.end()) continue;
      held.emplace(at->first, std::exchange(at->second.entries, {}));
      tidy(at);
    }
  }
}

void Planner::release(journal::GroupId group) {
  auto node = held_.extract(group);
  if (node.empty()) return;
  for (auto& [key, entries] : node.mapped()) {
    std::erase_if(entries, [](const Entry& entry) { return entry.dropped; });
    if (entries.empty()) continue;
    Group& back = begin(key, entries.front().since);
    for (const Entry& entry : entries) {
      back.bytes += entry.bytes;
      back.items += entry.last - entry.first;
    }
    back.entries = std::move(entries);
    count_full(key, back);
  }
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
