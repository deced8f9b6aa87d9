// The journal's shell: one coroutine that hands commits to the disk thread, one that recovers what
// an earlier run left, and the reading back of bodies. Lives on the io thread.
#pragma once

#include <vector>

#include "base/async.h"
#include "base/budget.h"
#include "journal/files.h"
#include "journal/recovery.h"

namespace forager::journal {

class Committer {
 public:
  /// Takes the journal's on_work. `readers`: the pool that reads and scans. All outlive it.
  Committer(asio::any_io_executor io, asio::thread_pool& readers, Files& files, Journal& journal,
            Budget& budget);
  Committer(const Committer&) = delete;
  Committer& operator=(const Committer&) = delete;
  ~Committer();

  /// Commits until stop(). To be called once.
  asio::awaitable<void> run();
  /// Ends when all is handed over; while the index has no room, it waits.
  asio::awaitable<void> recover(FoundSegments found, Recovery::Adopt adopt);
  /// Reads back the bodies that are missing. False: the disk would not, try again later; what can't
  /// be read at all is gone from the journal, booked as lost.
  asio::awaitable<bool> load(std::vector<Position> positions);
  /// For who waits for Journal::decided: look again after each notice.
  Event& ended() { return ended_; }
  /// The last settled ranges, then no more.
  asio::awaitable<void> close(Time deadline);

 private:
  asio::awaitable<FoundCursors> find(FoundSegments found);
  asio::awaitable<SegmentScan> read(Files::Entry entry);
  asio::awaitable<void> pause(Duration wait);
  asio::awaitable<void> clean();

  asio::any_io_executor io_;
  asio::thread_pool& readers_;
  asio::thread_pool disk_;
  asio::thread_pool cleaner_;  ///< removes files, which nobody is to wait for
  Files& files_;
  Journal& journal_;
  Budget& budget_;
  Event work_;
  Event ended_;
  Event removal_;
  bool stopping_ = false;
  bool stopped_ = false;  ///< nothing is committed any more
  bool running_ = false;  ///< run() and clean(), until both have ended
  bool trouble_said_ = false;
};

}  // namespace forager::journal
