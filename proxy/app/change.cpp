// What a person asks of the journal through the admin port (forager journal drop, release).
#include <chrono>

#include <fmt/format.h>

#include "app/app.h"
#include "base/iso_time.h"
#include "base/json_writer.h"
#include "otlp/json_out.h"

namespace forager::app {
namespace {

/// Of one answer; one entry may be more.
constexpr std::size_t answer_enough = std::size_t{1} << 20U;

std::string line_of(const journal::Quarantine::Kept& kept) {
  const journal::Quarantined& what = kept.what;
  JsonWriter json;
  json.begin_object().member("number", kept.number).member("destination", what.destination);
  json.member("signal", facts(what.signal).name).member("position", what.position);
  json.member("items", what.last - what.first).member("arrived", iso_time(what.arrived));
  json.member("why", what.why);
  json.key("request").raw(otlp::protobuf_to_json(what.signal, what.bytes.view())).end_object();
  return json.take() + "\n";
}

}  // namespace

std::string App::quarantined_after(std::uint64_t number) const {
  std::string lines;
  for (const auto& kept : quarantine_.kept()) {
    if (kept.number <= number) continue;
    lines += line_of(kept);
    if (lines.size() >= answer_enough) break;
  }
  return lines;
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
    const auto reason =
        change.release ? ledger::Reason::destination_removed : ledger::Reason::given_up;
    const journal::GivenUp gone =
        journal_.give_up(id, change.before.value_or(WallTime::max()), reason, now);
    log_expiries();
    JsonWriter json;
    json.begin_object().member("destination", name);
    json.member("reason", ledger::facts(reason).label);
    json.member("records", gone.records).member("items", gone.items);
    json.member("in_flight_items", gone.in_flight).end_object();
    return json.take() + "\n";
  }
  return fault("there is no destination of that name; there are " +
               (known.empty() ? "none" : known));
}

}  // namespace forager::app
