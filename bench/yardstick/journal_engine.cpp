// Our journal as it ships, over real files: one destination, no retention.
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include "journal/posix_files.h"
#include "journal/recovery.h"
#include "yardstick/engine.h"

namespace forager::bench {
namespace {

using std::chrono::steady_clock;
using std::chrono::system_clock;

constexpr std::size_t bytes_max = std::size_t{4} << 30U;
/// Held bodies read together: about what a batch carries.
constexpr std::size_t read_at_once = 64;

class JournalEngine final : public Engine {
 public:
  explicit JournalEngine(std::string directory)
      : files_(std::move(directory)),
        budget_(2 * bytes_max),
        journal_({.bytes_max = bytes_max}, ledger_) {}

  void open() override {
    if (auto locked = files_.lock(); !locked) give_up(locked.error().what);
    auto found = journal::find_segments(files_);
    if (!found) give_up(found.error().what);
    found_ = std::move(*found);
    journal::DiskSettings settings;
    settings.bytes_max = bytes_max;
    settings.run = found_.next_run;
    settings.found_bytes = found_.bytes;
    settings.seed = static_cast<std::uint64_t>(steady_clock::now().time_since_epoch().count());
    journal_.use_disk(std::move(settings));
    cursor_ = journal_.open_cursor("honeycomb", {true, true, true});
    next_ = journal_.last() + 1;
    durable_ = journal_.last();
  }

  std::size_t recover() override {
    if (found_.entries.empty()) {
      journal_.recovered();
      return 0;
    }
    const auto adopt = [](const journal::format::Group&) { return journal::own_group; };
    journal::Recovery recovery(journal_, budget_, std::move(found_), adopt);
    recovery.begin(journal::find_cursors(files_, recovery.found()));
    while (const auto entry = recovery.next()) {
      const auto read = journal::read_segment(files_, *entry);
      for (const std::string& news : recovery.apply(read, steady_clock::now(), system_clock::now()))
        give_up(news);
    }
    return journal_.records();
  }

  std::size_t read_back() override {
    std::size_t bytes = 0;
    std::vector<journal::Position> all = journal_.held_positions(cursor_);
    for (std::size_t from = 0; from < all.size(); from += read_at_once) {
      const std::span<const journal::Position> some(all.data() + from,
                                                    std::min(read_at_once, all.size() - from));
      for (const journal::BodyRead& read : journal::read_bodies(files_, journal_.missing(some))) {
        if (read.body.empty()) give_up(read.why);
        bytes += read.body.size();
      }
    }
    return bytes;
  }

  void append(const Slice& body) override {
    journal::Record record;
    record.items = 1;
    record.body = body;
    record.arrived = system_clock::now();
    auto charge = budget_.take_anyway(body.size() + journal::record_overhead);
    if (!journal_.append(std::move(record), std::move(charge), steady_clock::now()))
      give_up("the journal is full: the load is larger than its cap");
  }

  Job take_group() override {
    auto commit = journal_.take_commit(steady_clock::now());
    if (!commit) return {};
    group_ = std::move(*commit);
    return [this] { done_ = journal::run_commit(files_, std::move(group_)); };
  }

  std::size_t finish_group() override {
    if (done_->error) give_up(done_->error->what);
    const journal::Position last = done_->commit.last;
    journal_.committed(std::move(*done_), steady_clock::now());
    if (last == 0) return 0;
    return static_cast<std::size_t>(last - std::exchange(durable_, last));
  }

  void settle(std::size_t records) override {
    const Time now = steady_clock::now();
    for (; records != 0; --records)
      journal_.settle(cursor_, next_++, 1, ledger::Reason::delivered, now);
  }

 private:
  journal::PosixFiles files_;
  Budget budget_;
  ledger::Ledger ledger_;
  journal::Journal journal_;
  journal::FoundSegments found_;
  journal::CursorId cursor_ = 0;
  journal::Position next_ = 0;     ///< to be settled
  journal::Position durable_ = 0;  ///< the last one
  journal::Commit group_;
  std::optional<journal::Committed> done_;
};

}  // namespace

std::unique_ptr<Engine> journal_engine(std::string directory) {
  return std::make_unique<JournalEngine>(std::move(directory));
}

}  // namespace forager::bench
