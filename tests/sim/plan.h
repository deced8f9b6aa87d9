// What one seed means: how the process is configured, what the apps send, how the destinations
// behave and when, and how it ends. All of it is drawn before the schedule runs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "export/delivery.h"
#include "journal/journal.h"
#include "sim/chance.h"

namespace forager::sim {

/// How a destination answers for a while.
enum class Mood : std::uint8_t {
  well,
  slow,          ///< seconds
  unreachable,   ///< connections refused
  resets,        ///< some cut before, some after the request was taken
  hangs,         ///< no answer: the timeout ends it
  busy,          ///< 429 and 503, with Retry-After or RateLimit in all their forms
  failing,       ///< 500
  gateway,       ///< 502 and 504; some of them after the request was taken
  unauthorised,  ///< 401, 403
  misplaced,     ///< 404, 405, 407, 415, 3xx, 501
  refusing,      ///< 400, whatever is sent
  rejecting,     ///< partial success
  mumbling,      ///< 200 with a body that is no answer
  mixed,         ///< any of these, anew for each request
};
inline constexpr std::uint64_t mood_count = 14;
std::string_view name(Mood mood);

struct Change {
  Duration after{};  ///< since the one before
  Mood mood = Mood::well;
};

struct ServerPlan {
  std::vector<Change> changes;
  Duration latency = std::chrono::milliseconds(20);  ///< mean of the answer's
  bool steady = false;                               ///< always that latency
  bool takes_zstd = true;
  bool poison = true;            ///< 400 for a poison item
  bool boom = true;              ///< 500 for a boom item
  std::size_t hidden_limit = 0;  ///< raw bytes, else 413 or 400 "too large"; 0: none
  std::uint64_t loses = 25;      ///< one in so many answers, whatever the mood; 0: none
};

struct PartyPlan {
  enum class Kind : std::uint8_t { honeycomb, strict, hive };
  Kind kind = Kind::honeycomb;
  std::size_t request_bytes = 20'000;
  std::uint32_t request_items = UINT32_MAX;  ///< strict only, as is the next
  std::size_t item_bytes = SIZE_MAX;
  std::array<bool, signal_count> takes{true, true, true};
  bool real_codec = false;  ///< bodies are really compressed
  exporter::DeliveryConfig delivery;
  ServerPlan server;
};

/// How the disk behaves for a while.
enum class DiskMood : std::uint8_t {
  well,
  slow,        ///< seconds a commit
  full,        ///< no new segment
  failing,     ///< one call in four
  broken,      ///< every write and sync
  unreadable,  ///< bodies can't be read back
};
inline constexpr std::uint64_t disk_mood_count = 6;
std::string_view name(DiskMood mood);

struct DiskChange {
  Duration after{};  ///< since the one before
  DiskMood mood = DiskMood::well;
};

struct DiskPlan {
  std::size_t bytes_max = 0;
  std::size_t segment_bytes = 0;
  Duration latency{};  ///< mean, of a job of the disk thread
  std::vector<DiskChange> changes;
  bool rots = false;                ///< a body read back may have a wrong bit
  std::uint64_t damages = 0;        ///< of 4 restarts, so many find a damaged segment
  std::uint64_t read_errors = 0;    ///< one in so many reads of a whole segment fails; 0: none
  std::uint64_t events_a_life = 0;  ///< mean; zero: no crash before the faults stop
  bool crash_at_calm = false;
  std::uint64_t power_cuts = 0;  ///< of 4 crashes, so many cut the power
  Duration restart_every{};      ///< SIGTERM and a new process; zero: never
};

struct Plan {
  std::uint64_t seed = 0;
  Duration faults_last{};  ///< traffic and faults until then
  Duration traffic_every{};
  std::size_t body_scale = 1;  ///< of paddings
  std::size_t budget = 0;
  std::size_t quarantine_bytes = 0;
  journal::JournalConfig journal;
  config::KeyPolicy key_policy = config::KeyPolicy::replace;
  std::uint32_t apps = 0;              ///< with keys of their own
  Duration rotate_every{};             ///< own key; zero: never
  Duration rotate_late{};              ///< how much later Forager hears of the new one
  Duration jump_every{};               ///< wall clock; zero: never
  bool shutdown = false;               ///< ends with a drain and what it doesn't reach is lost
  Duration grace{};                    ///< of the shutdown
  std::uint64_t events_max = 400'000;  ///< more is a busy loop
  bool ack_delivered = false;          ///< FORAGER_ACK=delivered
  bool reseats = false;                ///< destinations come and go from process to process
  bool release_at_calm = false;  ///< those that are gone then are given up, else they come back
  Duration person_every{};       ///< that looks into the quarantine; zero: nobody does
  bool replay_at_calm = false;   ///< all that is in quarantine then is sent again
  std::vector<PartyPlan> parties;
  std::optional<DiskPlan> disk;  ///< nullopt: the memory journal
};

Plan plan_of(std::uint64_t seed);
std::string describe(const Plan& plan);

}  // namespace forager::sim
