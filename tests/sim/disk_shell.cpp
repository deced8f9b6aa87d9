#include "sim/disk_shell.h"

#include <algorithm>
#include <utility>

#include <fmt/ranges.h>

#include "sim/process.h"
#include "sim/trace.h"

namespace forager::sim {

using std::chrono::milliseconds;

DiskShell::DiskShell(Around around) : world_(std::move(around)) {
  world_.journal.on_work([this] { wake(); });
}

DiskShell::~DiskShell() { world_.journal.on_work({}); }

void DiskShell::wake() {
  if (std::exchange(woken_, true)) return;
  world_.later(Duration::zero(), [this] {
    woken_ = false;
    step();
  });
}

void DiskShell::step() {
  if (under_way_) return;
  const Time now = world_.loop.now();
  under_way_ = world_.journal.take_commit(now);
  const std::uint64_t timer = ++timer_;
  if (under_way_) {
    fruitless_ = 0;
    world_.later(world_.disk.latency(), [this] { finish(); });
    return;
  }
  const Time until = world_.journal.next_commit();
  if (until == Time::max()) return;
  // a journal that names a time and then has nothing would be asked for ever
  hold(until > now || ++fruitless_ < 3, "busy loop: next_commit() names the past");
  world_.later(std::max<Duration>(until - now, milliseconds(1)), [this, timer] {
    if (timer == timer_) step();
  });
}

void DiskShell::finish() {
  auto job = std::exchange(under_way_, std::nullopt);
  const journal::Position segment = job->segment;
  if (job->create && world_.disk.has(journal::format::segment_name(segment)))
    world_.records.doubt();
  journal::Committed done = journal::run_commit(world_.disk, *std::move(job));
  world_.trace(world_.loop.now(), [&] {
    std::string text =
        fmt::format("disk: segment {} from {}, {} bytes to record {}, {} removed: {}", segment,
                    done.commit.offset, done.commit.bytes, done.commit.last,
                    done.commit.remove.size(), done.error ? done.error->what : "durable");
    if (done.commit.snapshot) text += "; a snapshot";
    for (const journal::Position gone : done.commit.remove) text += fmt::format("; -{}", gone);
    for (const auto& settled : done.commit.settled) {
      text += fmt::format("; settled for {}:", settled.cursor);
      for (const auto& [from, to] : settled.ranges) text += fmt::format(" {}-{}", from, to);
    }
    return text;
  });
  if (!done.error) {
    if (snapshot_kept_ && !done.commit.snapshot && done.left.empty() &&
        !world_.journal.recovering())
      world_.records.cleared();
    if (done.commit.snapshot) snapshot_kept_ = true;
    world_.records.written(done.commit);
    world_.bin.committed(done.commit);
    for (const auto& settled : done.commit.settled) {
      const std::size_t seat = seat_of(settled.cursor);
      if (seat < world_.seats.size()) world_.records.settled_durably(seat, settled.ranges);
    }
    world_.records.voided_durably(done.commit.voided);
  }
  world_.journal.committed(std::move(done), world_.loop.now());
  world_.bin.judge_segments();
  world_.decided();
  step();
}

void DiskShell::load(std::vector<journal::Position> positions, std::function<void(bool)> then) {
  auto wanted = world_.journal.missing(positions);
  if (wanted.empty()) return then(true);
  world_.later(world_.disk.latency(), [this, wanted = std::move(wanted), then = std::move(then)] {
    bool all = true;
    for (journal::BodyRead& body : journal::read_bodies(world_.disk, wanted)) {
      if (!body.body.empty()) {
        world_.journal.restore_body(body.position, std::move(body.body), world_.budget);
      } else if (body.gone) {
        world_.trace(world_.loop.now(), [&] {
          return fmt::format("disk: record {} can't be read: {}", body.position, body.why);
        });
        world_.journal.lose(body.position, world_.loop.now());
      } else {
        all = false;
      }
    }
    then(all);
  });
}

void DiskShell::die(bool power_cut) {
  if (under_way_) {
    if (under_way_->create && world_.disk.has(journal::format::segment_name(under_way_->segment))) {
      world_.records.doubt();
    }
    world_.disk.cut_after(world_.chance.below(6));
    static_cast<void>(journal::run_commit(world_.disk, *std::exchange(under_way_, std::nullopt)));
    world_.disk.end_cut();
  }
  if (power_cut) world_.disk.power_cut();
}

void DiskShell::recover(journal::FoundSegments found, journal::Recovery::Adopt adopt) {
  run_ = found.next_run;
  if (found.entries.empty()) {
    world_.journal.recovered();
    return recovered();
  }
  recovery_ = std::make_unique<journal::Recovery>(world_.journal, world_.budget, std::move(found),
                                                  std::move(adopt));
  world_.later(world_.disk.latency(), [this] { find_cursors(1); });
}

void DiskShell::find_cursors(int tries) {
  world_.disk.begin_recovery();
  journal::FoundCursors cursors = journal::find_cursors(world_.disk, recovery_->found());
  if (cursors.unread && tries < journal::read_tries) {
    return world_.later(journal::read_pause, [this, tries] { find_cursors(tries + 1); });
  }
  cursors_well_read_ = !cursors.unread;
  if (cursors.unread) world_.bin.unread();
  recovery_->begin(std::move(cursors));
  read_segment();
}

void DiskShell::read_segment() {
  const auto entry = recovery_->next();
  if (!entry) return recovered();
  const bool room = world_.budget.left() > world_.budget.limit() / 2;
  Duration wait = world_.disk.latency();
  if (!room && world_.journal.records() != 0) {
    const bool freed = world_.journal.forget_bodies(world_.budget.limit() / 4) != 0;
    if (!freed) wait = milliseconds(100);
    return world_.later(freed ? Duration::zero() : wait, [this] { read_segment(); });
  }
  scanning_ = world_.budget.take_anyway(entry->bytes);
  world_.later(wait, [this, what = *entry] { read(what, 1); });
}

void DiskShell::read(const journal::Files::Entry& entry, int tries) {
  const journal::SegmentScan scan = journal::read_segment(world_.disk, entry);
  if (scan.unread && tries < journal::read_tries) {
    return world_.later(journal::read_pause, [this, entry, tries] { read(entry, tries + 1); });
  }
  if (!scan.unread && cursors_well_read_) world_.disk.well_read(entry.name);
  scanning_.release();
  apply(entry, scan);
  read_segment();
}

std::size_t DiskShell::seat_of(journal::CursorId cursor) const {
  const std::string& name = world_.journal.cursor_name(cursor);
  const auto at = std::find_if(world_.seats.begin(), world_.seats.end(),
                               [&](const Seat& seat) { return seat.server->name() == name; });
  return static_cast<std::size_t>(at - world_.seats.begin());
}

void DiskShell::apply(const journal::Files::Entry& entry, const journal::SegmentScan& read) {
  const auto expired = [this](std::size_t seat) {
    std::uint64_t items = 0;
    const ledger::Book& book = world_.books.book(world_.seats[seat].server->name());
    for (const Signal s : all_signals) items += book.count(s, ledger::State::expired);
    return items;
  };
  for (std::size_t seat = 0; seat < world_.seats.size(); ++seat) evicted_[seat] = expired(seat);
  const auto news = recovery_->apply(read, world_.loop.now(), world_.wall());
  for (const std::string& line : news) world_.trace(world_.loop.now(), [&] { return line; });
  const journal::Position first = *journal::format::first_of(entry.name);
  const auto following = recovery_->next();
  const journal::Position end = following ? *journal::format::first_of(following->name) : run_;
  for (journal::CursorId cursor = 0; cursor < world_.journal.cursors(); ++cursor) {
    const std::size_t seat = seat_of(cursor);
    const auto held = world_.journal.held_positions(cursor);
    for (auto at = std::lower_bound(held.begin(), held.end(), first); at != held.end() && *at < end;
         ++at) {
      hold(seat < world_.seats.size(), "recovery: a record for a destination that never was");
      world_.records.recovered(seat, *world_.seats[seat].witness,
                               {*at, first, world_.disk.ever_troubled()}, world_.disk.troubled());
      world_.bin.came_back(seat, *at);
    }
  }
  world_.bin.poll();
  world_.bin.replayed(world_.wall());
  for (std::size_t seat = 0; seat < world_.seats.size(); ++seat) {
    evicted_[seat] = expired(seat) - evicted_[seat];
    if (evicted_[seat] == 0) continue;
    world_.trace(world_.loop.now(), [&] {
      return fmt::format("{} items of {} were evicted for what is sent again", evicted_[seat],
                         world_.seats[seat].server->name());
    });
  }
}

void DiskShell::recovered() {
  recovery_.reset();
  std::uint64_t nameless = 0;
  const auto unreadable = [](const ledger::Book& book) {
    std::uint64_t items = 0;
    for (const Signal s : all_signals) items += book.count(s, ledger::Reason::disk_unreadable);
    return items;
  };
  for (const auto& book : world_.books.books()) {
    if (book->destination() == "unreadable") nameless = unreadable(*book);
  }
  world_.bin.all_recovered();
  for (std::size_t seat = 0; seat < world_.seats.size(); ++seat) {
    Seat& at = world_.seats[seat];
    const auto missing = world_.records.all_recovered(
        seat, *at.witness, world_.disk, evicted_[seat],
        [this](std::uint64_t items) { return world_.bin.unseen(items); });
    std::uint64_t booked = nameless;
    for (const auto& book : world_.books.books()) {
      if (book->destination() == at.server->name()) booked += unreadable(*book);
    }
    hold(booked >= missing.size(), [&] {
      return fmt::format(
          "recovery: {} records for {} went with the damage ({}), but {} items are booked as lost",
          missing.size(), at.server->name(), fmt::join(missing, ", "), booked);
    });
  }
  world_.trace(world_.loop.now(), [] { return "recovery has ended"; });
  world_.recovered();
}

}  // namespace forager::sim
