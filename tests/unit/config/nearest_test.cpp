#include "config/nearest.h"

#include <array>

#include <gtest/gtest.h>

namespace forager::config {
namespace {

constexpr std::array<std::string_view, 4> names{"FORAGER_BATCH_LINGER", "FORAGER_BATCH_BYTES",
                                                "HONEYCOMB_API_KEY", "honeycomb.api_key_file"};

TEST(Nearest, FindsWhatWasMeant) {
  EXPECT_EQ(nearest("FORAGER_BATCH_LINGR", names), "FORAGER_BATCH_LINGER");
  EXPECT_EQ(nearest("FORAGER_BACTH_BYTES", names), "FORAGER_BATCH_BYTES");
  EXPECT_EQ(nearest("FORAGER_HONEYCOMB_API_KEY", names), "HONEYCOMB_API_KEY");
  EXPECT_EQ(nearest("honeycomb_api_key_file", names), "honeycomb.api_key_file");
  EXPECT_EQ(nearest("--batch-linger", names), "FORAGER_BATCH_LINGER");
}

TEST(Nearest, SaysNothingWhenNothingIsNear) {
  EXPECT_EQ(nearest("FORAGER_XYZZY", names), "");
  EXPECT_EQ(nearest("", names), "");
  EXPECT_EQ(nearest(std::string(100'000, 'x'), names), "");
  EXPECT_EQ(did_you_mean("qqqq", names), "");
}

}  // namespace
}  // namespace forager::config
