#include "destination/key_shape.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace forager::destination {
namespace {

const std::string tail58 = "0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijkl";

TEST(KeyShape, IsToldByLengthPrefixAndAlphabet) {
  ASSERT_EQ(tail58.size(), 58U);
  const std::vector<std::pair<std::string, KeyShape>> keys{
      {std::string(32, 'a'), KeyShape::classic_config},
      {"0123456789abcdef0123456789abcdef", KeyShape::classic_config},
      {"0123456789ABCDEF0123456789abcdef", KeyShape::unknown},
      {std::string(31, 'a'), KeyShape::unknown},
      {std::string(32, 'g'), KeyShape::unknown},
      {"hcaic_" + tail58, KeyShape::classic_ingest},
      {"hczic_" + tail58, KeyShape::classic_ingest},
      {"hcaik_" + tail58, KeyShape::environment_ingest},
      {"hcbik_" + tail58, KeyShape::environment_ingest},
      {"hcaik_" + tail58.substr(1), KeyShape::unknown},
      {"hcaik_" + tail58 + "0", KeyShape::unknown},
      {"hcaik_" + tail58.substr(1) + "A", KeyShape::unknown},
      {"hc1ik_" + tail58, KeyShape::unknown},
      {"hcaxx_" + tail58, KeyShape::unknown},
      {"hcalk_01jabcDEF", KeyShape::environment_config},
      {"hcalk_01 j", KeyShape::unknown},
      {"hcamk_01jabcdef", KeyShape::management},
      {std::string(19, 'a'), KeyShape::unknown},
      {std::string(20, 'Z'), KeyShape::environment_config},
      {std::string(22, '0'), KeyShape::environment_config},
      {std::string(23, 'q'), KeyShape::environment_config},
      {std::string(24, 'q'), KeyShape::unknown},
      {std::string(21, '-'), KeyShape::unknown},
      {"", KeyShape::unknown},
      {"hcaik_", KeyShape::unknown},
  };
  for (const auto& [key, shape] : keys) {
    EXPECT_EQ(describe(classify(key)), describe(shape)) << key;
  }
}

TEST(KeyShape, OnlyTheTwoClassicKindsAreClassic) {
  EXPECT_TRUE(is_classic(KeyShape::classic_config));
  EXPECT_TRUE(is_classic(KeyShape::classic_ingest));
  EXPECT_FALSE(is_classic(KeyShape::environment_config));
  EXPECT_FALSE(is_classic(KeyShape::environment_ingest));
  EXPECT_FALSE(is_classic(KeyShape::management));
  EXPECT_FALSE(is_classic(KeyShape::unknown));
}

TEST(PrintableKey, ShowsThePrefixAndAtMostFourCharacters) {
  EXPECT_EQ(printable_key("hcaik_" + tail58), "hcaik_0123...");
  EXPECT_EQ(printable_key("0123456789abcdef0123456789abcdef"), "0123...");
  EXPECT_EQ(printable_key(std::string(22, 'q')), "qqqq...");
  EXPECT_EQ(printable_key("hcamk_short"), "hcamk_...");
  EXPECT_EQ(printable_key("short"), "...");
  EXPECT_EQ(printable_key(""), "...");
  EXPECT_EQ(printable_key(std::string("\r\n\x1B") + std::string(30, 'x')), "???x...");
}

TEST(WithoutKeys, HidesEveryWordThatCouldBeAKey) {
  EXPECT_EQ(without_keys("key 'hcaik_" + tail58 + "' is unknown"),
            "key 'hcaik_0123...' is unknown");
  EXPECT_EQ(without_keys("hcaik_tooshort"), "hcaik_...");
  EXPECT_EQ(without_keys("team=0123456789abcdef0123456789abcdef;"), "team=0123...;");
  EXPECT_EQ(without_keys("unknown API key - check your credentials"),
            "unknown API key - check your credentials");
  EXPECT_EQ(without_keys(""), "");
}

}  // namespace
}  // namespace forager::destination
