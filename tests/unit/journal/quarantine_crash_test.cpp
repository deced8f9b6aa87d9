// The quarantine when each single call to the file system is the last, fails, or its bytes are
// damaged: each item is held, or in quarantine, or at its end, and never two of them.
#include <gtest/gtest.h>

#include "unit/journal/life.h"

namespace forager::journal {
namespace {

using ledger::Reason;
using test::FaultyFiles;

constexpr std::size_t cap = 16 * test_segment;
constexpr std::size_t bin_bytes = 1U << 20U;
const std::vector<To> destinations{{"a"}, {"b"}};

struct Bin : Life {
  explicit Bin(FaultyFiles& on, bool later = false)
      : Life(on, cap, destinations, {}, true, bin_bytes) {
    removes_later = later;
  }
};

/// For destination a, by body; b takes all at once, and must never see one of them again.
struct Promises {
  enum class Is : std::uint8_t {
    unanswered,   ///< may be there or not
    owed,         ///< held or in quarantine
    quarantined,  ///< there, durably
    ending,       ///< settled or given up, maybe not durably
    over,
  };
  std::map<std::string, Is> of;
  std::set<std::string> passed;   ///< by b, durably
  std::set<std::string> settled;  ///< by b
};
using Is = Promises::Is;

class Script {
 public:
  Script(FaultyFiles& files, Promises& promises, bool later)
      : promises_(promises), life_(files, later) {
    life_.commit();
    for (const Position p : life_.positions(0)) bodies_[p] = life_.body(p);
    for (const Position p : life_.positions(1)) bodies_[p] = life_.body(p);
    note_synced();
  }

  void run() {
    for (int round = 0; round < 14; ++round) {
      for (int n = 0; n < 3; ++n) append();
      commit();
      end_of_some(round);
      if (round % 2 == 0) commit();
      if (round % 3 == 1) replay_some(round);
      if (round % 4 == 2) drop_one();
      if (round % 3 == 0) commit();
      ASSERT_EQ(life_.imbalance(), "");
    }
    commit();
    life_.confirm();
    note_synced();
    ASSERT_EQ(life_.imbalance(), "");
  }
  std::size_t items() const { return life_.bin.kept().size(); }

 private:
  void append() {
    const std::string body = body_of(++number_);
    const auto position = life_.append(number_);
    if (!position) return;
    promises_.of[body] = Is::unanswered;
    bodies_[*position] = body;
    waiting_.insert(*position);
  }
  void commit() {
    life_.now += std::chrono::milliseconds(1100);
    while (auto commit = life_.journal.take_commit(life_.now)) {
      life_.take(std::move(*commit));
      for (const Position p : waiting_) {
        if (life_.journal.durable(p)) promises_.of[bodies_[p]] = Is::owed;
      }
      std::erase_if(waiting_, [this](Position p) { return life_.journal.decided(p); });
      note_synced();
    }
  }
  void note_synced() {
    if (!life_.journal.synced()) return;
    promises_.passed.merge(promises_.settled);
    for (auto& [body, is] : promises_.of) {
      if (is == Is::ending) is = Is::over;
    }
    for (const auto& kept : life_.bin.kept()) {
      auto& is = promises_.of[std::string(kept.what.bytes.view())];
      if (kept.replay == 0 && is == Is::owed) is = Is::quarantined;
    }
  }
  /// Of what both hold: some is delivered, some refused; the rest waits.
  void end_of_some(int round) {
    std::size_t n = 0;
    for (const Position p : life_.positions(1)) {
      promises_.settled.insert(life_.body(p));
      life_.settle(p, 1);
    }
    for (const Position p : life_.positions(0)) {
      const std::string body = life_.body(p);
      if (n % 3 == 0) {
        promises_.of[body] = Is::ending;
        life_.settle(p, 0);
      } else if (n % 3 == 1 || round % 5 == 4) {
        life_.quarantine(p, 0);
      }
      ++n;
    }
  }
  void replay_some(int round) {
    std::vector<std::uint64_t> numbers;
    for (const auto& kept : life_.bin.kept()) {
      if ((kept.number + static_cast<unsigned>(round)) % 3 == 0) numbers.push_back(kept.number);
    }
    for (const std::uint64_t number : numbers) {
      const std::string body(life_.bin.find(number)->what.bytes.view());
      const Replay done = life_.journal.replay(number, life_.budget, life_.wall, life_.now);
      if (done == Replay::taken) promises_.of[body] = Is::owed;
    }
  }
  void drop_one() {
    if (life_.bin.kept().empty()) return;
    const auto& oldest = life_.bin.kept().front();
    const std::string body(oldest.what.bytes.view());
    if (life_.journal.drop_quarantined(oldest.number, Reason::given_up))
      promises_.of[body] = Is::ending;
  }

  Promises& promises_;
  Bin life_;
  std::map<Position, std::string> bodies_;
  std::set<Position> waiting_;
  std::uint64_t number_ = 1000;
};

void look(Bin& life, const Promises& promises) {
  ASSERT_EQ(life.imbalance(), "");
  ASSERT_EQ(life.lost(), 0U) << "nothing is damaged: " << ::testing::PrintToString(life.news);
  const auto held = life.held(0);
  const auto bin = life.quarantined();
  for (const auto& [body, is] : promises.of) {
    const std::string name = body.substr(0, body.find(':'));
    const std::size_t times = held.count(body) + bin.count(body);
    ASSERT_LE(times, 1U) << name << ": held " << held.count(body) << ", kept " << bin.count(body);
    if (is == Is::owed || is == Is::quarantined) {
      ASSERT_EQ(times, 1U) << name << " is nowhere";
    }
    if (is == Is::quarantined) {
      ASSERT_EQ(bin.count(body), 1U) << name << " is sent again";
    }
    if (is == Is::over) {
      ASSERT_EQ(times, 0U) << name << " is back";
    }
  }
  for (const std::string& body : life.held(1))
    ASSERT_FALSE(promises.passed.contains(body)) << "b sees it again: " << body.substr(0, 6);
}

void check(FaultyFiles& files, const Promises& promises) {
  const auto pristine = files.files;
  std::multiset<std::string> held;
  std::multiset<std::string> bin;
  {
    Bin after(files);
    look(after, promises);
    after.commit();
    look(after, promises);
    if (::testing::Test::HasFatalFailure()) return;
    held = after.held(0);
    bin = after.quarantined();
    after.confirm();
  }
  Bin again(files);
  again.commit();
  look(again, promises);
  ASSERT_EQ(again.held(0), held);
  ASSERT_EQ(again.quarantined(), bin);
}

struct QuarantineCrash : ::testing::Test {
  void SetUp() override {
    {
      Bin earlier(start);
      for (std::uint64_t n = 1; n <= 30; ++n) {
        const Position p = earlier.append(n).value();
        earlier.commit();
        earlier.settle(p, 1);
        if (n % 5 == 0) {
          earlier.quarantine(p, 0);
        } else if (n % 3 != 0) {
          earlier.settle(p, 0);
        }
      }
      earlier.commit();
      earlier.confirm();
      for (const std::string& body : earlier.held(0)) before.of[body] = Is::owed;
      for (const std::string& body : earlier.quarantined()) before.of[body] = Is::quarantined;
    }
    FaultyFiles whole;
    whole.files = start.files;
    Promises promises = before;
    {
      Script script(whole, promises, false);
      script.run();
      ASSERT_GT(script.items(), 8U);
    }
    calls = whole.calls;
    check(whole, promises);
    ASSERT_GT(calls, 60U);
  }
  /// One life in which `files` fails or dies as it was told.
  void live(FaultyFiles& files, unsigned way, bool power_cut) {
    Promises promises = before;
    try {
      Script script(files, promises, way % 3 == 2);
      script.run();
    } catch (const FaultyFiles::Died&) {
    }
    if (HasFatalFailure()) return;
    files.fails = {};
    files.dies_at = 0;
    if (power_cut) files.crash(random);
    check(files, promises);
  }
  FaultyFiles start;
  Promises before;
  std::uint64_t calls = 0;  ///< of a whole run
  std::mt19937_64 random{17};
};

TEST_F(QuarantineCrash, LosesNothingAndDoublesNothingWhicheverCallIsTheLast) {
  for (std::uint64_t at = 1; at <= calls; ++at) {
    for (unsigned way = 0; way < 10; ++way) {
      SCOPED_TRACE(::testing::Message() << "call " << at << " of " << calls << ", way " << way);
      FaultyFiles files;
      files.files = start.files;
      files.dies_at = at;
      files.dies_after = way % 2 != 0;
      live(files, way, way >= 4);
      if (HasFatalFailure()) return;
    }
  }
}

TEST_F(QuarantineCrash, LosesNothingWhicheverCallsFail) {
  for (std::uint64_t at = 1; at <= calls; ++at) {
    for (const std::uint64_t many : {1U, 2U, 3U, 5U}) {
      SCOPED_TRACE(::testing::Message() << "calls " << at << " to " << at + many - 1);
      FaultyFiles files;
      files.files = start.files;
      files.fails = [&](std::uint64_t call) { return call >= at && call < at + many; };
      live(files, static_cast<unsigned>(many), true);
      if (HasFatalFailure()) return;
    }
  }
}

/// A crash, a second one in the recovery from it (and its page cache lost only then), a third life.
TEST_F(QuarantineCrash, SurvivesASecondCrashInTheRecovery) {
  for (std::uint64_t at = 1; at <= calls; at += 3) {
    for (unsigned way = 0; way < 18; ++way) {
      SCOPED_TRACE(::testing::Message() << "call " << at << " of " << calls << ", way " << way);
      FaultyFiles files;
      files.files = start.files;
      files.dies_at = at;
      files.dies_after = way % 2 != 0;
      Promises promises = before;
      try {
        Script script(files, promises, false);
        script.run();
      } catch (const FaultyFiles::Died&) {
      }
      if (way % 4 >= 2) files.crash(random);  // else only the process died
      files.dies_at = files.calls + 1 + way / 2;
      try {
        Bin second(files);
        second.commit();
        second.commit();
      } catch (const FaultyFiles::Died&) {
      }
      files.dies_at = 0;
      files.crash(random);
      check(files, promises);
      if (HasFatalFailure()) return;
    }
  }
}

/// Every byte of a directory with all kinds of frames.
TEST(DamagedQuarantine, KeepsOrBooksEveryItemWhicheverByteIsFlipped) {
  FaultyFiles files;
  {
    Bin one(files);
    for (std::uint64_t n = 1; n <= 5; ++n) one.append(n);
    one.commit();
    for (const Position p : one.positions(1)) one.settle(p, 1);
    for (const Position p : one.positions(0)) one.quarantine(p, 0);
    one.commit();
    ASSERT_EQ(one.journal.replay(5, one.budget, one.wall, one.now), Replay::taken);
    one.journal.drop_quarantined(4, Reason::given_up);
    one.commit();
    one.confirm();
  }
  {
    Bin next(files);  // a snapshot that lists them
    next.commit();
    next.append(6);
    next.commit();
    next.confirm();
  }
  const auto pristine = files.files;
  for (const auto& [name, file] : pristine) {
    const std::size_t used = file.now.find_last_not_of('\0') + 1;
    for (std::size_t at = 0; at < used; ++at) {
      SCOPED_TRACE(::testing::Message() << name << " at " << at);
      files.files = pristine;
      files.aside.clear();
      char& byte = files.files.at(name).now.at(at);
      byte = static_cast<char>(byte ^ 4);
      Bin after(files);
      ASSERT_EQ(after.imbalance(), "");
      const auto held = after.held(0);
      const auto bin = after.quarantined();
      for (const std::uint64_t n : {1U, 2U, 3U, 5U, 6U}) {
        const std::string body = body_of(n);
        if (after.lost() == 0) {
          ASSERT_GE(held.count(body) + bin.count(body), 1U) << n;
        }
      }
      ASSERT_GE(held.size() + bin.size() + after.lost(), 5U);
      after.commit();
      const auto then = std::pair{after.held(0), after.quarantined()};
      after.confirm();
      Bin again(files);
      again.commit();
      ASSERT_EQ(again.lost(), 0U) << "booked a second time";
      ASSERT_EQ((std::pair{again.held(0), again.quarantined()}), then);
    }
  }
}

}  // namespace
}  // namespace forager::journal
