// `forager journal drop` and `release`: a person gives up what is held. A running Forager does it
// itself, asked at its admin port; for a stopped one its journal is opened, changed and synced
// here.
#include "tools/change.h"

#include <chrono>
#include <limits>
#include <random>

#include <fmt/format.h>

#include "admin/plain_http.h"
#include "base/iso_time.h"
#include "base/json_writer.h"
#include "config/values.h"
#include "journal/commit.h"
#include "journal/posix_files.h"
#include "journal/quarantine_change.h"
#include "tools/before.h"
#include "tools/quarantine.h"
#include "tools/running.h"

namespace forager::tools {
namespace {

using config::Printed;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using std::chrono::system_clock;

struct Change {
  bool release = false;
  std::string destination;
  std::optional<WallTime> before;
};

constexpr std::chrono::seconds answer_limit{20};

Printed ask_running(const Call& call, const Change& change) {
  std::string target =
      fmt::format("/journal/{}?destination={}", change.release ? "release" : "drop",
                  percent_encoded(change.destination));
  if (change.before) target += fmt::format("&before={}", unix_nanos(*change.before));
  auto answer = post_running(call, target);
  if (!answer) return failed(answer.error().what);
  return {*std::move(answer), "", config::ExitCode::ok};
}

/// So that nothing is hidden: what is damaged must be booked as lost by a run of Forager first.
bool damaged(const Stored& stored) {
  for (const SegmentFacts& segment : stored.segments()) {
    if (!segment.news.empty()) return true;
  }
  return false;
}

Result<void> sync_all(Stored& stored) {
  journal::Journal& journal = stored.journal();
  Time now = steady_clock::now();
  constexpr int rounds = 64;
  for (int i = 0; i < rounds && journal.disk_trouble().empty(); ++i) {
    now += milliseconds(200);  // longer than a settled range waits for company
    while (auto commit = journal.take_commit(now)) {
      journal.committed(journal::run_commit(stored.files(), std::move(*commit)), now);
    }
    if (journal.synced()) return {};
  }
  const std::string& why = journal.disk_trouble();
  return fault("nothing was changed: " + (why.empty() ? std::string("it can't be synced") : why));
}

Printed change_stopped(const Call& call, const Change& change) {
  const auto reason =
      change.release ? ledger::Reason::destination_removed : ledger::Reason::given_up;
  journal::Released gone;
  Result<journal::CursorId> cursor = fault("not looked for");
  auto changed = change_stored(call, [&](Stored& stored) {
    cursor = stored.find(change.destination);
    if (!cursor) return false;
    const WallTime before = change.before.value_or(WallTime::max());
    const Time now = steady_clock::now();
    if (change.release) {
      gone =
          journal::release_destination(stored.journal(), stored.quarantine(), *cursor, before, now);
      return true;
    }
    gone.held = stored.journal().give_up(*cursor, before, reason, now);
    return gone.held.records != 0;
  });
  if (!changed) return failed(changed.error().what);
  if (!cursor) return failed(cursor.error().what);
  JsonWriter json;
  json.begin_object().member("destination", change.destination);
  json.member("reason", ledger::facts(reason).label);
  json.member("records", gone.held.records).member("items", gone.held.items);
  if (change.release) {
    json.member("quarantined_items", gone.quarantined.items);
    json.member("waiting", gone.quarantined.waiting).member("forgotten", gone.forgotten);
  }
  json.member("in_flight_items", gone.held.in_flight).end_object();
  return {json.take() + "\n", "", config::ExitCode::ok};
}

/// What would go, for who hasn't said --yes.
Printed preview(Call& call, const Change& change) {
  const auto cursor = call.stored.find(change.destination);
  if (!cursor) return failed(cursor.error().what);
  std::uint64_t records = 0;
  std::uint64_t items = 0;
  for (const journal::Position position : call.stored.journal().held_positions(*cursor)) {
    if (change.before && call.stored.journal().find(position)->arrived >= *change.before) continue;
    ++records;
    items += call.stored.journal().remaining(*cursor, position);
  }
  return usage(
      fmt::format("{} records with {} items, held for {}, would be given up for good; nothing was "
                  "done. Write it "
                  "again with --yes to do it",
                  records, items, change.destination));
}

Printed carry_out(Call& call, const Change& change) {
  if (!call.with.yes) return preview(call, change);
  return call.place.holder ? ask_running(call, change) : change_stopped(call, change);
}

}  // namespace

std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.';
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

Result<std::string> post_running(const Call& call, const std::string& target) {
  const config::Listen& at = call.settings.admin;
  if (!can_ask(at)) {
    return fault(
        "a Forager has this journal open, and its admin port is off or has no fixed number; set "
        "--admin-listen to where it listens, or stop it first");
  }
  admin::PlainRequest request;
  request.method = "POST";
  request.target = target;
  auto answer = admin::plain_exchange(address_of(at), request, answer_limit);
  if (!answer) {
    return fault(answer.error().what +
                 ": a Forager has this journal open; --admin-listen must say where it listens");
  }
  if (answer->status != 200) return fault(fmt::format("Forager refused: {}", answer->body));
  return std::string(answer->body);
}

Result<void> change_stored(const Call& call, const std::function<bool(Stored&)>& change) {
  journal::PosixFiles files(call.place.directory);
  if (auto locked = files.lock(); !locked) return locked;
  journal::DiskSettings settings;
  settings.segment_bytes = std::size_t{64} << 10U;
  if (call.settings.journal_bytes != 0) settings.bytes_max = call.settings.journal_bytes;
  settings.seed = std::random_device{}() | std::uint64_t{std::random_device{}()} << 32U;
  Stored stored(files, std::move(settings));
  if (auto read = stored.read(); !read) return read;
  if (damaged(stored)) {
    return fault(
        "the journal is damaged (forager journal verify): start Forager once, so that it books "
        "what is lost, then try again");
  }
  // a crash has left something half sent again from the quarantine: that comes to its end first
  if (!stored.journal().synced()) {
    if (auto synced = sync_all(stored); !synced) return synced;
  }
  if (!change(stored)) return {};
  return sync_all(stored);
}

Printed drop(Call& call) {
  if (call.with.quarantined) {
    if (!call.with.before.empty())
      return usage("--before and --quarantined at once; leave one out");
    return drop_quarantined(call);
  }
  if (call.with.words.size() > 1) {
    return usage(
        fmt::format("unexpected {} after forager journal drop; leave it out, or write "
                    "--quarantined for numbers of the quarantine",
                    config::in_quotes(call.with.words[1])));
  }
  Change change;
  change.destination = call.with.destination;
  if (change.destination.empty()) return usage("whose? Write --destination NAME");
  if (!call.with.before.empty()) {
    const auto before = parse_before(call.with.before, system_clock::now());
    if (!before) return usage(before.error().what);
    change.before = *before;
  }
  return carry_out(call, change);
}

Printed release(Call& call) {
  if (call.with.words.size() < 2) {
    return usage("which destination? Write forager journal release NAME");
  }
  return carry_out(call, {true, call.with.words[1], std::nullopt});
}

}  // namespace forager::tools
