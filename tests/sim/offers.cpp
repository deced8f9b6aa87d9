// What a process does with the requests of apps, and what it tells them.
#include <algorithm>
#include <utility>
#include <variant>

#include "sim/process.h"
#include "sim/process_parts.h"

namespace forager::sim {

using ledger::Reason;
using std::chrono::seconds;

namespace {

/// admit::AdmissionConfig::delivery_wait
constexpr Duration delivery_wait = seconds(8);

}  // namespace

void Process::offer(Signal signal, std::uint32_t app, std::string body, Number first) {
  const Time now = world_.loop.now();
  const auto items = static_cast<std::uint32_t>(world_.truths.size() - first);
  ledger::Door& door = books_.door();
  const auto refuse = [&](Reason reason) {
    door.refused(signal, reason, items);
    world_.trace(now, [&] {
      return fmt::format("app {}: {} {} refused: {}", app, items, facts(signal).items,
                         ledger::facts(reason).label);
    });
  };
  if (stopping_) return refuse(Reason::stopping);
  std::optional<Secret> key;
  if (app != 0) key = Secret(fmt::format("app-{}", app));
  const auto group = keys_.group_of(key, std::nullopt);
  if (!std::holds_alternative<journal::GroupId>(group)) return refuse(Reason::unauthenticated);
  if (body.size() > budget_.limit() / 4) return refuse(Reason::too_large);
  // as admit::Admission does it: what can't be refused may be over the limit
  const std::size_t wanted = budget_.used() + body.size();
  if (wanted > budget_.limit()) {
    journal_.forget_bodies(wanted - budget_.limit() + budget_.limit() / 16);
  }
  auto charge = budget_.take(body.size());
  if (!charge) {
    overload_.refused_for_memory(in_flight());
    return refuse(Reason::memory_budget);
  }
  journal::Record record = admit(signal, body);
  hold(record.items == items, "the walk counts other items than were put in");
  record.group = std::get<journal::GroupId>(group);
  record.arrived = wall();
  overload_.before(in_flight(), body.size(), now, wall());
  const auto position = journal_.append(std::move(record), std::move(*charge), now);
  overload_.after(signal, position, body.size(), wall());
  if (!position) {
    const auto after = journal_.retry_after(now);
    hold(after >= seconds(1) && after <= seconds(60), "Retry-After out of its bounds");
    return refuse(journal_.disk_trouble().empty() ? Reason::journal_full : Reason::disk);
  }
  if (*position == journal::not_routed) {
    door.accepted(signal, items);
    return door.not_routed(signal, items);
  }
  Records::Offer offer{*position, first, first + items, 0, 0, wall()};
  if (world_.plan.key_policy != config::KeyPolicy::replace)
    offer.app = static_cast<std::uint8_t>(app);
  for (std::size_t seat = 0; seat < world_.seats.size(); ++seat) {
    const Seat& at = world_.seats[seat];
    if (at.configured && at.plan.takes[static_cast<std::size_t>(signal)])
      offer.owed |= static_cast<std::uint8_t>(1U << seat);
  }
  world_.records.offered(offer);
  world_.trace(now, [&] {
    return fmt::format("app {}: record {}, {} {}, numbers from {}, {} bytes{}", app, *position,
                       items, facts(signal).items, first, body.size(),
                       world_.disk != nullptr ? ", waits for the disk" : "");
  });
  if (world_.disk == nullptr) return accept(*position, signal, first, first + items);
  waiting_.push_back({*position, signal, first, first + items});
  answer();
}

void Process::answer() {
  world_.bin.decide();
  ledger::Door& door = books_.door();
  while (!waiting_.empty() && journal_.decided(waiting_.front().position)) {
    const Waiting what = waiting_.front();
    waiting_.pop_front();
    if (journal_.voided(what.position)) {
      door.refused(what.signal, Reason::disk, what.end - what.first);
      world_.trace(world_.loop.now(),
                   [&] { return fmt::format("record {} answered 503", what.position); });
      continue;
    }
    accept(what.position, what.signal, what.first, what.end);
  }
}

void Process::accept(journal::Position position, Signal signal, Number first, Number end) {
  books_.door().accepted(signal, end - first);
  world_.records.promised(position);
  for (Number n = first; n < end; ++n) world_.truths[n].accepted_at = world_.loop.now();
  if (!world_.plan.ack_delivered) {
    if (world_.disk == nullptr) return;
    return world_.trace(world_.loop.now(),
                        [&] { return fmt::format("record {} answered 200", position); });
  }
  if (journal_.passed(position)) return told_settled(position, first, end);
  undelivered_[position] = {first, end};
  later(delivery_wait, [this, position] { late(position); });
}

void Process::delivered(journal::Position position) {
  const auto at = undelivered_.find(position);
  if (at == undelivered_.end() || !journal_.passed(position)) return;
  const auto [first, end] = at->second;
  undelivered_.erase(at);
  told_settled(position, first, end);
}

void Process::late(journal::Position position) {
  if (!undelivered_.contains(position)) return;
  if (journal_.passed(position)) return delivered(position);
  undelivered_.erase(position);
  const auto after = journal_.retry_after(world_.loop.now());
  hold(after >= seconds(1) && after <= seconds(60), "Retry-After out of its bounds");
  world_.trace(world_.loop.now(), [&] {
    return fmt::format("record {} answered 503: not every destination has it yet", position);
  });
}

/// 200 with FORAGER_ACK=delivered: every destination has it, or the books say why not.
void Process::told_settled(journal::Position position, Number first, Number end) {
  world_.trace(world_.loop.now(),
               [&] { return fmt::format("record {} answered 200: settled by all", position); });
  for (std::size_t seat = 0; seat < world_.seats.size(); ++seat) {
    if ((world_.truths[first].owed >> seat & 1U) == 0) continue;
    const std::string& name = world_.seats[seat].server->name();
    std::uint64_t& given_up = told_given_up_[name];
    given_up += world_.seats[seat].witness->told_settled(first, end);
    std::uint64_t booked = quarantine_.let_go_items();
    for (const Signal s : all_signals) {
      booked += books_.book(name).count(s, ledger::State::expired) +
                books_.book(name).count(s, ledger::State::lost);
    }
    hold(given_up <= booked, [&] {
      return fmt::format(
          "ack: record {} was answered 200, but {} has {} items neither delivered "
          "nor quarantined, and {} are booked as expired or lost, or were let go from there",
          position, name, given_up, booked);
    });
  }
}

}  // namespace forager::sim
