// The committer with its thread on a real directory: what it says is durable is there afterwards,
// and read back when it is asked for.
// The shell is not part of the sans-IO build for the second compiler.
#ifdef FORAGER_HAS_COMMITTER

#include "journal/committer.h"

#include <filesystem>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "journal/posix_files.h"
#include "support/temp_folder.h"
#include "unit/journal/life.h"

namespace forager::journal {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr std::uint64_t records = 300;

struct Process {
  explicit Process(const std::string& directory) : files(directory) {
    locked = files.lock().has_value();
    found = find_segments(files).value();
    DiskSettings with;
    with.segment_bytes = test_segment;
    with.run = with.seed = found.next_run;
    journal.use_disk(with);
    journal.open_cursor("a", {true, true, true});
  }

  /// Runs `work` beside the committer, then stops it as a shutdown does.
  template <class Work>
  void run(Work work) {
    const auto failed = [](const std::exception_ptr& error) {
      if (error) std::rethrow_exception(error);
    };
    asio::co_spawn(io, committer.run(), failed);
    asio::co_spawn(io, whole(std::move(work)), failed);
    io.run_for(seconds(60));
    ASSERT_TRUE(finished);
  }
  template <class Work>
  asio::awaitable<void> whole(Work work) {
    co_await work(*this);
    co_await committer.close(steady_clock::now() + seconds(20));
    finished = true;
  }
  bool append(std::uint64_t number) {
    Record record;
    record.items = 1;
    record.arrived = std::chrono::system_clock::now();
    record.body = Slice(body_of(number));
    return journal.append(std::move(record), budget.take_anyway(1), steady_clock::now())
        .has_value();
  }

  asio::io_context io;
  asio::thread_pool readers{1};
  PosixFiles files;
  bool locked = false;
  bool finished = false;
  FoundSegments found;
  ledger::Ledger books;
  Budget budget{100'000'000};
  Journal journal{JournalConfig{}, books};
  Committer committer{io.get_executor(), readers, files, journal, budget};
};

asio::awaitable<void> write_all(Process& process) {
  co_await process.committer.recover(process.found, [](const auto&) { return own_group; });
  for (std::uint64_t n = 1; n <= records; ++n) {
    EXPECT_TRUE(process.append(n));
    const Position last = process.journal.last();
    while (n % 7 == 0 && !process.journal.decided(last)) {
      co_await process.committer.ended().wait_until(steady_clock::now() + seconds(20));
    }
    if (n % 7 == 0) {
      EXPECT_TRUE(process.journal.durable(last));
    }
  }
}

asio::awaitable<void> read_all(Process& process) {
  co_await process.committer.recover(process.found, [](const auto&) { return own_group; });
  const auto all = process.journal.held_positions(0);
  EXPECT_EQ(all.size(), records);
  EXPECT_EQ(process.journal.missing(all).size(), records);
  const bool loaded = co_await process.committer.load(all);
  EXPECT_TRUE(loaded);
  std::uint64_t n = 0;
  for (const Position p : all) {
    EXPECT_EQ(process.journal.find(p)->body.view(), body_of(++n));
    process.journal.settle(0, p, 1, ledger::Reason::delivered, steady_clock::now());
  }
}

TEST(CommitterOnARealDirectory, KeepsWhatItSaysIsDurableAndReadsItBack) {
  const test::TempFolder folder;
  const std::string directory = folder.path();
  const auto segments = [&] {
    return std::distance(std::filesystem::directory_iterator(directory), {}) - 1;  // and the lock
  };
  {
    Process one(directory);
    ASSERT_TRUE(one.locked);
    one.run(write_all);
    EXPECT_TRUE(one.journal.synced());
    EXPECT_GT(segments(), 5);
  }
  {
    Process two(directory);
    ASSERT_TRUE(two.locked);
    two.run(read_all);
    EXPECT_EQ(two.books.book("a").recovered(Signal::traces), records);
    EXPECT_EQ(two.books.book("a").count(Signal::traces, ledger::State::lost), 0U);
  }
  EXPECT_LE(segments(), 2) << "what nobody needs any more is removed";
}

}  // namespace
}  // namespace forager::journal

#endif
