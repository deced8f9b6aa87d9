#include "journal/quarantine_change.h"

#include <algorithm>

#include "base/iso_time.h"
#include "base/json_writer.h"
#include "otlp/json_out.h"

namespace forager::journal {
namespace {

bool is_configured(const Journal& journal, const std::string& name) {
  for (CursorId id = 0; id < journal.cursors(); ++id) {
    if (journal.cursor_name(id) == name) return !journal.is_removed(id);
  }
  return false;
}

/// Those that are asked for, ascending; what isn't there is counted.
std::vector<const Quarantine::Kept*> chosen(const Quarantine& quarantine, const QuarantineAsk& ask,
                                            QuarantineDone& done) {
  std::vector<const Quarantine::Kept*> made;
  const auto take = [&](const Quarantine::Kept& kept) {
    if (made.size() == ask.entries_most) {
      done.more = true;
      return false;
    }
    done.last = kept.number;
    made.push_back(&kept);
    return true;
  };
  const auto is_theirs = [&](const Quarantine::Kept& kept) {
    return ask.destination.empty() || kept.what.destination == ask.destination;
  };
  if (ask.numbers.empty()) {
    for (const Quarantine::Kept& kept : quarantine.kept()) {
      if (kept.number > ask.after && is_theirs(kept) && !take(kept)) break;
    }
    return made;
  }
  std::vector<std::uint64_t> numbers = ask.numbers;
  std::ranges::sort(numbers);
  const auto twice = std::ranges::unique(numbers);
  numbers.erase(twice.begin(), twice.end());
  for (const std::uint64_t number : numbers) {
    if (number <= ask.after) continue;
    const Quarantine::Kept* kept = quarantine.find(number);
    if (kept == nullptr || !is_theirs(*kept)) {
      ++done.unknown;
    } else if (!take(*kept)) {
      break;
    }
  }
  return made;
}

std::vector<std::uint64_t> numbers_of(const std::vector<const Quarantine::Kept*>& entries) {
  std::vector<std::uint64_t> made;
  for (const Quarantine::Kept* kept : entries) made.push_back(kept->number);
  return made;
}

}  // namespace

std::string quarantine_line(const Quarantine::Kept& kept, WallTime when) {
  const Quarantined& what = kept.what;
  JsonWriter json;
  json.begin_object().member("number", kept.number).member("destination", what.destination);
  json.member("signal", facts(what.signal).name).member("position", what.position);
  json.member("items", what.items()).member("arrived", iso_time(what.arrived));
  json.member("quarantined", iso_time(when));
  json.member("reason", ledger::facts(what.reason).label).member("why", what.why);
  json.key("request").raw(otlp::protobuf_to_json(what.signal, what.bytes.view())).end_object();
  return json.take() + "\n";
}

void QuarantineDone::add(const QuarantineDone& other) {
  entries += other.entries;
  items += other.items;
  waiting += other.waiting;
  unknown += other.unknown;
  homeless += other.homeless;
  full = full || other.full;
  last = std::max(last, other.last);
  more = other.more;
}

QuarantineDone replay_quarantined(Journal& journal, const Quarantine& quarantine, Budget& budget,
                                  const QuarantineAsk& ask, WallTime wall, Time now) {
  QuarantineDone done;
  for (const std::uint64_t number : numbers_of(chosen(quarantine, ask, done))) {
    const Quarantined& what = quarantine.find(number)->what;
    const std::uint32_t items = what.items();
    if (!ask.any_destination && !is_configured(journal, what.destination)) {
      ++done.homeless;
      continue;
    }
    const Replay replay = journal.replay(number, budget, wall, now);
    if (replay == Replay::taken) {
      ++done.entries;
      done.items += items;
    } else if (replay == Replay::waits) {
      ++done.waiting;
    } else if (replay == Replay::homeless) {
      ++done.homeless;
    } else {
      done.full = true;
      done.more = false;
      break;
    }
  }
  return done;
}

QuarantineDone drop_quarantined(Journal& journal, const Quarantine& quarantine,
                                const QuarantineAsk& ask, ledger::Reason reason) {
  QuarantineDone done;
  for (const std::uint64_t number : numbers_of(chosen(quarantine, ask, done))) {
    const std::uint32_t items = quarantine.find(number)->what.items();
    if (!journal.drop_quarantined(number, reason)) {
      ++done.waiting;
      continue;
    }
    ++done.entries;
    done.items += items;
  }
  return done;
}

/// What is being sent again is neither held nor can it be dropped until it is durable; without the
/// name its record would be everyone's at the next start.
Released release_destination(Journal& journal, const Quarantine& quarantine, CursorId cursor,
                             WallTime before, Time now) {
  constexpr auto reason = ledger::Reason::destination_removed;
  Released made;
  made.held = journal.give_up(cursor, before, reason, now);
  QuarantineAsk ask;
  ask.destination = journal.cursor_name(cursor);
  ask.entries_most = SIZE_MAX;
  made.quarantined = drop_quarantined(journal, quarantine, ask, reason);
  made.forgotten = journal.held(cursor).records == 0 && made.quarantined.waiting == 0;
  if (made.forgotten) journal.forget_cursor(cursor);
  return made;
}

std::string as_json(const QuarantineDone& done) {
  JsonWriter json;
  json.begin_object().member("entries", done.entries).member("items", done.items);
  json.member("waiting", done.waiting).member("unknown", done.unknown);
  json.member("not_taken", done.homeless).member("full", done.full);
  json.member("last", done.last).member("more", done.more).end_object();
  return json.take() + "\n";
}

}  // namespace forager::journal
