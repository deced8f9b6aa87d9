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
                bool recovers_at_once = true, std::size_t bin_bytes = 0)
      : files(on), journal(config, books), bin(bin_bytes, budget) {
    auto found = find_segments(files).value();
    DiskSettings with;
    with.bytes_max = cap;
    with.segment_bytes = test_segment;
    with.run = found.next_run;
    with.seed = found.next_run;
    with.created_at = now;
    with.created = static_cast<std::int64_t>(unix_nanos(wall));
    journal.use_disk(with);
    if (bin_bytes != 0) journal.use_quarantine(bin);
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

  std::optional<Position> append(std::uint64_t number, Signal signal = Signal::traces,
                                 const Audience& audience = {}, std::uint32_t items = 1) {
    Record record;
    record.items = items;
    record.signal = signal;
    record.arrived = arrived;
    record.body = Slice(body_of(number));
    auto charge = budget.take_anyway(record.body.size() + record_overhead);
    return journal.append(std::move(record), std::move(charge), now, audience);
  }
  void commit() {
    now += std::chrono::milliseconds(200);
    while (auto commit = journal.take_commit(now)) take(std::move(*commit));
  }
  void take(Commit commit) {
    if (!removes_later) return journal.committed(run_commit(files, std::move(commit)), now);
    journal.committed(write_commit(files, std::move(commit)), now);
    if (auto removal = journal.take_removal())
      journal.removed(run_removal(files, std::move(*removal)));
  }
  /// As a clean stop does.
  void confirm() {
    journal.confirm();
    commit();
  }
  void settle(Position position, CursorId of = 0) {
    journal.settle(of, position, 1, ledger::Reason::delivered, now);
  }
  /// Items [0, items) of the record, or what is left of it, with the record's own bytes.
  void quarantine(Position position, CursorId of = 0, std::uint32_t items = 1) {
    const Record& record = *journal.find(position);
    Quarantined item;
    item.destination = journal.cursor_name(of);
    item.signal = record.signal;
    item.position = position;
    item.last = items;
    item.why = "refused";
    item.arrived = record.arrived;
    item.when = now;
    item.bytes = Slice(body(position));
    bin.put(std::move(item));
    journal.settle(of, position, items, ledger::Reason::refused_alone, now);
  }
  std::multiset<std::string> quarantined(const std::string& of = "a") const {
    std::multiset<std::string> made;
    for (const auto& kept : bin.kept()) {
      if (kept.what.destination == of) made.emplace(kept.what.bytes.view());
    }
    return made;
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
  bool removes_later = false;  ///< as the committer does
  Journal journal;
  Quarantine bin;
  std::optional<Recovery> recovery;
  std::vector<std::string> news;
};

}  // namespace forager::journal
