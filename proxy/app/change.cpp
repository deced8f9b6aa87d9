// What a person asks of the journal through the admin port (forager journal drop, release, replay).
#include <chrono>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "app/app.h"
#include "base/json_writer.h"
#include "journal/quarantine_change.h"

namespace forager::app {
namespace {

/// Of one answer; one entry may be more.
constexpr std::size_t answer_enough = std::size_t{1} << 20U;

}  // namespace

std::string App::quarantined_after(std::uint64_t number) const {
  std::string lines;
  if (!quarantine_.numbered()) return lines;
  const Time now = std::chrono::steady_clock::now();
  const WallTime wall = std::chrono::system_clock::now();
  for (const auto& kept : quarantine_.kept()) {
    if (kept.number <= number) continue;
    const auto age = std::chrono::duration_cast<WallTime::duration>(now - kept.what.when);
    lines += journal::quarantine_line(kept, wall - age);
    if (lines.size() >= answer_enough) break;
  }
  return lines;
}

Result<std::string> App::change_quarantined(const admin::QuarantineChange& change) {
  if (journal_.recovering()) {
    return fault("what an earlier run left is still being read; try again in a moment");
  }
  journal::QuarantineAsk ask;
  ask.destination = change.destination;
  ask.numbers = change.numbers;
  ask.after = change.after;
  const Time now = std::chrono::steady_clock::now();
  const WallTime wall = std::chrono::system_clock::now();
  const journal::QuarantineDone done =
      change.replay
          ? journal::replay_quarantined(journal_, quarantine_, budget_, ask, wall, now)
          : journal::drop_quarantined(journal_, quarantine_, ask, ledger::Reason::given_up);
  if (done.entries != 0) {
    spdlog::warn("quarantine: {} entries with {} items {}", done.entries, done.items,
                 change.replay ? "are sent again" : "were given up");
  }
  return journal::as_json(done);
}

Result<std::string> App::change_journal(const admin::JournalChange& change) {
  const Time now = std::chrono::steady_clock::now();
  std::string known;
  for (journal::CursorId id = 0; id < journal_.cursors(); ++id) {
    const std::string& name = journal_.cursor_name(id);
    known += (known.empty() ? "" : ", ") + name;
    if (name != change.destination) continue;
    if (change.release && !journal_.is_removed(id)) {
      return fault(name +
                   " is still configured; take it out of FORAGER_DESTINATIONS and start again, or "
                   "use forager journal drop");
    }
    if (change.release && journal_.recovering()) {
      return fault("what an earlier run left is still being read; try again in a moment");
    }
    const WallTime before = change.before.value_or(WallTime::max());
    const auto reason =
        change.release ? ledger::Reason::destination_removed : ledger::Reason::given_up;
    journal::Released gone;
    if (change.release) {
      gone = journal::release_destination(journal_, quarantine_, id, before, now);
    } else {
      gone.held = journal_.give_up(id, before, reason, now);
    }
    log_expiries();
    JsonWriter json;
    json.begin_object().member("destination", name);
    json.member("reason", ledger::facts(reason).label);
    json.member("records", gone.held.records).member("items", gone.held.items);
    if (change.release) {
      json.member("quarantined_items", gone.quarantined.items);
      json.member("waiting", gone.quarantined.waiting).member("forgotten", gone.forgotten);
    }
    json.member("in_flight_items", gone.held.in_flight).end_object();
    return json.take() + "\n";
  }
  return fault("there is no destination of that name; there are " +
               (known.empty() ? "none" : known));
}

}  // namespace forager::app
