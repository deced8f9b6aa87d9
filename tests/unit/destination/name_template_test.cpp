#include "destination/name_template.h"

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace forager::destination {
namespace {

NameTemplate group(std::string_view text) {
  auto made = NameTemplate::parse(text, NameShape::log_group);
  EXPECT_TRUE(made) << made.error().what;
  return *made;
}

TEST(NameTemplate, WithoutPlaceholdersIsFixed) {
  const auto fixed = group("/ecs/app-1_2.3#4");
  EXPECT_TRUE(fixed.fixed());
  EXPECT_EQ(fixed.fixed_name(), "/ecs/app-1_2.3#4");
  EXPECT_EQ(fixed.name({}), "/ecs/app-1_2.3#4");
  EXPECT_EQ(fixed.pattern(), "/ecs/app-1_2.3#4");
}

TEST(NameTemplate, PutsAttributesWhereTheyBelong) {
  const auto made = group("/ecs/{service.name}/{env:dev}x{k8s.pod.name}");
  EXPECT_FALSE(made.fixed());
  EXPECT_EQ(made.keys(), (std::vector<std::string>{"service.name", "env", "k8s.pod.name"}));
  EXPECT_EQ(made.name({"cart", "prod", "p"}), "/ecs/cart/prodxp");
  EXPECT_EQ(made.name({"cart", "", ""}), "/ecs/cart/devxunknown");
  EXPECT_EQ(made.name({}), "/ecs/unknown/devxunknown");
  EXPECT_EQ(made.pattern(), "/ecs/*/*x*");
}

TEST(NameTemplate, ReplacesWhatANameMayNotHold) {
  const auto made = group("{a}");
  EXPECT_EQ(made.name({"my app: \xC3\xA9*"}), "my_app_____");
  EXPECT_EQ(made.name({"aws/spans"}), "aws_spans");
  EXPECT_EQ(made.name({"a/b"}), "a/b");
  EXPECT_EQ(made.name({std::string(600, 'x')}).size(), 512U);
  const auto stream = NameTemplate::parse("{a}", NameShape::log_stream);
  EXPECT_EQ(stream->name({"host:1 [x]*\n"}), "host_1_[x]__");
}

TEST(NameTemplate, SaysWhatIsWrongWithIt) {
  for (const std::string_view text : {"", "/ecs/{service.name", "/ecs/{}", "/ecs/{:x}", "{a{b}}",
                                      "a b", "a:b", "aws/mine", "{a:b c}", "x}y"}) {
    const auto made = NameTemplate::parse(text, NameShape::log_group);
    ASSERT_FALSE(made) << text;
    EXPECT_FALSE(made.error().what.empty());
  }
  EXPECT_FALSE(NameTemplate::parse(std::string(513, 'x'), NameShape::log_group));
  EXPECT_TRUE(NameTemplate::parse(std::string(512, 'x'), NameShape::log_group));
  EXPECT_FALSE(NameTemplate::parse("a*", NameShape::log_stream));
  EXPECT_TRUE(NameTemplate::parse("a|b", NameShape::log_stream));
}

}  // namespace
}  // namespace forager::destination
