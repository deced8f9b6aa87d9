// `forager journal replay --quarantined` and `drop --quarantined`, and the list of what is in
// quarantine for show and export. A running Forager is asked at its admin port; the journal of a
// stopped one is read, and changed, here.
#include "tools/quarantine.h"

#include <algorithm>
#include <charconv>
#include <chrono>

#include <fmt/format.h>

#include "journal/posix_files.h"
#include "journal/quarantine_change.h"
#include "tools/change.h"
#include "tools/running.h"

namespace forager::tools {
namespace {

using config::Printed;
using journal::QuarantineAsk;
using journal::QuarantineDone;
using std::chrono::steady_clock;
using std::chrono::system_clock;

/// Numbers of one request: its head is limited.
constexpr std::size_t numbers_at_once = 200;

Result<QuarantineAsk> parse(const Call& call) {
  QuarantineAsk ask;
  ask.destination = call.with.destination;
  for (std::size_t i = 1; i < call.with.words.size(); ++i) {
    const std::string& word = call.with.words[i];
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (error != std::errc{} || end != word.data() + word.size() || number == 0) {
      return fault(fmt::format(
          "{} is no number of the quarantine; forager journal show --quarantined has them", word));
    }
    ask.numbers.push_back(number);
  }
  std::ranges::sort(ask.numbers);
  return ask;
}

QuarantineDone parse_answer(std::string_view line) {
  QuarantineDone done;
  done.entries = number_of(line, "entries");
  done.items = number_of(line, "items");
  done.waiting = number_of(line, "waiting");
  done.unknown = number_of(line, "unknown");
  done.homeless = number_of(line, "not_taken");
  done.full = line.find("\"full\":true") != line.npos;
  done.last = number_of(line, "last");
  done.more = line.find("\"more\":true") != line.npos;
  return done;
}

/// Some at a time, since the running Forager has other things to do.
Result<QuarantineDone> ask_running(const Call& call, const QuarantineAsk& ask, bool replay) {
  QuarantineDone all;
  std::size_t from = 0;
  do {
    const std::size_t to = std::min(from + numbers_at_once, ask.numbers.size());
    std::string target = fmt::format("/journal/quarantined/{}?destination={}",
                                     replay ? "replay" : "drop", percent_encoded(ask.destination));
    for (std::size_t i = from; i < to; ++i)
      target += fmt::format("{}{}", i == from ? "&numbers=" : ",", ask.numbers[i]);
    std::uint64_t after = 0;
    for (bool more = true; more;) {
      const auto answer = post_running(call, target + fmt::format("&after={}", after));
      if (!answer) return answer.error();
      const QuarantineDone some = parse_answer(*answer);
      more = some.more && some.last > after;
      after = some.last;
      all.add(some);
    }
    from = to;
  } while (from < ask.numbers.size() && !all.full);
  return all;
}

Result<QuarantineDone> change_stopped(const Call& call, QuarantineAsk ask, bool replay) {
  ask.any_destination = true;
  ask.entries_most = SIZE_MAX;
  QuarantineDone done;
  auto changed = change_stored(call, [&](Stored& stored) {
    done = replay
               ? journal::replay_quarantined(stored.journal(), stored.quarantine(), stored.budget(),
                                             ask, system_clock::now(), steady_clock::now())
               : journal::drop_quarantined(stored.journal(), stored.quarantine(), ask,
                                           ledger::Reason::given_up);
    return done.entries != 0;
  });
  if (!changed) return changed.error();
  return done;
}

Printed report(const Call& call, const QuarantineDone& done, bool replay) {
  Printed made;
  const bool short_of = done.full || done.waiting + done.unknown + done.homeless != 0;
  if (short_of) made.code = config::ExitCode::failure;
  if (call.command.json) {
    made.out = journal::as_json(done);
    return made;
  }
  made.out = fmt::format("{} entries with {} items {}\n", done.entries, done.items,
                         !replay             ? "were given up"
                         : call.place.holder ? "are sent again"
                                             : "will be sent again when Forager starts");
  if (done.unknown != 0)
    made.err += fmt::format("{} of the numbers are not in quarantine there\n", done.unknown);
  if (done.waiting != 0) {
    made.err += fmt::format(
        "{} entries stay: the rest of their record is still being delivered; try again later\n",
        done.waiting);
  }
  if (done.homeless != 0) {
    made.err += fmt::format(
        "{} entries stay: their destination is not configured, or doesn't take the signal any "
        "more\n",
        done.homeless);
  }
  if (done.full && call.place.holder) {
    made.err += "the rest stays: the journal takes no more now; try again later\n";
  } else if (done.full) {
    made.err +=
        "the rest stays: the journal would have more than FORAGER_JOURNAL_BYTES, as it is set "
        "here; set it as for the Forager that runs there, or start that and try again\n";
  }
  return made;
}

Printed preview(const Call& call, const QuarantineAsk& ask) {
  std::uint64_t entries = 0;
  std::uint64_t items = 0;
  for (const auto& kept : call.stored.quarantine().kept()) {
    if (!ask.destination.empty() && kept.what.destination != ask.destination) continue;
    if (!ask.numbers.empty() && !std::ranges::binary_search(ask.numbers, kept.number)) continue;
    ++entries;
    items += kept.what.items();
  }
  return usage(
      fmt::format("{} entries with {} items in quarantine would be given up for good; nothing was "
                  "done. Write it again with --yes to do it",
                  entries, items));
}

Printed carry_out(const Call& call, bool replay) {
  const auto ask = parse(call);
  if (!ask) return usage(ask.error().what);
  if (!replay && !call.with.yes) return preview(call, *ask);
  const auto done =
      call.place.holder ? ask_running(call, *ask, replay) : change_stopped(call, *ask, replay);
  if (!done) return failed(done.error().what);
  return report(call, *done, replay);
}

}  // namespace

Printed replay_quarantined(Call& call) {
  if (!call.with.signal.empty())
    return usage("--signal is for files; write numbers of the quarantine, or --destination NAME");
  return carry_out(call, true);
}
Printed drop_quarantined(Call& call) { return carry_out(call, false); }

Result<void> each_quarantined(const Call& call,
                              const std::function<Result<void>(std::string_view line)>& take) {
  if (call.place.holder && can_ask(call.settings.admin)) {
    bool some = false;
    auto done = each_of_running(call.settings.admin, [&](std::string_view line) {
      some = true;
      return take(line);
    });
    if (done || some) return done;
  }
  const auto now = steady_clock::now();
  const auto wall = system_clock::now();
  for (const auto& kept : call.stored.quarantine().kept()) {
    const auto age = std::chrono::duration_cast<WallTime::duration>(now - kept.what.when);
    const std::string line = journal::quarantine_line(kept, wall - age);
    if (auto taken = take(std::string_view(line).substr(0, line.size() - 1)); !taken) return taken;
  }
  return {};
}

}  // namespace forager::tools
