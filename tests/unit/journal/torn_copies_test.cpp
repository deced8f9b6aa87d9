// A power cut while what an earlier run maybe never synced is written again.
#include <random>

#include <gtest/gtest.h>

#include "unit/journal/bin.h"

namespace forager::journal {
namespace {

using test::FaultyFiles;

/// Two items of one record in a frame that was written and never synced: a second life writes them
/// again, and the power goes before that is synced.
void lose_power_in_the_copy(std::uint64_t seed) {
  std::mt19937_64 random{seed};
  FaultyFiles files;
  const auto die_after = [&files](std::uint64_t calls, const auto& act) {
    files.dies_at = files.calls + calls;
    files.dies_after = true;
    try {
      act();
    } catch (const FaultyFiles::Died&) {
    }
    files.dies_at = 0;
  };
  constexpr std::uint32_t items = 3;
  {
    Bin one(files);
    const Position p = one.append(random() % 40, Signal::traces, Audience{}, items).value();
    one.append(random() % 40);
    one.commit();
    const std::uint64_t let_go = random() % 3;  // the rest of its record is what the copy has
    for (std::uint32_t i = 0; i < items; ++i) one.quarantine(p);
    if (let_go == 1) one.bin.let_go(one.bin.kept().front().number);
    die_after(1, [&] { one.commit(); });
  }
  const bool all = [&] {
    Bin two(files);
    const bool whole = two.bin.kept().size() == items;
    die_after(1 + random() % 3, [&] { two.commit(); });
    return whole;
  }();
  files.crash(random);
  Bin last(files);
  std::uint64_t held = 0;
  for (const Position p : last.positions()) {
    if (last.journal.find(p)->items == items) held = last.journal.remaining(0, p);
  }
  const std::size_t kept = last.bin.kept().size();
  if (held == 0) {
    ASSERT_EQ(kept, items - (all ? 0U : 1U)) << "part of them is nowhere";
  } else {
    ASSERT_EQ(held, items);
    ASSERT_EQ(kept, 0U) << "held and in quarantine";
  }
  ASSERT_EQ(last.lost(), 0U);
  ASSERT_EQ(last.imbalance(), "");
  last.commit();
  last.confirm();
  Bin again(files);
  ASSERT_EQ(again.bin.kept().size(), kept);
}

TEST(TornCopies, OfOneRecordAreAllThereOrNone) {
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    lose_power_in_the_copy(seed);
    if (::testing::Test::HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace forager::journal
