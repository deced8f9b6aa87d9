#include "sim/outage.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <exception>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "sim/world.h"

namespace forager::sim {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::size_t MiB = std::size_t{1} << 20U;
constexpr Duration before = minutes(10);
constexpr Duration outage = hours(1);
constexpr Duration after = minutes(10);
constexpr std::size_t well = 0;  ///< seats
constexpr std::size_t away = 1;

double seconds_of(Duration d) { return std::chrono::duration<double>(d).count(); }

PartyPlan party(PartyPlan::Kind kind) {
  PartyPlan made;
  made.kind = kind;
  made.request_bytes = MiB / 2;
  made.server.latency = milliseconds(20);
  made.server.steady = true;
  made.server.loses = 0;
  made.server.poison = made.server.boom = false;
  return made;
}

/// Four requests a second, and destinations that are well but for that hour.
Plan plan_of_outage(std::uint64_t seed, std::optional<Mood> mood) {
  Plan plan;
  plan.seed = seed;
  plan.faults_last = before + outage + after;
  plan.traffic_every = milliseconds(250);
  plan.events_max = 4'000'000;
  plan.body_scale = 1;
  plan.apps = 1;
  plan.budget = 12 * MiB;
  plan.journal.bytes_max = 2048 * MiB;
  plan.parties = {party(PartyPlan::Kind::honeycomb), party(PartyPlan::Kind::strict)};
  if (mood) plan.parties[away].server.changes = {{before, *mood}, {outage, Mood::well}};
  DiskPlan disk;
  disk.bytes_max = plan.journal.bytes_max;
  disk.segment_bytes = 4 * MiB;
  disk.latency = milliseconds(1);
  plan.disk = disk;
  return plan;
}

struct Figures {
  std::vector<Duration> latencies;  ///< of the destination that is well, within the hour
  std::size_t memory = 0;           ///< most
  std::size_t held_bytes = 0;       ///< most, for the one that is away
  std::uint64_t held_records = 0;
  Duration returned{};   ///< from the end of the outage to the first delivery
  Duration caught_up{};  ///< from there until no more is held than in a second before
  std::string broken;
  Duration latency(double share) const {
    return latencies[static_cast<std::size_t>(share * static_cast<double>(latencies.size() - 1))];
  }
};

Figures run(std::uint64_t seed, std::optional<Mood> mood) {
  const Plan plan = plan_of_outage(seed, mood);
  World world(plan, false);
  Figures made;
  const Time begun = world.now();
  const Time ends = begun + before + outage;
  std::optional<Time> first;
  std::uint64_t usual = 0;
  bool caught_up = false;
  world.seat(well).witness->on_confirmed([&](const Truth& truth, Time now) {
    if (truth.accepted_at < begun + before || truth.accepted_at >= ends) return;
    made.latencies.push_back(now - truth.accepted_at);
  });
  world.seat(away).witness->on_confirmed([&](const Truth& /*truth*/, Time now) {
    if (now >= ends && !first) first = now;
  });
  world.each(milliseconds(100), [&] {
    const Time now = world.now();
    const journal::Held held = world.process().held_by(away);
    made.memory = std::max(made.memory, world.process().memory());
    made.held_bytes = std::max(made.held_bytes, held.bytes);
    made.held_records = std::max(made.held_records, held.records);
    if (now < begun + before) usual = std::max(usual, held.records);
    if (!first || caught_up || held.records > usual) return;
    caught_up = true;
    made.returned = *first - ends;
    made.caught_up = now - *first;
  });
  try {
    world.run();
    hold(caught_up, "the backlog is not gone ten minutes after the outage");
  } catch (const std::exception& e) {
    made.broken = e.what();
  }
  std::sort(made.latencies.begin(), made.latencies.end());
  return made;
}

bool check(bool good, const std::string& words) {
  if (!good) fmt::print("BROKEN: {}\n", words);
  return good;
}

/// Without and with the outage the apps send the same at the same time.
bool compare(const Figures& usual, const Figures& with, std::size_t budget, Duration wait_most) {
  constexpr std::array shares{0.5, 0.99, 0.999};
  bool good = true;
  for (const double share : shares) {
    const double is = seconds_of(with.latency(share));
    const double was = seconds_of(usual.latency(share));
    good &= check(std::abs(is - was) <= 0.05 * was + 0.002,
                  fmt::format("the other destination's latency at {} was {:.3f} s, is {:.3f} s",
                              share, was, is));
  }
  good &= check(with.latencies.size() == usual.latencies.size(), "other items were delivered");
  // the bodies of four requests are read back and encoded whatever the budget says
  good &= check(with.memory <= budget + 4 * MiB,
                fmt::format("{} bytes of memory, over the budget of {}", with.memory, budget));
  good &= check(with.held_bytes > 2 * budget, "the backlog would fit into memory");
  good &= check(with.returned <= wait_most, "it takes too long to see that it is back");
  // four requests of half a MiB in flight, 20 ms each, after a slow start
  const double rate = static_cast<double>(with.held_bytes) / seconds_of(with.caught_up);
  good &= check(rate >= 25.0 * static_cast<double>(MiB), "the backlog leaves slowly");
  return good;
}

}  // namespace

int run_outage(std::uint64_t seed) {
  struct Way {
    Mood mood;
    Duration wait_most;  ///< until the first delivery
  };
  constexpr std::array ways{Way{Mood::unreachable, seconds(60)}, Way{Mood::hangs, seconds(90)},
                            Way{Mood::unauthorised, seconds(31)}, Way{Mood::failing, seconds(60)}};
  const std::size_t budget = plan_of_outage(seed, std::nullopt).budget;
  const Figures usual = run(seed, std::nullopt);
  if (!check(usual.broken.empty(), usual.broken)) return 1;
  const auto print = [](std::string_view what, const Figures& f) {
    fmt::print("{:<13} p50 {:.3f} s, p99 {:.3f} s, p99.9 {:.3f} s; memory at most {:.1f} MiB", what,
               seconds_of(f.latency(0.5)), seconds_of(f.latency(0.99)),
               seconds_of(f.latency(0.999)), static_cast<double>(f.memory) / MiB);
  };
  fmt::print("two destinations, one away for an hour of virtual time; the other one's latency:\n");
  print("both well", usual);
  fmt::print("\n");
  bool good = true;
  for (const Way& way : ways) {
    const Figures with = run(seed, way.mood);
    if (!check(with.broken.empty(), with.broken)) return 1;
    print(name(way.mood), with);
    fmt::print("; {} records, {:.1f} MiB held, back after {:.1f} s, gone {:.1f} s later\n",
               with.held_records, static_cast<double>(with.held_bytes) / MiB,
               seconds_of(with.returned), seconds_of(with.caught_up));
    good &= compare(usual, with, budget, way.wait_most);
  }
  return good ? 0 : 1;
}

}  // namespace forager::sim
