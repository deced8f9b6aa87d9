#include "otlp/resource_text.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace forager::otlp {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<Attribute> read(std::string_view text) {
  const auto made = parse_resource_text(text);
  EXPECT_TRUE(made) << (made ? "" : made.error().what);
  return made ? *made : std::vector<Attribute>{};
}
std::string refused(std::string_view text) {
  const auto made = parse_resource_text(text);
  EXPECT_FALSE(made);
  return made ? std::string() : made.error().what;
}

TEST(ResourceText, ReadsPairsAtCommas) {
  EXPECT_THAT(read("service.name=cart,deployment.environment.name=prod"),
              ElementsAre(Attribute{"service.name", "cart"},
                          Attribute{"deployment.environment.name", "prod"}));
  EXPECT_TRUE(read("").empty());
  EXPECT_THAT(read(" a = b c ,, d=,"), ElementsAre(Attribute{"a", "b c"}, Attribute{"d", ""}));
}

TEST(ResourceText, DecodesPercents) {
  EXPECT_THAT(read("k%3D%2c=%2C%3d%25%20+,gr%C3%BC%C3%9Fe=%e2%82%ac"),
              ElementsAre(Attribute{"k=,", ",=% +"}, Attribute{"gr\xc3\xbc\xc3\x9f"
                                                               "e",
                                                               "\xe2\x82\xac"}));
}

TEST(ResourceText, LetsAValueHoldEqualsSigns) {
  EXPECT_THAT(read("token=YQ=="), ElementsAre(Attribute{"token", "YQ=="}));
}

TEST(ResourceText, TakesTheLastOfAKey) {
  EXPECT_THAT(read("a=1,b=2,a=3"), ElementsAre(Attribute{"a", "3"}, Attribute{"b", "2"}));
}

TEST(ResourceText, DiscardsAllOfItOnAnyError) {
  EXPECT_THAT(refused("a=1,bc,d=2"), HasSubstr("no = in its member 2"));
  EXPECT_THAT(refused("a=1,=2"), HasSubstr("no key before the = of its member 2"));
  EXPECT_THAT(refused("a=100%"), HasSubstr("% without two hexadecimal digits in its member 1"));
  EXPECT_THAT(refused("a=%4"), HasSubstr("% without"));
  EXPECT_THAT(refused("a=%4g"), HasSubstr("% without"));
  EXPECT_THAT(refused("%zz=1"), HasSubstr("% without"));
  EXPECT_THAT(refused("a=%ff"), HasSubstr("isn't UTF-8 in its member 1"));
  EXPECT_THAT(refused("\xc3=1"), HasSubstr("isn't UTF-8"));
}

TEST(ResourceText, NeverRepeatsAValue) {
  EXPECT_THAT(refused("a=hunter2%"), testing::Not(HasSubstr("hunter2")));
}

TEST(ResourceText, HasAnEnd) {
  std::string text;
  for (std::size_t i = 0; i < resource_text_attributes_max; ++i) text += std::to_string(i) + "=,";
  EXPECT_EQ(read(text).size(), resource_text_attributes_max);
  EXPECT_THAT(refused(text + "one=more"), HasSubstr("65 attributes; 64 are allowed"));
  EXPECT_EQ(read("a=" + std::string(resource_text_bytes_max - 2, 'b')).size(), 1U);
  EXPECT_THAT(refused("a=" + std::string(resource_text_bytes_max - 1, 'b')), HasSubstr("bytes"));
}

}  // namespace
}  // namespace forager::otlp
