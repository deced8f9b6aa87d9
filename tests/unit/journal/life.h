// One process's life on a disk journal's files, for tests: recovers what is there, then appends,
// commits and settles by hand.
#pragma once

#include <array>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "journal/recovery.h"
#include "support/faulty_files.h"

namespace forager::journal {

inline std::string body_of(std::uint64_t number) {
  std::string text = std::to_string(number) + ":";
  return text.append(20 + number * 37 % 700, static_cast<char>('a' + number % 26));
}

inline constexpr std::size_t test_segment = 8192;

struct To {
  std::string name;
  std::array<bool, signal_count> takes{true, true, true};
};

struct Life {
  explicit Life(Files& on, std::size_t cap = 1U << 20U,
                const std::vector<To>& destinations = {{"a"}}, JournalConfig config = {},
                bool recovers_at_once = true)
      : files(on), journal(config, books) {
    auto found = find_segments(files).value();
    DiskSettings with;
    with.bytes_max = cap;
    with.segment_bytes = test_segment;
    with.run = found.next_run;
    with.seed = found.next_run;
    journal.use_disk(with);
    for (const To& one : destinations) journal.open_cursor(one.name, one.takes);
    recovery.emplace(journal, budget, found, [](const format::Group&) { return own_group; });
    recovery->begin(find_cursors(files, found));
    if (recovers_at_once) recover();
  }

  /// One segment of the earlier runs.
  void recover_next() {
    const auto entry = recovery->next();
    for (auto& line : recovery->apply(read_segment(files, *entry), now, wall)) news.push_back(line);
  }
  void recover() {
    if (recovery->found().entries.empty()) journal.recovered();
    while (recovery->next()) recover_next();
  }

  std::optional<Position> append(std::uint64_t number, Signal signal = Signal::traces) {
    Record record;
    record.items = 1;
    record.signal = signal;
    record.arrived = arrived;
    record.body = Slice(body_of(number));
    return journal.append(std::move(record), budget.take_anyway(1), now);
  }
  void commit() {
    now += std::chrono::milliseconds(200);
    while (auto commit = journal.take_commit(now)) {
      journal.committed(run_commit(files, std::move(*commit)), now);
    }
  }
  /// As a clean stop does.
  void confirm() {
    journal.confirm();
    commit();
  }
  void settle(Position position, CursorId of = 0) {
    journal.settle(of, position, 1, ledger::Reason::delivered, now);
  }
  std::string body(Position position) {
    const auto wanted = journal.missing(std::span(&position, 1));
    if (wanted.empty()) return std::string(journal.find(position)->body.view());
    return std::string(read_bodies(files, wanted).front().body.view());
  }
  std::multiset<std::string> held(CursorId of = 0) {
    std::multiset<std::string> made;
    for (const Position p : positions(of)) made.insert(body(p));
    return made;
  }
  std::vector<Position> positions(CursorId of = 0) const { return journal.held_positions(of); }
  /// Over all destinations and signals.
  std::uint64_t booked(ledger::State state) const {
    std::uint64_t items = 0;
    for (const auto& book : books.books()) {
      for (const Signal signal : all_signals) items += book->count(signal, state);
    }
    return items;
  }
  std::uint64_t lost() const { return booked(ledger::State::lost); }
  std::string imbalance() {
    return ledger::imbalance(
        books, [this](std::string_view name, Signal s) { return journal.held_items(name, s); });
  }

  Files& files;
  ledger::Ledger books;
  Budget budget{100'000'000};
  Time now{std::chrono::seconds(5000)};
  WallTime wall{std::chrono::seconds(1000)};
  WallTime arrived = wall;
  Journal journal;
  std::optional<Recovery> recovery;
  std::vector<std::string> news;
};

}  // namespace forager::journal
