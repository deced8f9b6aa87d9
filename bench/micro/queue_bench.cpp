// What a record costs between door and destination: journal, planner and settling, without its
// bytes. The second argument is how many records are queued all the while: the cost must not grow
// with it.
#include <string>

#include <benchmark/benchmark.h>

#include "batch/planner.h"
#include "journal/journal.h"
#include "rig/payload.h"

namespace forager {
namespace {

using std::chrono::milliseconds;

journal::Record record_of(const Slice& body) {
  journal::Record record;
  record.signal = Signal::traces;
  record.items = 100;
  record.largest_item = 700;
  record.body = body;
  return record;
}

void queue_a_record(benchmark::State& state) {
  const Slice body(bench::Payload(7).traces(100));
  Budget budget(std::size_t{16} << 30U);
  ledger::Ledger ledger;
  journal::Journal journal({.bytes_max = std::size_t{8} << 30U}, ledger);
  const auto cursor = journal.open_cursor("honeycomb", {true, true, true});
  batch::Planner planner(milliseconds(200), false,
                         [&](journal::Position position) { return journal.find(position); });
  const Time now{};
  journal.listen(cursor, {[&](const journal::Record& record, Time at) { planner.add(record, at); },
                          [](const journal::Record&) {}});
  const auto add = [&] {
    auto charge = budget.take_anyway(body.size() + journal::record_overhead);
    if (!journal.append(record_of(body), std::move(charge), now)) {
      state.SkipWithError("the journal is full");
    }
  };
  for (std::int64_t i = 0; i < state.range(0); ++i) add();
  const auto send = [&] {
    const auto batch = planner.take(now, true);
    for (const batch::Piece& piece : batch->pieces) {
      journal.take(cursor, piece.position);
      journal.settle(cursor, piece.position, piece.items(), ledger::Reason::delivered, now);
    }
    return batch->pieces.size();
  };
  for (auto _ : state) {
    for (std::size_t sent = send(); sent > 0; --sent) add();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(
      ledger.book("honeycomb").count(Signal::traces, ledger::State::delivered) / 100));
}
BENCHMARK(queue_a_record)->Arg(100)->Arg(10'000);

}  // namespace
}  // namespace forager
