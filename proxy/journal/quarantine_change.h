// What a person does with the quarantine, in a running Forager and in the journal of a stopped one:
// looks at it, sends it again, gives it up. Sans-IO.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/budget.h"
#include "journal/journal.h"
#include "journal/quarantine.h"

namespace forager::journal {

/// Of one entry, on one line of JSON; its last member is `request`, the items as OTLP/JSON. `when`
/// it was quarantined.
std::string quarantine_line(const Quarantine::Kept& kept, WallTime when);

struct QuarantineAsk {
  std::string destination;             ///< empty: of all
  std::vector<std::uint64_t> numbers;  ///< empty: all
  std::uint64_t after = 0;             ///< only those behind it
  std::size_t entries_most = 500;      ///< that are looked at; the rest is for another call
  bool any_destination = false;  ///< also for one that isn't configured: nobody knows which are
};

struct QuarantineDone {
  std::uint64_t entries = 0;
  std::uint64_t items = 0;
  std::uint64_t waiting = 0;  ///< entries whose record is not settled yet, or that are on their way
  std::uint64_t unknown = 0;  ///< numbers that are not there, or another destination's
  std::uint64_t homeless = 0;  ///< entries whose destination doesn't take them any more
  bool full = false;           ///< the journal took no more
  std::uint64_t last = 0;      ///< number that was looked at last
  bool more = false;           ///< there are some behind it

  void add(const QuarantineDone& other);
};

QuarantineDone replay_quarantined(Journal& journal, const Quarantine& quarantine, Budget& budget,
                                  const QuarantineAsk& ask, WallTime wall, Time now);
QuarantineDone drop_quarantined(Journal& journal, const Quarantine& quarantine,
                                const QuarantineAsk& ask, ledger::Reason reason);
std::string as_json(const QuarantineDone& done);

struct Released {
  GivenUp held;
  QuarantineDone quarantined;
  bool forgotten = false;  ///< later runs don't know its name; else something of it is on its way
};
/// A person gives up what a destination has that isn't configured any more: what it holds of before
/// `before`, and what it has in quarantine. Its name goes once nothing is left.
Released release_destination(Journal& journal, const Quarantine& quarantine, CursorId cursor,
                             WallTime before, Time now);

}  // namespace forager::journal
