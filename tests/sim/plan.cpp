#include "sim/plan.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace forager::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

std::vector<Change> changes_of(Chance& chance, Duration until) {
  std::vector<Change> changes;
  const Duration mean = chance.one_in(3) ? Duration(seconds(3)) : Duration(seconds(40));
  Duration at{};
  while (at < until && changes.size() < 60) {
    const Mood mood = chance.one_in(3) ? Mood::well : static_cast<Mood>(chance.below(mood_count));
    const Duration after = chance.about(mean);
    changes.push_back({after, mood});
    at += after;
  }
  return changes;
}

PartyPlan party_of(Chance& chance, PartyPlan::Kind kind, Duration faults_last, std::size_t scale) {
  PartyPlan party;
  party.kind = kind;
  party.request_bytes = scale * (chance.one_in(4) ? 3'000 : 8'000 + chance.below(30'000));
  if (kind == PartyPlan::Kind::strict) {
    if (chance.one_in(2)) party.request_items = static_cast<std::uint32_t>(chance.between(1, 60));
    if (chance.one_in(2)) party.item_bytes = scale * chance.between(400, 2000);
  }
  if (chance.one_in(3)) party.takes[chance.below(otlp_signals.size())] = false;
  party.real_codec = chance.one_in(25);
  exporter::DeliveryConfig& delivery = party.delivery;
  delivery.concurrency = static_cast<std::uint32_t>(chance.between(1, 6));
  delivery.linger = milliseconds(chance.below(400));
  if (chance.one_in(4)) delivery.batch_bytes = party.request_bytes / 2;
  constexpr std::array codecs{destination::Codec::zstd, destination::Codec::gzip,
                              destination::Codec::none};
  if (chance.one_in(2)) delivery.codec = chance.of(codecs);
  delivery.breaker_failures = static_cast<std::uint32_t>(chance.between(2, 6));
  ServerPlan& server = party.server;
  server.changes = changes_of(chance, faults_last);
  constexpr std::array latencies{1, 20, 150, 900};
  server.latency = milliseconds(chance.of(latencies));
  server.takes_zstd = !chance.one_in(4);
  server.poison = !chance.one_in(3);
  server.boom = !chance.one_in(3);
  if (chance.one_in(5)) server.hidden_limit = party.request_bytes / chance.between(2, 8);
  return party;
}

/// Of a generator of its own, so that seeds of the memory journal keep their meaning.
DiskPlan disk_of(Chance& chance, const Plan& plan) {
  DiskPlan disk;
  disk.bytes_max = chance.between(70'000, 600'000) * plan.body_scale;
  disk.segment_bytes = (disk.bytes_max / 16 + 4095) / 4096 * 4096;
  constexpr std::array latencies{1, 1, 5, 40};
  disk.latency = milliseconds(chance.of(latencies));
  const Duration mean = chance.one_in(3) ? Duration(seconds(3)) : Duration(seconds(30));
  for (Duration at{}; at < plan.faults_last && disk.changes.size() < 60;) {
    const DiskMood mood =
        chance.one_in(2) ? DiskMood::well : static_cast<DiskMood>(chance.below(disk_mood_count));
    disk.changes.push_back({chance.about(mean), mood});
    at += disk.changes.back().after;
  }
  if (chance.one_in(3)) disk.changes.clear();
  disk.rots = chance.one_in(8);
  if (!chance.one_in(4)) disk.events_a_life = chance.between(20, 400);
  disk.crash_at_calm = chance.one_in(2);
  disk.power_cuts = chance.below(5);
  if (chance.one_in(3)) disk.restart_every = seconds(chance.between(10, 400));
  return disk;
}

/// What came later to the simulator, of a generator of its own too.
void extend(Plan& plan) {
  Chance chance(plan.seed * 0xbf58476d1ce4e5b9U + 13);
  plan.ack_delivered = chance.one_in(5);
  if (!plan.disk) return;
  switch (chance.below(6)) {
    case 0:
      plan.reseats = plan.parties.size() > 1;
      break;
    case 1:
      plan.disk->damages = chance.between(1, 4);
      break;
    case 2:
      plan.disk->read_errors = chance.between(2, 12);
      plan.disk->damages = chance.below(3);
      break;
    default:
      return;
  }
  plan.release_at_calm = chance.one_in(2);
  // only a process that finds what another one left shows anything
  if (plan.disk->events_a_life == 0) plan.disk->events_a_life = chance.between(20, 400);
}

/// What is in quarantine, and who looks into it.
void add_person(Plan& plan) {
  Chance chance(plan.seed * 0xd6e8feb86659fd93U + 17);
  constexpr std::size_t share = 8;  // as App has it
  plan.quarantine_bytes = std::min(plan.journal.bytes_max, plan.budget / 2) / share;
  if (chance.one_in(4)) plan.quarantine_bytes = chance.between(500, 4000) * plan.body_scale;
  if (chance.one_in(4)) return;
  plan.person_every = seconds(chance.one_in(2) ? chance.between(1, 10) : chance.between(10, 200));
  plan.replay_at_calm = chance.one_in(2);
}

void put_on_disk(Plan& plan) {
  Chance chance(plan.seed * 0x94d049bb133111ebU + 7);
  if (chance.one_in(3)) return;
  plan.disk = disk_of(chance, plan);
  plan.shutdown = false;
  plan.journal.bytes_max = plan.disk->bytes_max;
  // what waits to be sent again keeps its encoded bodies: below that nothing could come in
  std::size_t least = 40'000 * plan.body_scale;
  for (const PartyPlan& party : plan.parties) {
    least += party.delivery.concurrency * party.request_bytes;
  }
  plan.budget = std::max(plan.disk->bytes_max / chance.between(1, 6), least);
}

}  // namespace

std::string_view name(Mood mood) {
  constexpr std::array<std::string_view, mood_count> names{
      "well",    "slow",         "unreachable", "resets",   "hangs",     "busy",     "failing",
      "gateway", "unauthorised", "misplaced",   "refusing", "rejecting", "mumbling", "mixed"};
  return names[static_cast<std::size_t>(mood)];
}

std::string_view name(DiskMood mood) {
  constexpr std::array<std::string_view, disk_mood_count> names{"well",    "slow",   "full",
                                                                "failing", "broken", "unreadable"};
  return names[static_cast<std::size_t>(mood)];
}

Plan plan_of(std::uint64_t seed) {
  Chance chance(seed * 0x9e3779b97f4a7c15U + 1);
  Plan plan;
  plan.seed = seed;
  plan.faults_last = seconds(chance.one_in(4) ? chance.between(600, 2400) : chance.between(5, 300));
  const std::uint64_t records = chance.between(5, chance.one_in(6) ? 250 : 80);
  plan.traffic_every = plan.faults_last / static_cast<Duration::rep>(records);
  plan.body_scale = chance.one_in(60) ? 16 : 1;
  const std::size_t full = chance.between(15'000, 400'000) * plan.body_scale;
  plan.journal.bytes_max = full;
  plan.journal.expire_when_full = chance.one_in(2);
  plan.journal.retention =
      chance.one_in(3) ? Duration(seconds(chance.between(20, 1500))) : Duration::zero();
  plan.budget = chance.one_in(4) ? full * 3 / 4 : full * 4;
  constexpr std::array policies{config::KeyPolicy::replace, config::KeyPolicy::if_missing,
                                config::KeyPolicy::pass_through};
  plan.key_policy = chance.of(policies);
  plan.apps = static_cast<std::uint32_t>(chance.between(1, 4));
  if (chance.one_in(3)) plan.rotate_every = seconds(chance.between(20, 600));
  plan.rotate_late = chance.up_to(seconds(chance.one_in(2) ? 5 : 120));
  if (chance.one_in(4)) plan.jump_every = seconds(chance.between(10, 300));
  plan.shutdown = chance.one_in(4);
  plan.grace = chance.up_to(seconds(40));
  using Kind = PartyPlan::Kind;
  constexpr std::array kinds{Kind::honeycomb, Kind::strict, Kind::hive};
  const std::uint64_t count = chance.between(1, 3);
  const std::uint64_t first = chance.below(2);
  for (std::uint64_t i = 0; i < count; ++i) {
    plan.parties.push_back(
        party_of(chance, kinds[(first + i) % kinds.size()], plan.faults_last, plan.body_scale));
  }
  put_on_disk(plan);
  extend(plan);
  add_person(plan);
  return plan;
}

std::string describe(const Plan& plan) {
  const auto in_seconds = [](Duration d) { return std::chrono::duration<double>(d).count(); };
  std::string text = fmt::format(
      "seed {}: faults for {:.0f} s, a request each {:.2f} s, journal {} bytes, budget {}, "
      "on_full {}, retention {:.0f} s, key policy {}, {} apps, rotation each {:.0f} s, {}{}{}\n",
      plan.seed, in_seconds(plan.faults_last), in_seconds(plan.traffic_every),
      plan.journal.bytes_max, plan.budget, plan.journal.expire_when_full ? "expire" : "refuse",
      in_seconds(plan.journal.retention), static_cast<int>(plan.key_policy), plan.apps,
      in_seconds(plan.rotate_every), plan.shutdown ? "ends in a shutdown" : "settles",
      plan.ack_delivered ? ", answers when delivered" : "",
      !plan.reseats          ? ""
      : plan.release_at_calm ? ", destinations come and go, and are released"
                             : ", destinations come and go, and come back");
  text += fmt::format("  quarantine {} bytes; a person each {:.0f} s{}\n", plan.quarantine_bytes,
                      in_seconds(plan.person_every),
                      plan.replay_at_calm ? ", and sends all again in the end" : "");
  if (plan.disk) {
    const DiskPlan& d = *plan.disk;
    text += fmt::format(
        "  disk: {} bytes in segments of {}, {:.3f} s a job, {} changes, rots {}, {} of 4 "
        "restarts find damage, read errors 1 in {}, {} events a life, "
        "crash at calm {}, {} of 4 crashes cut the power, restart each {:.0f} s\n",
        d.bytes_max, d.segment_bytes, in_seconds(d.latency), d.changes.size(), d.rots, d.damages,
        d.read_errors, d.events_a_life, d.crash_at_calm, d.power_cuts, in_seconds(d.restart_every));
  }
  for (const PartyPlan& p : plan.parties) {
    text += fmt::format(
        "  destination kind {}: request {} bytes, {} items, item {} bytes; concurrency {}, "
        "linger {:.3f} s; latency {:.3f} s, zstd {}, poison {}, boom {}, hidden limit {}\n",
        static_cast<int>(p.kind), p.request_bytes, p.request_items, p.item_bytes,
        p.delivery.concurrency, in_seconds(p.delivery.linger), in_seconds(p.server.latency),
        p.server.takes_zstd, p.server.poison, p.server.boom, p.server.hidden_limit);
  }
  return text;
}

}  // namespace forager::sim
