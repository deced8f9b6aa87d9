// The beginning and the end of a process, and what its journal has on disk.
#include <algorithm>
#include <utility>

#include "sim/process.h"
#include "sim/process_parts.h"

namespace forager::sim {

using ledger::Reason;
using std::chrono::milliseconds;

void Process::open_disk() {
  auto found = journal::find_segments(*world_.disk);
  hold(found.has_value(), "the segments can't be listed");
  found_ = std::move(*found);
  journal::DiskSettings with;
  with.bytes_max = world_.plan.disk->bytes_max;
  with.segment_bytes = world_.plan.disk->segment_bytes;
  with.run = found_.next_run;
  std::copy_n(salt_of_journal.begin(), with.salt.size(), with.salt.begin());
  with.seed = world_.chance.bits();
  with.created = static_cast<std::int64_t>(unix_nanos(wall()));
  with.group_of = [this](journal::GroupId group) { return keys_.on_disk(group); };
  const auto kept = journal::find_salt(*world_.disk, found_);
  hold(!kept || *kept == with.salt, "the salt on disk is another one");
  journal_.use_disk(std::move(with));
  keys_.on_learned([this] {
    for (auto& party : parties_) {
      party->seat.witness->may_probe();
      party->delivery.credentials_changed(world_.loop.now());
    }
  });
}

void Process::recover() {
  std::vector<Witness*> witnesses;
  std::vector<std::array<bool, signal_count>> takes;
  for (const Seat& seat : world_.seats) {
    witnesses.push_back(seat.witness.get());
    takes.push_back(seat.plan.takes);
  }
  world_.records.next_run();
  shell_ = std::make_unique<DiskShell>(DiskShell::Around{
      world_.loop, world_.chance, world_.trace, *world_.disk, world_.records, journal_, budget_,
      std::move(witnesses), std::move(takes), [this] { return wall(); },
      [this](Duration wait, std::function<void()> what) { later(wait, std::move(what)); },
      [this] { answer(); }});
  shell_->recover(std::move(found_),
                  [this](const journal::format::Group& group) { return keys_.adopt(group); });
}

void Process::answer() {
  ledger::Door& door = books_.door();
  while (!waiting_.empty() && journal_.decided(waiting_.front().position)) {
    const Waiting what = waiting_.front();
    waiting_.pop_front();
    if (journal_.voided(what.position)) {
      door.refused(what.signal, Reason::disk, what.items);
      world_.trace(world_.loop.now(),
                   [&] { return fmt::format("record {} answered 503", what.position); });
      continue;
    }
    door.accepted(what.signal, what.items);
    world_.records.promised(what.position);
    world_.trace(world_.loop.now(),
                 [&] { return fmt::format("record {} answered 200", what.position); });
  }
}

void Process::stop(Duration grace) {
  stopping_ = true;
  world_.trace(world_.loop.now(), [] { return "SIGTERM: draining"; });
  for (auto& party : parties_) party->delivery.drain();
  later(grace, [this] { end(); });
}

void Process::end() {
  const Time now = world_.loop.now();
  ended_ = true;
  for (auto& party : parties_) {
    for (const auto& [ticket, flight] : std::exchange(party->flights, {})) {
      party->seat.witness->unanswered(flight.id, flight.reply, now);
      party->delivery.failed(flight.id, {net::TransportError::Kind::stopped, "stopped"}, now);
    }
  }
  if (shell_) return close_disk(now + milliseconds(500));
  stopped_ = true;
  const std::uint64_t lost = journal_.lose_all(now);
  world_.trace(now, [&] { return fmt::format("stopped, {} items lost", lost); });
}

/// The last settled ranges.
void Process::close_disk(Time deadline) {
  const Time now = world_.loop.now();
  if (journal_.synced() || !journal_.disk_trouble().empty() || now >= deadline) {
    stopped_ = true;
    world_.trace(now, [] { return "stopped; the disk has what is held"; });
    return;
  }
  later(milliseconds(10), [this, deadline] { close_disk(deadline); });
}

void Process::die(bool power_cut) {
  world_.trace(world_.loop.now(), [&] { return power_cut ? "the power is cut" : "kill -9"; });
  shell_->die(power_cut);
}

void Process::absorb() {
  if (shell_) {
    for (std::size_t seat = 0; seat < parties_.size(); ++seat) {
      world_.records.ended(seat, journal_.held_positions(parties_[seat]->delivery.cursor()));
    }
  }
  for (std::size_t seat = 0; seat < parties_.size(); ++seat) {
    const std::string name(parties_[seat]->delivery.name());
    world_.seats[seat].witness->absorb(name, books_.book(name), quarantine_,
                                       shell_ ? world_.records.recovered_items(seat) : 0);
  }
}

bool Process::drained() const {
  if (shell_ && (shell_->recovering() || !journal_.synced() || !waiting_.empty())) return false;
  return std::all_of(parties_.begin(), parties_.end(),
                     [](const auto& party) { return party->delivery.drained(); });
}

std::string Process::held() const {
  std::string text;
  for (const auto& party : parties_) {
    const exporter::DeliveryState state = party->delivery.state();
    text += fmt::format("{}: {} records, {} items, {}, {} in flight, {} waiting; {} {}\n",
                        party->delivery.name(), state.held.records, state.held.items,
                        exporter::name(state.kind), state.in_flight, state.waiting,
                        state.why_parked, state.last_error);
    for (const auto position : journal_.held_positions(party->delivery.cursor())) {
      text += fmt::format("  record {}\n", position);
    }
  }
  return text;
}

void Process::check() const {
  const std::string wrong = ledger::imbalance(
      books_, [this](std::string_view name, Signal s) { return journal_.held_items(name, s); });
  hold(wrong.empty(), [&] { return "ledger: " + wrong; });
  if (shell_) {
    // one for what is settled, one that is sealed early, three begun in vain; and each process
    // begins one, which goes when a process has recovered all and has a snapshot
    const std::size_t most = world_.plan.disk->bytes_max +
                             (5 + world_.records.uncleared()) * world_.plan.disk->segment_bytes;
    hold(world_.disk->bytes() <= most, [&] {
      return fmt::format("disk: {} bytes in files, over {}", world_.disk->bytes(), most);
    });
  } else {
    hold(journal_.bytes() <= journal_.bytes_max(), "memory: the journal is over its cap");
  }
  hold(budget_.used() <= budget_.limit() + encoded_max_, [&] {
    return fmt::format("memory: {} bytes, over the budget of {} by more than {}", budget_.used(),
                       budget_.limit(), encoded_max_);
  });
}

void Process::close() {
  check();
  hold(journal_.records() == 0 && journal_.bytes() == 0, [&] {
    return fmt::format("memory: {} records, {} bytes remain in an empty journal",
                       journal_.records(), journal_.bytes());
  });
  for (const auto& party : parties_) {
    if (!stopped_)
      hold(party->delivery.state().waiting == 0, "attempts wait though nothing is held");
  }
  if (!stopped_) hold(budget_.used() == 0, "memory: charges are left");
  absorb();
}

}  // namespace forager::sim
