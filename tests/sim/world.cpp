#include "sim/world.h"

#include <algorithm>
#include <exception>

namespace forager::sim {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

World::World(const Plan& plan, bool verbose)
    : plan_(plan),
      trace_(verbose),
      chance_(plan.seed * 7 + 3),
      shell_chance_(plan.seed * 11 + 5),
      person_chance_(plan.seed * 19 + 11),
      late_chance_(plan.seed * 17 + 1) {
  seat_parties();
  if (plan_.disk) {
    disk_ = std::make_unique<SimDisk>(*plan_.disk, plan_.seed * 13 + 9);
    plan_disk_moods(0);
    plan_restart();
    if (plan_.reseats) plan_release();
  }
  start_process();
  loop_.after(chance_.up_to(plan_.traffic_every), [this] { traffic(); });
  plan_rotation();
  plan_jump();
  plan_bars();
  plan_person();
  if (plan_.shutdown) {
    loop_.after(chance_.up_to(plan_.faults_last), [this] { process_->stop(plan_.grace); });
  } else {
    loop_.after(plan_.faults_last, [this] { calm(); });
  }
}

void World::seat_parties() {
  constexpr std::array<const char*, 3> names{"honeycomb", "strict", "hive"};
  seats_.resize(plan_.parties.size());  // they are pointed to from now on
  for (std::size_t i = 0; i < seats_.size(); ++i) {
    Seat& seat = seats_[i];
    seat.plan = plan_.parties[i];
    seat.server = std::make_unique<Server>(
        seat.plan.server, names[static_cast<std::size_t>(seat.plan.kind)], truths_, chance_.bits());
    seat.server->set_own_key("own-1");
    seat.witness = std::make_unique<Witness>(seat.plan, i, truths_);
    plan_moods(seat, 0);
  }
}

void World::start_process() {
  process_ = std::make_unique<Process>(
      Process::Around{plan_, loop_, shell_chance_, trace_, truths_, seats_, wall_offset_,
                      records_of_, bin_, disk_.get()},
      fmt::format("own-{}", own_version_));
  crash_at_ = UINT64_MAX;
  if (calm_ && plan_.reseats) process_->release();
  if (!plan_.disk || calm_ || plan_.disk->events_a_life == 0) return;
  crash_at_ = loop_.ran() + shell_chance_.between(1, 2 * plan_.disk->events_a_life);
}

/// The process has ended, by itself or not; another one comes a little later.
void World::next_process() {
  process_->check();
  process_->absorb();
  process_.reset();
  crash_at_ = UINT64_MAX;
  if (!calm_ && late_chance_.below(4) < plan_.disk->damages) {
    const std::string what = disk_->damage();
    trace_(loop_.now(), [&] { return "damage: " + what; });
  }
  if (plan_.reseats) reseat();
  loop_.after(shell_chance_.up_to(seconds(shell_chance_.one_in(4) ? 20 : 1)),
              [this] { start_process(); });
}

/// The configuration of the next process: some destination is taken out of it, or comes (back).
void World::reseat() {
  if (calm_ && plan_.release_at_calm) return;
  for (Seat& seat : seats_) {
    if (calm_) {
      seat.configured = true;
    } else if (late_chance_.one_in(3)) {
      seat.configured = !seat.configured;
    }
    trace_(loop_.now(), [&] {
      return fmt::format("{} is {}configured", seat.server->name(), seat.configured ? "" : "not ");
    });
  }
  const bool none =
      std::none_of(seats_.begin(), seats_.end(), [](const Seat& seat) { return seat.configured; });
  if (none) seats_[late_chance_.below(seats_.size())].configured = true;
}

/// forager journal release
void World::plan_release() {
  loop_.after(late_chance_.about(minutes(2)), [this] {
    if (calm_) return;
    if (process_ && !process_->stopping()) process_->release();
    plan_release();
  });
}

/// Sometimes the process ends while the disk is at work on what the person wanted.
void World::plan_person() {
  if (plan_.person_every == Duration::zero()) return;
  loop_.after(person_chance_.about(plan_.person_every), [this] {
    if (calm_) return;
    person(person_chance_.one_in(3));
    plan_person();
  });
}

void World::person(bool crash_soon) {
  if (!process_ || process_->stopping() || process_->person(person_chance_) == 0) return;
  const bool may_crash = plan_.disk && plan_.disk->events_a_life != 0 && !calm_;
  if (crash_soon && may_crash)
    crash_at_ = std::min(crash_at_, loop_.ran() + person_chance_.below(12));
}

void World::replay_at_calm() {
  if (process_ && process_->replay_all()) return;
  loop_.after(seconds(1), [this] { replay_at_calm(); });
}

void World::crash() {
  if (plan_.person_every != Duration::zero() && person_chance_.one_in(4)) person(false);
  process_->die(shell_chance_.below(4) < plan_.disk->power_cuts);
  next_process();
}

void World::plan_disk_moods(std::size_t next) {
  const auto& changes = plan_.disk->changes;
  if (next == changes.size()) return;
  loop_.after(changes[next].after, [this, next] {
    if (calm_) return;
    disk_->set_mood(plan_.disk->changes[next].mood);
    trace_(loop_.now(), [&] { return fmt::format("the disk is now {}", name(disk_->mood())); });
    plan_disk_moods(next + 1);
  });
}

void World::plan_restart() {
  if (plan_.disk->restart_every == Duration::zero()) return;
  loop_.after(chance_.about(plan_.disk->restart_every) + seconds(1), [this] {
    if (calm_) return;
    if (process_ && !process_->stopping()) process_->stop(chance_.up_to(plan_.grace));
    plan_restart();
  });
}

void World::plan_moods(Seat& seat, std::size_t next) {
  const auto& changes = seat.plan.server.changes;
  if (next == changes.size()) return;
  loop_.after(changes[next].after, [this, &seat, next] {
    if (calm_) return;
    seat.server->set_mood(seat.plan.server.changes[next].mood);
    trace_(loop_.now(), [&] {
      return fmt::format("{} is now {}", seat.server->name(), name(seat.server->mood()));
    });
    plan_moods(seat, next + 1);
  });
}

/// The old key ends; Forager hears of the new one a little later.
void World::plan_rotation() {
  if (plan_.rotate_every == Duration::zero()) return;
  loop_.after(chance_.about(plan_.rotate_every) + seconds(1), [this] {
    if (calm_) return;
    const std::string key = fmt::format("own-{}", ++own_version_);
    for (Seat& seat : seats_) seat.server->set_own_key(key);
    trace_(loop_.now(), [&] { return "only " + key + " is good from now on"; });
    loop_.after(chance_.up_to(plan_.rotate_late), [this, key] {
      if (key != fmt::format("own-{}", own_version_)) return;  // overtaken by the next one
      trace_(loop_.now(), [&] { return "the key file says " + key; });
      if (process_) process_->new_own_key(key);
    });
    plan_rotation();
  });
}

void World::plan_jump() {
  if (plan_.jump_every == Duration::zero()) return;
  loop_.after(chance_.about(plan_.jump_every), [this] {
    if (calm_) return;
    wall_offset_ = chance_.up_to(hours(chance_.one_in(3) ? 100 : 2)) - hours(1);
    trace_(loop_.now(), [] { return "the wall clock jumps"; });
    plan_jump();
  });
}

/// The key of some app isn't taken for a while.
void World::plan_bars() {
  loop_.after(chance_.about(seconds(60)), [this] {
    if (calm_) return;
    Seat& seat = seats_[chance_.below(seats_.size())];
    seat.server->bar_app(static_cast<std::uint32_t>(chance_.between(1, plan_.apps)),
                         chance_.one_in(3));
    plan_bars();
  });
}

void World::traffic() {
  if (calm_) return;
  const std::uint64_t burst = chance_.one_in(12) ? chance_.between(2, 12) : 1;
  for (std::uint64_t i = 0; i < burst; ++i) request(false);
  loop_.after(chance_.about(plan_.traffic_every) * static_cast<Duration::rep>(burst),
              [this] { traffic(); });
}

void World::request(bool clean) {
  if (!process_) return;  // connection refused
  Order order;
  order.signal = otlp_signals[chance_.below(otlp_signals.size())];
  order.items = static_cast<std::uint32_t>(1 + chance_.below(chance_.one_in(6) ? 120 : 14));
  order.padding = plan_.body_scale * (chance_.one_in(25) ? 2500 : chance_.below(250));
  order.per_scope = static_cast<std::uint32_t>(1 + chance_.below(12));
  order.log_time = !chance_.one_in(4);
  const auto first = static_cast<Number>(truths_.size());
  std::string body = make_request(order, truths_);
  ++records_;
  for (std::size_t n = first; n < truths_.size(); ++n) truths_[n].record = records_;
  if (!clean && chance_.one_in(5)) mark_bad_ones(first);
  const bool with_key = chance_.one_in(2);
  auto app = with_key ? static_cast<std::uint32_t>(chance_.between(1, plan_.apps)) : 0;
  // after a restart what an app has sent waits until it sends its key again
  if (clean && disk_) app = records_ % (plan_.apps + 1);
  process_->offer(order.signal, app, std::move(body), first);
}

void World::mark_bad_ones(Number first) {
  const auto kind = chance_.one_in(3) ? Truth::Kind::boom : Truth::Kind::poison;
  const std::uint64_t many = chance_.one_in(5) ? chance_.between(2, 6) : 1;
  for (std::uint64_t i = 0; i < many; ++i) {
    truths_[first + chance_.below(truths_.size() - first)].kind = kind;
  }
}

/// Faults stop. Traffic goes on a little, as a 500 and a systemic refusal are only told from bad
/// data by what gets through.
void World::calm() {
  calm_ = true;
  calm_at_ = loop_.now();
  trace_(calm_at_, [] { return "faults are over"; });
  for (Seat& seat : seats_) seat.server->calm();
  if (disk_) disk_->calm();
  crash_at_ = UINT64_MAX;
  if (process_ && disk_ && plan_.disk->crash_at_calm) crash_at_ = loop_.ran();
  if (process_) process_->new_own_key(fmt::format("own-{}", own_version_));
  if (process_ && plan_.reseats) process_->release();
  if (plan_.replay_at_calm) replay_at_calm();
  trickle(seconds(2));
}

void World::trickle(Duration every) {
  if (!disk_ && process_->drained()) return;  // on disk a crash may still bring things back
  request(true);
  loop_.after(every,
              [this, every] { trickle(std::min<Duration>(every + every / 8, minutes(10))); });
}

void World::run_until_settled() {
  const auto held = [this] { return process_ ? process_->held() : std::string(); };
  while (true) {
    if (process_ && process_->stopped()) {
      if (!disk_) return;
      next_process();
    }
    if (process_ && loop_.ran() >= crash_at_) crash();
    if (calm_ && process_ && !process_->stopping() && process_->drained()) return;
    hold(!loop_.empty(), [&] { return "settling: held, and nobody means to send it\n" + held(); });
    loop_.run_one();
    if (process_) process_->check();
    hold(loop_.ran() < plan_.events_max, [&] { return "busy loop: too many events\n" + held(); });
    if (!calm_) continue;
    Time quiet = calm_at_;
    for (const Seat& seat : seats_) quiet = std::max(quiet, seat.witness->quiet_until());
    // a full journal in which each batch has an item that brings a 500: nothing can show that it
    // isn't the destination, until somebody mends that
    if (loop_.now() > quiet + hours(2)) {
      for (Seat& seat : seats_) seat.server->mend();
    }
    hold(loop_.now() < quiet + hours(4),
         [&] { return "settling: still held four hours after the faults stopped\n" + held(); });
  }
}

void World::run() {
  run_until_settled();
  process_->close();
  const std::uint64_t unanswered = records_of_.unanswered_items();
  for (const Seat& seat : seats_) {
    seat.witness->close(*seat.server, unanswered,
                        disk_ && (disk_->flips() != 0 || disk_->ever_troubled()));
  }
}

void World::each(Duration every, std::function<void()> look) {
  loop_.after(every, [this, every, look = std::move(look)] {
    if (calm_) return;
    look();
    each(every, look);
  });
}

Outcome World::outcome() const {
  Outcome outcome;
  outcome.events = loop_.ran();
  outcome.items = truths_.size();
  outcome.lasted = loop_.now().time_since_epoch() - hours(1);
  return outcome;
}

Outcome run_schedule(std::uint64_t seed, bool verbose) {
  const Plan plan = plan_of(seed);
  if (verbose) fmt::print("{}", describe(plan));
  World world(plan, verbose);
  std::string broken;
  try {
    world.run();
  } catch (const std::exception& e) {
    broken = e.what();
  }
  Outcome outcome = world.outcome();
  outcome.broken = std::move(broken);
  return outcome;
}

}  // namespace forager::sim
