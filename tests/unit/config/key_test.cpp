#include "config/key.h"

#include "unit/config/given.h"

namespace forager::config {
namespace {

TEST(Keys, LoseTheBlanksAroundThem) {
  EXPECT_EQ(parse_key(std::string(" ") + good_key + "\r\n")->reveal(), good_key);
}

TEST(Keys, WithWhatNoHeaderCarriesAreRefusedUnseen) {
  for (const std::string text : {"se\ncret", "se\rcret", "se cret",
                                 "se\x01"
                                 "cret",
                                 "se\x7f"
                                 "cret",
                                 "se\xc3\xa4"
                                 "cret",
                                 "\"secret\"", "'secret'", "", "  \n"}) {
    const auto got = parse_key(text);
    ASSERT_FALSE(got) << text;
    EXPECT_EQ(got.error().what.find("cret"), std::string::npos);
    EXPECT_NE(got.error().what.find(';'), std::string::npos) << "no fix in " << got.error().what;
  }
}

TEST(Keys, AreKnownByTheirShape) {
  const auto kind = [](std::string text) { return kind_of(Secret(std::move(text))); };
  EXPECT_EQ(kind(good_key), KeyKind::ingest);
  EXPECT_EQ(kind(classic_key), KeyKind::classic);
  EXPECT_EQ(kind("hcaic_" + std::string(58, '1')), KeyKind::classic);
  EXPECT_EQ(kind("abcdefghijABCDEFGHIJ12"), KeyKind::configuration);
  EXPECT_EQ(kind("hcxmk_" + std::string(32, '1')), KeyKind::management);
  EXPECT_EQ(kind("hcaik_short"), KeyKind::unknown);
  EXPECT_EQ(kind("password"), KeyKind::unknown);
}

TEST(KeyFiles, AreReadAnewEachTime) {
  std::string content = "first\n";
  const ReadFile read = [&](const std::string&) -> Result<std::string> { return content; };
  EXPECT_EQ(read_key("/k", read)->reveal(), "first");
  content = "second\n";
  EXPECT_EQ(read_key("/k", read)->reveal(), "second");
}

TEST(KeyFiles, ThatCannotBeUsedAreNamed) {
  const ReadFile none = [](const std::string&) -> Result<std::string> {
    return fault("does not exist");
  };
  EXPECT_EQ(read_key("/run/key", none).error().what,
            "key file \"/run/key\" does not exist; put the key there or set HONEYCOMB_API_KEY");
  const ReadFile empty = [](const std::string&) -> Result<std::string> {
    return std::string("\n");
  };
  EXPECT_EQ(read_key("/run/key", empty).error().what,
            "key file \"/run/key\": the content is empty; put the key in it");
}

}  // namespace
}  // namespace forager::config
