// What the admin pages show, as plain values that app fills in when asked. Nothing here can hold a
// secret: no header, no key, no body.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ledger.h"
#include "base/result.h"
#include "base/time.h"

namespace forager::admin {

/// Where the process is in its life. /readyz is 200 for `serving` alone: it says "the listeners are
/// bound and stay", and nothing about destinations, keys or disks (DESIGN, readiness).
enum class Phase : std::uint8_t { starting, serving, draining };
std::string_view name(Phase phase);

struct ListenerStatus {
  std::string protocol;  ///< "otlp/http", "otlp/grpc", "admin"
  std::string address;   ///< as bound: "127.0.0.1:4318", "unix:/run/forager.sock"
};

/// What is open at a receiver, on all its addresses together.
struct ReceiverStatus {
  std::string protocol;
  std::optional<std::uint32_t> open_connections;  ///< nullopt: gRPC keeps them to itself
  std::uint32_t open_requests = 0;
};

/// How often something was answered with `code` since the start.
struct CodeCount {
  std::string by;    ///< protocol of a receiver, or name of a destination
  std::string code;  ///< "200", "UNAVAILABLE"; "none" for no answer
  std::uint64_t count = 0;
};

struct DestinationStatus {
  std::string name;
  std::string state;  ///< "sending", "idle", "backing off", "parked", "removed": one word or two,
                      ///< for people and as a label
  std::optional<WallTime> since;  ///< when it came into that state
  std::string last_error;         ///< empty: none since the start; stays after a success
  std::optional<WallTime> last_error_at;
  std::optional<WallTime> last_success_at;
  std::uint64_t held_items = 0;
  std::uint64_t held_bytes = 0;
  std::optional<Duration> oldest_age;       ///< of what is held
  std::uint32_t in_flight = 0;              ///< requests
  std::uint64_t learned_request_bytes = 0;  ///< after a 413; 0: the destination's own limit holds
  std::string codec;                        ///< "zstd", "gzip", "none": what is sent now
  std::uint64_t quarantined_items = 0;
  std::uint64_t refused_keys = 0;  ///< of apps: their data waits, the rest goes on
  std::uint64_t unknown_keys = 0;  ///< of apps, sent before a restart: until a request brings them
  std::uint64_t retries = 0;
};

/// Items kept aside for a person; the bytes themselves are not shown here.
struct QuarantinedStatus {
  std::uint64_t number = 0;  ///< for `forager journal`; 0: it has none yet
  std::string destination;
  std::string signal;
  std::uint64_t position = 0;
  std::uint32_t first_item = 0;  ///< of the record: [first, last)
  std::uint32_t last_item = 0;
  WallTime arrived{};
  std::string why;  ///< the destination's words
};

struct Status {
  std::string version;
  Phase phase = Phase::starting;
  WallTime now{};
  Duration uptime{};
  std::string journal_kind;  ///< "disk" or "memory"
  std::string journal_directory;
  bool journal_recovering = false;  ///< an earlier run's records are still being found
  std::uint64_t journal_bytes = 0;
  std::uint64_t journal_limit = 0;
  std::uint64_t memory_used = 0;
  std::uint64_t memory_limit = 0;
  std::uint64_t resident_bytes = 0;  ///< resident_bytes() of admin/process.h
  std::vector<std::string>
      warnings;  ///< standing ones: memory journal, a removed destination with data, ...
  std::vector<ListenerStatus> listeners;
  std::vector<ReceiverStatus> receivers;
  std::vector<DestinationStatus> destinations;
  std::vector<QuarantinedStatus> quarantined;  ///< newest first, at most 100
  std::vector<CodeCount> received;             ///< requests of apps by receiver and answer
  std::vector<CodeCount> sent;                 ///< requests to destinations by answer
};

/// What a person asks of the journal: POST /journal/drop, /journal/release.
struct JournalChange {
  bool release = false;  ///< all that a destination holds which isn't configured any more
  std::string destination;
  std::optional<WallTime> before;  ///< only what arrived before that
};

/// What a person does with the quarantine: POST /journal/quarantined/replay, .../drop.
struct QuarantineChange {
  bool replay = false;                 ///< sent again; else given up
  std::string destination;             ///< empty: of all
  std::vector<std::uint64_t> numbers;  ///< empty: all
  std::uint64_t after = 0;             ///< only those behind it
};

/// Called on the io thread, once a request. `recent`, `quarantined`, `change` and
/// `change_quarantined` may be empty.
struct AdminSource {
  std::function<Phase()> phase;
  std::function<Status()> status;
  std::function<const ledger::Ledger&()> ledger;
  ledger::HeldItems held;
  /// GET /hive/recent with its query; a fault is a 400. Empty: there is no hive, 404.
  std::function<Result<std::string>(std::string_view query)> recent;
  /// Quarantined items behind that number, one JSON object a line, some at a time; none: empty.
  /// Empty: 404.
  std::function<std::string(std::uint64_t after)> quarantined;
  /// Returns JSON of what was booked; a fault is a 409. Empty: 404.
  std::function<Result<std::string>(const JournalChange& change)> change;
  /// The same; some at a time.
  std::function<Result<std::string>(const QuarantineChange& change)> change_quarantined;
};

}  // namespace forager::admin
