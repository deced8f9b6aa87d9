// The beginning and the end of a process, and what its journal has on disk.
#include <algorithm>
#include <utility>

#include "sim/process.h"
#include "sim/process_parts.h"

namespace forager::sim {

using ledger::Reason;
using std::chrono::milliseconds;
using std::chrono::seconds;

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
  world_.records.next_run();
  shell_ = std::make_unique<DiskShell>(DiskShell::Around{
      world_.loop, world_.chance, world_.trace, *world_.disk, world_.records, journal_, budget_,
      world_.seats, world_.bin, books_, [this] { return wall(); },
      [this](Duration wait, std::function<void()> what) { later(wait, std::move(what)); },
      [this] { answer(); },
      [this] {
        if (releasing_) give_up_removed();
      }});
  shell_->recover(std::move(found_),
                  [this](const journal::format::Group& group) { return keys_.adopt(group); });
}

void Process::release() {
  releasing_ = true;
  if (shell_ && !shell_->recovering()) give_up_removed();
}

void Process::give_up_removed() {
  const Time now = world_.loop.now();
  for (journal::CursorId id = 0; id < journal_.cursors(); ++id) {
    if (!journal_.is_removed(id)) continue;
    const journal::GivenUp gone =
        journal_.give_up(id, WallTime::max(), Reason::destination_removed, now);
    hold(gone.in_flight == 0, "a destination that isn't configured has requests in flight");
    hold(journal_.held(id).records == 0, "release: something is still held");
    journal::QuarantineAsk ask;
    ask.destination = journal_.cursor_name(id);
    ask.entries_most = SIZE_MAX;
    give_up_quarantined(ask, Reason::destination_removed);
    journal_.forget_cursor(id);
    world_.trace(now, [&] {
      return fmt::format("{} is released: {} records", journal_.cursor_name(id), gone.records);
    });
  }
}

/// Nobody else looks when a removed destination's records are over age (App::watch_expiry).
void Process::expire_removed() {
  journal_.expire_old(world_.loop.now());
  later(seconds(30), [this] { expire_removed(); });
}

std::optional<journal::CursorId> Process::cursor_of(const std::string& name) const {
  for (journal::CursorId id = 0; id < journal_.cursors(); ++id) {
    if (journal_.cursor_name(id) == name) return id;
  }
  return std::nullopt;
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
  undelivered_.clear();  // their connections are closed
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
  overload_.poll(wall());
  for (std::size_t seat = 0; seat < world_.seats.size(); ++seat) {
    const auto cursor = cursor_of(world_.seats[seat].server->name());
    world_.records.ended(
        seat, cursor ? journal_.held_positions(*cursor) : std::vector<journal::Position>());
  }
  world_.bin.poll();
  std::uint64_t all_unseen = 0;
  for (std::size_t seat = 0; seat < world_.seats.size(); ++seat) {
    const std::string& name = world_.seats[seat].server->name();
    Witness& witness = *world_.seats[seat].witness;
    const std::uint64_t recovered =
        world_.records.recovered_items(seat) + world_.bin.recovered_items(seat);
    const std::uint64_t unseen =
        witness.absorb(name, books_.book(name),
                       {shell_ ? recovered : 0, world_.bin.let_go(seat), world_.bin.kept(seat)});
    all_unseen += unseen;
    if (const auto cursor = cursor_of(name)) {
      world_.records.count_unseen(
          seat, witness,
          [&](journal::Position position) { return journal_.remaining(*cursor, position); },
          shell_ && world_.disk->ever_troubled());
    }
    // bodies that can't be read, and what a stop in memory loses, aren't evictions; and of what was
    // let go at once nobody knows in which record it was
    const bool all_told =
        (shell_ ? world_.disk->flips() == 0 : !stopped_) && unseen == 0 && !witness.has_doubled();
    if (all_told) overload_.close(name, world_.records.given_up(seat, witness));
  }
  world_.bin.end(all_unseen);
}

bool Process::drained() const {
  if (shell_ && (shell_->recovering() || !journal_.synced() || !waiting_.empty())) return false;
  for (journal::CursorId id = 0; id < journal_.cursors(); ++id) {
    if (journal_.held(id).records != 0) return false;
  }
  return true;
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
  for (const std::string& name : journal_.removed_destinations()) {
    text += name + " is not configured and holds some\n";
  }
  return text;
}

void Process::check() {
  world_.bin.poll();
  overload_.poll(wall());
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
  hold(quarantine_.bytes() <= quarantine_.bytes_max(), "memory: more is in quarantine than may be");
  const std::size_t most = budget_.limit() + encoded_max_ + quarantine_.bytes();
  hold(budget_.used() <= most, [&] {
    return fmt::format("memory: {} bytes, of a budget of {}, where {} is the most", budget_.used(),
                       budget_.limit(), most);
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
  if (!stopped_) hold(budget_.used() == quarantine_.bytes(), "memory: charges are left");
  absorb();
}

}  // namespace forager::sim
