#include "base/memory.h"

#include <gtest/gtest.h>

namespace forager {
namespace {

constexpr std::size_t mib = std::size_t{1} << 20U;

TEST(Ebb, TellsOnceThatATideHasGone) {
  Ebb ebb;
  EXPECT_FALSE(ebb.fell(100 * mib));
  EXPECT_FALSE(ebb.fell(51 * mib)) << "more than half is still there";
  EXPECT_TRUE(ebb.fell(50 * mib));
  EXPECT_FALSE(ebb.fell(50 * mib));
  EXPECT_TRUE(ebb.fell(4 * mib)) << "it went on falling";
  EXPECT_FALSE(ebb.fell(0)) << "what is left isn't worth it";
}

TEST(Ebb, LeavesASteadyStreamAlone) {
  Ebb ebb;
  for (int i = 0; i < 100; ++i) {
    EXPECT_FALSE(ebb.fell(7 * mib));
    EXPECT_FALSE(ebb.fell(0));
  }
}

}  // namespace
}  // namespace forager
