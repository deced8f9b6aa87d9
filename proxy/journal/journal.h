// The journal is the only queue: records in order, each kept until every destination that takes its
// signal has settled it. The bodies live in memory, charged to the budget. It also keeps the
// destinations' books, so no item changes state unbooked. With a disk beside it, a record counts
// from the moment it is durable, and bodies may be forgotten and read back. Lives on the io thread;
// reads no clock.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/budget.h"
#include "base/ledger.h"
#include "base/time.h"
#include "journal/audience.h"
#include "journal/commit.h"
#include "journal/cursor.h"
#include "journal/disk.h"
#include "journal/drain_rate.h"
#include "journal/quarantine.h"
#include "journal/quarantine_format.h"
#include "journal/record.h"

namespace forager::journal {

struct JournalConfig {
  std::size_t bytes_max = 128U << 20U;  ///< bodies plus record_overhead each
  bool expire_when_full =
      false;  ///< FORAGER_ON_FULL=expire: when all lag, the oldest go; else the app is refused
  Duration retention{0};  ///< records older than this expire; 0: no limit by age
};

/// What a record costs beside its body: nodes in the log and in the cursors.
inline constexpr std::size_t record_overhead = 256;

/// append's answer when no destination takes the signal: accepted, kept nowhere. Not a position of
/// any record.
inline constexpr Position not_routed = 0;

/// Told to the owner of one cursor. `expired` comes before the record goes, once a record; neither
/// may call append or settle.
struct Listener {
  std::function<void(const Record& record, Time now)> appended;
  std::function<void(const Record& record)> expired;
};

/// What expired for one destination since it was asked last: for the log, which must name the time
/// range.
struct Expiry {
  std::string destination;
  Signal signal = Signal::traces;
  ledger::Reason reason = ledger::Reason::over_age;
  std::uint64_t records = 0;
  std::uint64_t items = 0;
  WallTime oldest{};  ///< arrival
  WallTime newest{};
};

/// What one destination holds.
struct Held {
  std::uint64_t records = 0;
  std::uint64_t items = 0;
  std::size_t bytes = 0;       ///< bodies, with record_overhead
  std::optional<Time> oldest;  ///< when the oldest held record was appended
};

/// What give_up took, and what it had to leave.
struct GivenUp {
  std::uint64_t records = 0;
  std::uint64_t items = 0;
  std::uint64_t in_flight = 0;  ///< items that wait for an answer and stay
};

/// What became of a quarantined item that was to be sent again.
enum class Replay : std::uint8_t {
  taken,
  waits,     ///< what it was quarantined with is not durable yet, or it is on its way already
  unknown,   ///< there is no such number
  homeless,  ///< its destination is not there, or doesn't take the signal any more
  full,      ///< no room, or the disk takes nothing
};

class Journal {
 public:
  Journal(JournalConfig config, ledger::Ledger& ledger);
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  /// A new destination, which begins with the next record. Its identity is its name; each name
  /// once.
  CursorId open_cursor(std::string name, std::array<bool, signal_count> takes);
  void listen(CursorId cursor, Listener listener);
  /// Called when a record has been settled by all and its body goes (for FORAGER_ACK=delivered).
  void on_passed(std::function<void(Position)> passed) { passed_ = std::move(passed); }

  /// Some destination takes this signal.
  bool routed(Signal signal, const Audience& audience = {}) const;
  /// Keeps a record and books it as accepted for each destination that takes its signal; the door
  /// books its own side. nullopt: full, nothing is booked, the app is to be refused
  /// (ledger::Reason::journal_full, with retry_after). `not_routed`: nobody takes it; the door
  /// books it with Door::not_routed and answers 200. The charge is released when the last cursor
  /// lets go. Costs O(destinations), whatever is held. `audience`: those that it is for, which the
  /// disk knows from the record's own frame.
  std::optional<Position> append(Record record, Budget::Charge charge, Time now,
                                 const Audience& audience = {}) {
    return append(std::move(record), std::move(charge), now, audience, Returns{});
  }
  /// Its commit is on disk. In memory: as soon as it is appended.
  bool durable(Position position) const { return decided(position) && !voided(position); }
  /// Its commit has ended, one way or the other.
  bool decided(Position position) const { return position <= decided_; }
  /// It could not be kept: nothing is booked, the app is to be refused (ledger::Reason::disk).
  bool voided(Position position) const { return disk_ && disk_->voided.contains(position); }
  /// Nobody holds it any more (or it never was).
  bool passed(Position position) const;
  /// For Retry-After of a refusal: when a tenth of the journal will have drained at the present
  /// rate, 1 to 60 s.
  std::chrono::seconds retry_after(Time now) const;
  /// How long what is held takes to leave at the present rate: zero when none of it is older than a
  /// second, Duration::max() when nothing leaves.
  Duration drain_time(Time now) const;

  /// nullptr: passed by all. The pointer is good until the record is settled by its last holder.
  const Record* find(Position position) const;
  /// When it was appended; only for a record that find() finds.
  Time appended_at(Position position) const { return entries_.at(position).since; }
  /// Items of a record this cursor has not settled yet; 0: it has passed it.
  std::uint32_t remaining(CursorId cursor, Position position) const;
  /// Marks a record as in flight, once for each attempt that carries some of it; such records don't
  /// expire.
  void take(CursorId cursor, Position position);
  void release(CursorId cursor, Position position);
  /// Items came to their end for this destination: booked at once. With the last one the cursor
  /// passes the record, and when all have, the body goes.
  void settle(CursorId cursor, Position position, std::uint32_t items, ledger::Reason reason,
              Time now);

  /// Expires what is over age. Call it at next_expiry; append does it too. Records in flight wait
  /// for their answer.
  void expire_old(Time now);
  /// When the oldest record that isn't in flight will be over age; Time::max() without retention or
  /// records.
  Time next_expiry() const;
  /// What has expired since the last call, summed by destination, signal and reason. For the log.
  std::vector<Expiry> take_expiries();
  /// At exit: what is still held is gone with the memory; booked as lost{memory_at_exit}. Returns
  /// the items over all destinations.
  std::uint64_t lose_all(Time now);

  // The disk (disk_journal.cpp). Without use_disk() the journal is in memory.
  /// Before any cursor is opened.
  void use_disk(DiskSettings settings);
  bool on_disk() const { return disk_ != nullptr; }
  /// Called when take_commit may have something, or something else to wait for.
  void on_work(std::function<void()> work) { work_ = std::move(work); }
  /// What is to be written and synced now; nullopt: nothing, or one is under way, which must come
  /// back by committed() first.
  std::optional<Commit> take_commit(Time now);
  void committed(Committed done, Time now);
  /// When take_commit has something though nothing is called; Time::max(): never.
  Time next_commit() const;
  /// Settled ranges, voids and removals too are on disk.
  bool synced() const;
  /// Nothing more comes: the next commit confirms the last one at once (docs/journal-format.md).
  void confirm();
  /// Why the disk takes nothing; empty: it does.
  const std::string& disk_trouble() const;
  std::size_t disk_bytes() const { return disk_ ? disk_->bytes : 0; }
  /// Not FORAGER_JOURNAL_BYTES, but the room that others leave is the limit.
  bool short_of_space() const { return disk_ && disk_->short_of_space(); }
  /// Segments of an earlier run are still being read.
  bool recovering() const { return disk_ && !disk_->complete; }

  /// A segment of an earlier run was found; its records are not known yet.
  void found_segment(Position first, std::size_t file_bytes, bool readable);
  /// Where an earlier run's destination had got to. One that isn't configured any more gets a
  /// cursor of its own, which takes nothing new.
  CursorId restore_cursor(const std::string& name, const RangeSet& settled);
  /// A record that these cursors still hold. `since`: when it arrived, in this clock.
  void restore(Record record, std::span<const CursorId> holders, Position segment,
               std::uint32_t offset, Budget::Charge charge, Time since);
  /// Items that an earlier run had accepted and that can't be read any more.
  void restore_lost(CursorId cursor, Signal signal, std::uint64_t items);
  /// The same, and these positions aren't missed again by a later run.
  void restore_lost(CursorId cursor, Signal signal, std::uint64_t items, Range positions);
  /// Positions that are nobody's: later runs must know it too.
  void restore_void(Range positions);
  /// This segment can't be read: renamed once a snapshot knows what was lost with it.
  void set_aside(Position segment) { disk_->segments.at(segment).unreadable = true; }
  void scanned(Position segment);
  /// All segments are scanned. `snapshot_in`: ... has the newest snapshot; 0: none has.
  void recovered();
  void trust_snapshot_of(Position segment) {
    if (disk_) disk_->snapshot_in = segment;
  }
  std::vector<std::string> removed_destinations() const;

  // What is in quarantine (quarantine_journal.cpp).
  /// After use_disk() and before any cursor is opened; it lives as long as this is used. From then
  /// on Quarantine::put() right before settle() with a reason of that state is one step: both are
  /// on disk, or neither is.
  void use_quarantine(Quarantine& quarantine);
  /// Back to held, for its destination alone; booked once it is durable.
  Replay replay(std::uint64_t number, Budget& budget, WallTime arrived, Time now);
  /// A person gives it up; false: it isn't there, or is being sent again.
  bool drop_quarantined(std::uint64_t number, ledger::Reason reason);
  /// The numbers that an earlier run gave go up to this one.
  void number_quarantine_from(std::uint64_t last);
  /// Of an earlier run; its bytes are copied. False: there is no room for it. `proven`: that frame
  /// is on the disk and not in the page cache alone. `again`: another frame had this number.
  bool restore_quarantined(Quarantined item, std::uint64_t number, Position segment, bool proven,
                           bool again);
  /// Of an earlier run, and its bytes can't be read any more.
  void restore_quarantined_lost(const std::string& destination, Signal signal, std::uint64_t items);
  /// At which moment of this clock that was.
  Time time_of(std::int64_t unix_nanos) const;

  // Files that nobody needs any more, when they aren't removed with the commit (write_commit).
  std::optional<Removal> take_removal();
  void removed(const Removal& done);
  bool removing() const { return disk_ && disk_->removing; }

  // Bodies (bodies.cpp).
  /// Those of them whose body must be read first.
  std::vector<BodyAt> missing(std::span<const Position> positions) const;
  void restore_body(Position position, Slice body, Budget& budget);
  /// Lets durable bodies go that are not in flight, those needed last first, until `bytes` are
  /// free; returns how many were.
  std::size_t forget_bodies(std::size_t bytes);
  std::size_t resident_bytes() const { return resident_bytes_; }
  /// Its body can't be read: booked as lost for everyone who doesn't have it in flight.
  void lose(Position position, Time now) {
    expire_for_all(position, ledger::Reason::disk_unreadable, now);
  }

  /// A person gives up what this destination holds and what arrived before `before`; records in
  /// flight stay. Booked and noted as the other expiries.
  GivenUp give_up(CursorId cursor, WallTime before, ledger::Reason reason, Time now);
  /// Not in the configuration any more.
  bool is_removed(CursorId cursor) const { return places_[cursor]->removed; }
  /// The signals it takes, as the files say it: a bit each.
  std::uint32_t takes(CursorId cursor) const;
  /// It holds nothing more and is not in the configuration: later runs need not know its name.
  void forget_cursor(CursorId cursor);

  Held held(CursorId cursor) const;
  std::size_t cursors() const { return places_.size(); }
  const std::string& cursor_name(CursorId cursor) const { return places_[cursor]->cursor.name(); }
  /// Ascending; for tools and tests.
  std::vector<Position> held_positions(CursorId cursor) const {
    std::vector<Position> made;
    for (const auto& [position, hold] : places_[cursor]->cursor.holds()) made.push_back(position);
    return made;
  }
  std::uint64_t held_items(CursorId cursor) const { return places_[cursor]->cursor.held_items(); }
  std::uint64_t held_items(CursorId cursor, Signal signal) const;
  /// By destination name; the independent side of ledger::imbalance.
  std::uint64_t held_items(std::string_view destination, Signal signal) const;
  std::size_t bytes() const { return bytes_; }
  std::size_t bytes_max() const { return config_.bytes_max; }
  std::size_t records() const { return entries_.size(); }
  Position last() const { return last_; }

 private:
  /// Of a record that was in quarantine.
  struct Returns {
    std::uint64_t number = 0;  ///< 0: it wasn't
    ledger::Reason reason = ledger::Reason::refused_alone;
  };
  struct Entry {
    Record record;
    Budget::Charge charge;
    Time since{};
    std::uint32_t holders = 0;  ///< cursors that haven't passed it
    std::uint32_t offset = 0;   ///< on disk: of its frame
    Position segment = 0;       ///< on disk; 0: not durable
    Audience audience{};
    Returns returns{};
  };
  struct Place {
    Cursor cursor;
    Listener listener;
    ledger::Book* book = nullptr;
    std::vector<Range> unsynced{};             ///< settled, not yet in a commit
    std::map<Position, std::uint32_t> pins{};  ///< on disk: held records by segment
    std::size_t pinned_bytes = 0;              ///< of these segments
    bool removed = false;                      ///< not in the configuration any more
    bool forgotten = false;                    ///< its name is on disk no more
    RangeSet owed{};  ///< settled; what went into quarantine with it is not durable yet
  };
  static std::size_t size_of(const Record& record) { return record.bytes() + record_overhead; }
  std::optional<Position> append(Record record, Budget::Charge charge, Time now,
                                 const Audience& audience, const Returns& returns);
  bool is_for(CursorId id, Signal signal, const Audience& audience) const {
    if (audience.who == Audience::Who::only) return id == audience.cursor;
    return places_[id]->cursor.takes(signal) && audience.has(id);
  }
  std::size_t frame_of(const Entry& entry) const {
    return format::record_frame(entry.record.body.size(), entry.returns.number != 0);
  }
  void publish(Entry& entry, Time now);
  void note_settled(Place& place, Position position, Time now);
  bool in_flight(Position position) const;
  std::size_t forget_newest(std::size_t bytes, const std::function<bool(Position)>& stays);
  std::size_t riders() const;
  std::size_t first_needs() const;
  void plan_after(Position last, std::size_t left);
  void look_for_space(Time now);
  bool needs_new_segment(std::size_t needs) const;
  void open_segment(Commit& commit, std::size_t needs);
  void begin_segment(Commit& commit, std::size_t needs, std::size_t riders);
  void put_head(Commit& commit);
  void put_snapshot(Commit& commit);
  void commit_failed(Committed& done, Time now);
  void pin(Place& place, Position segment);
  void unpin(Place& place, Position segment);
  void put_cursors(Commit& commit);
  void put_records(Commit& commit);
  void put_settled(Commit& commit);
  void put_snapshot_of(Commit& commit, CursorId id, std::uint32_t& count);
  std::size_t put_group(Commit& commit, GroupId group);

  // quarantine_journal.cpp
  void note_quarantined(CursorId cursor, const Entry& entry, ledger::Reason reason);
  bool owes(CursorId cursor, Position position, Entry& entry, Time now);
  void forget_quarantined(const Quarantine::Kept& kept);
  void returned(const Entry& entry);
  // quarantine_disk.cpp
  format::QuarantinedItem item_of(const Quarantine::Kept& kept) const;
  format::QuarantineFrame frame_of(const Commit::Quarantined& ready) const;
  using Copy = std::vector<std::uint64_t>;  ///< numbers that are written again in one frame
  format::QuarantineFrame copy_of(const Copy& copy) const;
  std::size_t groups_of(const format::QuarantineFrame& frame) const;
  std::size_t disk_bytes(const Quarantine::Kept& kept) const;
  std::vector<Copy> to_copy();
  std::size_t quarantine_needs(const std::vector<Copy>& copies) const;
  void put_frame(Commit& commit, const format::QuarantineFrame& frame);
  void put_quarantined(Commit& commit, const std::vector<Copy>& copies, std::size_t spare);
  format::QuarantineList list_quarantine() const;
  void quarantine_committed(Commit& commit);
  void quarantine_failed(Commit& commit);
  void collect(Commit& commit);
  void void_pending(Time now);
  void work() const {
    if (work_) work_();
  }
  bool make_room(Signal signal, std::size_t bytes, Time now);
  bool expire_laggards(std::size_t bytes, Time now);
  bool expire_oldest(std::size_t bytes, Time now);
  bool expire_segments(std::size_t bytes, bool laggards_only, Time now);
  bool worth_expiring(Position segment, bool laggards_only) const;
  bool waits_for_quarantine(Position segment) const;
  void expire_segment(Position segment, ledger::Reason reason, Time now);
  void expire_for_all(Position position, ledger::Reason reason, Time now);
  void note_expiry(const Place& place, const Record& record, std::uint32_t items,
                   ledger::Reason reason);
  void let_go(Position position, Time now);
  bool fits(std::size_t bytes) const {
    return disk_ ? disk_->fits(bytes) : bytes_ + bytes <= config_.bytes_max;
  }
  bool lags(const Place& place) const {
    return disk_ ? place.pinned_bytes > disk_->cap() / 2
                 : place.cursor.held_bytes() > config_.bytes_max / 2;
  }

  JournalConfig config_;
  ledger::Ledger& ledger_;
  Quarantine* quarantine_ = nullptr;
  std::vector<std::unique_ptr<Place>> places_;
  std::map<Position, Entry> entries_;  ///< only what somebody holds
  Position last_ = 0;
  Position decided_ = 0;  ///< memory: the last one
  std::size_t bytes_ = 0;
  std::size_t resident_bytes_ = 0;  ///< of bodies in memory
  RangeSet forgotten_;              ///< every entry in it has its body on disk alone
  std::unique_ptr<Disk> disk_;
  std::function<void()> work_;
  DrainRate drained_;
  std::vector<Expiry> expiries_;
  std::function<void(Position)> passed_;
};

}  // namespace forager::journal
