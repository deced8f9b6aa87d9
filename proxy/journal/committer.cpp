#include "journal/committer.h"

#include <spdlog/spdlog.h>

namespace forager::journal {
namespace {

using std::chrono::steady_clock;
using std::chrono::system_clock;

/// How long recovery waits before it looks again whether there is room for its index.
constexpr std::chrono::milliseconds room_step{100};

}  // namespace

Committer::Committer(asio::any_io_executor io, asio::thread_pool& readers, Files& files,
                     Journal& journal, Budget& budget)
    : io_(io),
      readers_(readers),
      disk_(1),
      cleaner_(1),
      files_(files),
      journal_(journal),
      budget_(budget),
      work_(io),
      ended_(io),
      removal_(io) {
  journal_.on_work([this] { work_.notify_all(); });
}

Committer::~Committer() {
  journal_.on_work({});
  disk_.join();
  cleaner_.join();
}

asio::awaitable<void> Committer::run() {
  running_ = true;
  spawn(io_, clean(), "journal files");
  for (;;) {
    auto commit = journal_.take_commit(steady_clock::now());
    if (!commit) {
      if (stopping_ && !journal_.removing()) break;
      const Time until = journal_.next_commit();
      co_await work_.wait_until(until);
      continue;
    }
    auto job = [files = &files_, what = std::move(*commit)]() mutable {
      return write_commit(*files, std::move(what));
    };
    auto done = co_await offload(disk_, std::move(job));
    journal_.committed(std::move(done), steady_clock::now());
    const bool trouble = !journal_.disk_trouble().empty();
    if (trouble && !trouble_said_) {
      spdlog::error("the disk takes nothing, requests are answered 503 until it does: {}",
                    journal_.disk_trouble());
    } else if (!trouble && trouble_said_) {
      spdlog::info("the disk takes data again");
    }
    trouble_said_ = trouble;
    ended_.notify_all();
    removal_.notify_all();
  }
  stopped_ = true;
  removal_.notify_all();
}

/// Beside the commits: what a commit has made needless goes after it was answered.
asio::awaitable<void> Committer::clean() {
  for (;;) {
    auto removal = journal_.take_removal();
    if (!removal) {
      if (stopped_) break;
      co_await removal_.wait();
      continue;
    }
    auto job = [files = &files_, what = std::move(*removal)]() mutable {
      return run_removal(*files, std::move(what));
    };
    const Removal done = co_await offload(cleaner_, std::move(job));
    journal_.removed(done);
    ended_.notify_all();
  }
  running_ = false;
  ended_.notify_all();
}

asio::awaitable<void> Committer::pause(Duration wait) {
  asio::steady_timer timer(io_, wait);
  co_await timer.async_wait(use_tuple);
}

asio::awaitable<FoundCursors> Committer::find(FoundSegments found) {
  for (int tries = 1;; ++tries) {
    auto job = [files = &files_, segments = found] { return find_cursors(*files, segments); };
    auto cursors = co_await offload(readers_, std::move(job));
    if (!cursors.unread || tries == read_tries || stopping_) co_return cursors;
    co_await pause(read_pause);
  }
}

asio::awaitable<SegmentScan> Committer::read(Files::Entry entry) {
  for (int tries = 1;; ++tries) {
    auto job = [files = &files_, what = entry] { return read_segment(*files, what); };
    auto scan = co_await offload(readers_, std::move(job));
    if (!scan.unread || tries == read_tries || stopping_) co_return scan;
    spdlog::warn("journal: {} can't be read now ({}), trying again", entry.name, scan.error);
    co_await pause(read_pause);
  }
}

asio::awaitable<void> Committer::recover(FoundSegments found, Recovery::Adopt adopt) {
  Recovery recovery(journal_, budget_, std::move(found), std::move(adopt));
  if (recovery.found().entries.empty()) {
    journal_.recovered();
    co_return;
  }
  auto cursors = co_await find(recovery.found());
  if (stopping_) co_return;
  recovery.begin(std::move(cursors));
  while (const auto entry = recovery.next()) {
    const bool room = budget_.left() > budget_.limit() / 2;
    if (!room && journal_.records() != 0 && !stopping_) {
      if (journal_.forget_bodies(budget_.limit() / 4) == 0) co_await pause(room_step);
      if (stopping_) co_return;
      continue;
    }
    const Budget::Charge charge = budget_.take_anyway(entry->bytes);
    const SegmentScan scan = co_await read(*entry);
    if (stopping_) co_return;
    for (const std::string& line : recovery.apply(scan, steady_clock::now(), system_clock::now()))
      spdlog::warn("journal: {}", line);
  }
  if (recovery.records() != 0) {
    spdlog::info("journal: {} records of an earlier run are to be delivered", recovery.records());
  }
  for (const std::string& name : journal_.removed_destinations()) {
    spdlog::warn(
        "journal: the destination {} is no longer configured; what it holds is kept until it goes "
        "by age (FORAGER_RETENTION) or share",
        name);
  }
}

asio::awaitable<bool> Committer::load(std::vector<Position> positions) {
  auto wanted = journal_.missing(positions);
  if (wanted.empty()) co_return true;
  auto job = [files = &files_, what = std::move(wanted)] { return read_bodies(*files, what); };
  auto read = co_await offload(readers_, std::move(job));
  bool all = true;
  for (BodyRead& body : read) {
    if (!body.body.empty()) {
      journal_.restore_body(body.position, std::move(body.body), budget_);
      continue;
    }
    if (!body.gone) {
      all = false;
      continue;
    }
    spdlog::error("journal: record {} can't be read ({}), it is booked as lost", body.position,
                  body.why);
    journal_.lose(body.position, steady_clock::now());
  }
  co_return all;
}

asio::awaitable<void> Committer::close(Time deadline) {
  for (;;) {
    journal_.confirm();
    const bool synced = journal_.synced() && !journal_.removing();
    const bool done = synced || !journal_.disk_trouble().empty();
    if (done || steady_clock::now() >= deadline) break;
    co_await ended_.wait_until(std::min<Time>(deadline, steady_clock::now() + room_step));
  }
  stopping_ = true;
  work_.notify_all();
  while (running_ && steady_clock::now() < deadline) {
    co_await ended_.wait_until(std::min<Time>(deadline, steady_clock::now() + room_step));
  }
}

}  // namespace forager::journal
