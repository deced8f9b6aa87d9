// A single item that is refused as too large is sent once more, written smaller.
#include <algorithm>
#include <utility>
#include <vector>

#include "unit/export/world.h"

namespace forager::exporter {
namespace {

using destination::Delivered;
using destination::Retry;
using destination::TakeApart;
using ledger::Reason;
using std::chrono::minutes;
using std::chrono::seconds;
using test::World;
using Numbers = std::vector<std::uint64_t>;

TEST(Squeezing, TriesASingleItemOnceBeforeItIsGivenUp) {
  World w;
  w.add({.first = 1, .items = 4, .padding = 1000});
  w.add({.first = 5, .items = 1});
  std::vector<std::pair<Numbers, bool>> sent;
  while (Attempt* attempt = w.send()) {
    const Numbers numbers = w.numbers(*attempt);
    sent.emplace_back(numbers, attempt->squeezed);
    attempt->encoded = destination::Encoded{};
    const bool hopeless = std::ranges::count(numbers, 3U) != 0;
    const bool large = hopeless || std::ranges::count(numbers, 2U) != 0;
    const bool refused = attempt->squeezed ? hopeless : large;
    w.answer(attempt, refused ? destination::Verdict(TakeApart{"413", false, true})
                              : destination::Verdict(Delivered{}));
    EXPECT_EQ(w.imbalance(), "");
  }
  const auto times = [&](std::uint64_t number, bool squeezed) {
    return std::ranges::count(sent, std::pair(Numbers{number}, squeezed));
  };
  EXPECT_EQ(times(2, false), 1);
  EXPECT_EQ(times(2, true), 1);
  EXPECT_EQ(times(3, false), 1);
  EXPECT_EQ(times(3, true), 1);
  EXPECT_EQ(times(1, true) + times(4, true), 0);
  EXPECT_EQ(w.count(Reason::delivered), 4U);
  EXPECT_EQ(w.count(Reason::refused_alone), 1U);
  EXPECT_TRUE(w.delivery.drained());
}

TEST(Squeezing, EncodesTheItemAnew) {
  World w;
  w.add({.first = 1, .items = 1});
  Attempt* attempt = w.send();
  attempt->encoded = destination::Encoded{};
  w.answer(attempt, TakeApart{"413", false, true});
  attempt = w.send();
  ASSERT_NE(attempt, nullptr);
  EXPECT_TRUE(attempt->squeezed);
  EXPECT_FALSE(attempt->encoded.has_value());
  w.answer(attempt, Retry{{}, "503", false});
  w.now += minutes(2);
  attempt = w.send();
  ASSERT_NE(attempt, nullptr);
  EXPECT_TRUE(attempt->squeezed) << "and stays so when it is sent again";
}

TEST(Squeezing, IsForEachRequestOfAnItem) {
  test::Like like;
  like.screen = [](std::uint64_t) {
    destination::Stretch made;
    made.requests = 2;
    return made;
  };
  World world({}, {}, like);
  world.add({.first = 1, .items = 1});
  std::vector<std::pair<std::uint32_t, bool>> sent;
  while (Attempt* attempt = world.send()) {
    sent.emplace_back(attempt->step, attempt->squeezed);
    world.answer(attempt, attempt->squeezed ? destination::Verdict(Delivered{0, {}, seconds(5)})
                                            : destination::Verdict(TakeApart{"413", false, true}));
    if (sent.size() == 2) {
      EXPECT_GE(world.wait(), seconds(5)) << "between requests of one item too";
      world.now += seconds(6);
    }
  }
  EXPECT_EQ(sent, (std::vector<std::pair<std::uint32_t, bool>>{
                      {0, false}, {0, true}, {1, false}, {1, true}}));
  EXPECT_EQ(world.count(Reason::delivered), 1U);
  EXPECT_TRUE(world.delivery.drained());
}

}  // namespace
}  // namespace forager::exporter
