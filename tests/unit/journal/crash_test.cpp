// One scripted life after an earlier one, cut off or failing at each single call to the file
// system in turn: what was acknowledged is there, and only what was settled last comes twice.
#include <gtest/gtest.h>

#include "unit/journal/life.h"

namespace forager::journal {
namespace {

using test::FaultyFiles;

constexpr std::size_t cap = 12 * test_segment;
const std::vector<To> destinations{{"a"}, {"b"}};

/// What the outside may rely on, for each destination by body.
struct Promises {
  struct For {
    std::set<std::string> owed;     ///< acknowledged and not settled
    std::set<std::string> settled;  ///< may come again until it is synced
    std::set<std::string> over;     ///< must not
  };
  std::array<For, 2> of;
  std::set<std::string> unanswered;  ///< may be there or not
};

class Script {
 public:
  Script(FaultyFiles& files, Promises& promises)
      : promises_(promises), life_(files, cap, destinations) {
    for (CursorId id = 0; id < 2; ++id) {
      for (const Position p : life_.positions(id)) bodies_[p] = life_.body(p);
    }
  }

  void run() {
    commit();  // the snapshot of what was found
    settle_all(0, 2);
    commit();
    for (int round = 0; round < 16; ++round) {
      for (int n = 0; n < 3; ++n) append();
      commit();
      settle_all(0, 1);
      if (round % 2 == 0) commit();
      settle_all(1, round % 4 == 3 ? 1 : 3);
      if (round % 3 == 0) life_.journal.forget_bodies(1500);
      ASSERT_EQ(life_.imbalance(), "");
    }
    commit();
    life_.confirm();
    note_synced();
    ASSERT_EQ(life_.imbalance(), "");
  }

 private:
  void append() {
    const std::string body = body_of(++number_);
    const auto position = life_.append(number_);
    if (!position) return;
    promises_.unanswered.insert(body);
    bodies_[*position] = body;
    waiting_.insert(*position);
  }
  void commit() {
    life_.now += std::chrono::milliseconds(1100);  // past each delay
    while (auto commit = life_.journal.take_commit(life_.now)) {
      life_.journal.committed(run_commit(life_.files, std::move(*commit)), life_.now);
      for (const Position p : waiting_) {
        if (life_.journal.durable(p)) {
          promises_.unanswered.erase(bodies_[p]);
          for (auto& to : promises_.of) to.owed.insert(bodies_[p]);
        }
      }
      std::erase_if(waiting_, [this](Position p) { return life_.journal.decided(p); });
      note_synced();
    }
    EXPECT_TRUE(waiting_.empty());
  }
  void note_synced() {
    if (!life_.journal.synced()) return;
    for (auto& to : promises_.of) to.over.merge(to.settled);
    for (auto& to : promises_.of) to.settled.clear();
  }
  /// Each `nth` of what it holds.
  void settle_all(CursorId id, std::size_t nth) {
    std::size_t n = 0;
    for (const Position p : life_.positions(id)) {
      if (n++ % nth != 0) continue;
      promises_.of[id].owed.erase(bodies_[p]);
      promises_.of[id].settled.insert(bodies_[p]);
      life_.settle(p, id);
    }
  }

  Promises& promises_;
  Life life_;
  std::map<Position, std::string> bodies_;
  std::set<Position> waiting_;
  std::uint64_t number_ = 1000;
};

void check(FaultyFiles& files, const Promises& promises) {
  Life after(files, cap, destinations);
  ASSERT_EQ(after.imbalance(), "");
  ASSERT_EQ(after.lost(), 0U) << "nothing is damaged: " << ::testing::PrintToString(after.news);
  for (CursorId id = 0; id < 2; ++id) {
    const auto& to = promises.of[id];
    const auto held = after.held(id);
    for (const std::string& body : to.owed) {
      ASSERT_EQ(held.count(body), 1U) << "acknowledged and lost: " << body.substr(0, 6);
    }
    for (const std::string& body : held) {
      ASSERT_EQ(held.count(body), 1U);
      ASSERT_FALSE(to.over.contains(body)) << "settled for good and back: " << body.substr(0, 6);
      ASSERT_TRUE(to.owed.contains(body) || to.settled.contains(body) ||
                  promises.unanswered.contains(body));
    }
  }
  const auto numbers = [](Life& life, CursorId id) {
    std::string made;
    for (const std::string& body : life.held(id)) made += body.substr(0, body.find(':')) + ' ';
    return made;
  };
  const auto held = std::array{numbers(after, 0), numbers(after, 1)};
  after.commit();
  Life again(files, cap, destinations);
  ASSERT_EQ(numbers(again, 0), held[0]);
  ASSERT_EQ(numbers(again, 1), held[1]);
  ASSERT_EQ(again.lost(), 0U);
}

struct Crash : ::testing::Test {
  void SetUp() override {
    Life earlier(start, cap, destinations);
    for (std::uint64_t n = 1; n <= 40; ++n) {
      const Position p = earlier.append(n).value();
      earlier.commit();
      if (n % 3 == 0) earlier.settle(p, 0);
      if (n < 20) earlier.settle(p, 1);
    }
    earlier.confirm();
    for (CursorId id = 0; id < 2; ++id) {
      for (const std::string& body : earlier.held(id)) before.of[id].owed.insert(body);
    }
    FaultyFiles whole;
    whole.files = start.files;
    Promises promises = before;
    Script script(whole, promises);
    script.run();
    calls = whole.calls;
    check(whole, promises);
    ASSERT_GT(calls, 60U);
  }
  FaultyFiles start;
  Promises before;
  std::uint64_t calls = 0;  ///< of a whole run
};

TEST_F(Crash, LosesNothingWhicheverCallIsTheLast) {
  std::mt19937_64 random(7);
  for (std::uint64_t at = 1; at <= calls; ++at) {
    for (int way = 0; way < 8; ++way) {
      SCOPED_TRACE(::testing::Message() << "call " << at << " of " << calls << ", way " << way);
      FaultyFiles files;
      files.files = start.files;
      files.dies_at = at;
      files.dies_after = way % 2 != 0;
      Promises promises = before;
      try {
        Script script(files, promises);
        script.run();
        FAIL() << "it did not die";
      } catch (const FaultyFiles::Died&) {
      }
      files.dies_at = 0;
      if (way < 2) {  // all that was not synced is gone
        for (auto& [name, file] : files.files) file.now = file.synced;
      } else {
        files.crash(random);
      }
      check(files, promises);
      if (HasFatalFailure()) return;
    }
  }
}

TEST_F(Crash, LosesNothingWhicheverCallsFail) {
  std::mt19937_64 random(11);
  for (std::uint64_t at = 1; at <= calls; ++at) {
    for (const std::uint64_t many : {1U, 2U, 3U, 4U, 9U}) {
      SCOPED_TRACE(::testing::Message() << "calls " << at << " to " << at + many - 1);
      FaultyFiles files;
      files.files = start.files;
      files.fails = [&](std::uint64_t call) { return call >= at && call < at + many; };
      Promises promises = before;
      {
        Script script(files, promises);
        script.run();
        if (HasFatalFailure()) return;
      }
      files.fails = {};
      files.crash(random);
      check(files, promises);
      if (HasFatalFailure()) return;
    }
  }
}

TEST_F(Crash, LosesNothingWhenACallFailsAndALaterOneIsTheLast) {
  std::mt19937_64 random(13);
  for (std::uint64_t at = 1; at + 12 <= calls; ++at) {
    for (unsigned way = 0; way < 18; ++way) {
      const std::uint64_t many = std::array{1U, 2U, 4U}[way % 3];
      const std::uint64_t last = at + many + way / 3 % 3;
      SCOPED_TRACE(::testing::Message() << "calls " << at << "+" << many << ", then " << last);
      FaultyFiles files;
      files.files = start.files;
      files.fails = [&](std::uint64_t call) { return call >= at && call < at + many; };
      files.dies_at = last;
      files.dies_after = way >= 9;
      Promises promises = before;
      try {
        Script script(files, promises);
        script.run();
      } catch (const FaultyFiles::Died&) {
      }
      files.fails = {};
      files.dies_at = 0;
      files.crash(random);
      check(files, promises);
      if (HasFatalFailure()) return;
    }
  }
}

}  // namespace
}  // namespace forager::journal
