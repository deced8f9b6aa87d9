#include "otlp/json_tree.h"

#include <string>

#include <gtest/gtest.h>

namespace forager::otlp {
namespace {

using Kind = JsonTree::Kind;

TEST(JsonTree, FindsMembersInAnyOrder) {
  const std::string text =
      R"( {"b":[1,"two",{"c":null}],"a\u0062":true,"b2":-1.50e3,"e":{},"f":[]} )";
  const auto tree = JsonTree::parse(text);
  ASSERT_TRUE(tree);
  const auto root = tree->root();
  EXPECT_EQ(root.kind(), Kind::object);
  EXPECT_TRUE(root.get("ab").is_true()) << "a name is compared as what it means";
  EXPECT_EQ(root.get("b2").raw(), "-1.50e3") << "numbers stay as they were written";
  const auto list = root.get("b");
  EXPECT_EQ(list.raw(), R"([1,"two",{"c":null}])");
  EXPECT_EQ(list.first().raw(), "1");
  EXPECT_EQ(list.first().next().text(), "two");
  EXPECT_EQ(list.first().next().next().get("c").kind(), Kind::null);
  EXPECT_FALSE(list.first().next().next().next());
  EXPECT_FALSE(root.get("e").first());
  EXPECT_FALSE(root.get("f").first());
  EXPECT_EQ(root.first().name(), "b");
  EXPECT_EQ(root.first().next().name(), "ab");
}

TEST(JsonTree, SaysNothingWhereThereIsNothing) {
  const auto tree = JsonTree::parse(R"({"a":1})");
  ASSERT_TRUE(tree);
  const auto missing = tree->root().get("b").get("c").first().next();
  EXPECT_FALSE(missing);
  EXPECT_EQ(missing.kind(), Kind::none);
  EXPECT_EQ(missing.text() + missing.name() + std::string(missing.raw()), "");
  EXPECT_FALSE(tree->root().get("a").get("b")) << "a number has no members";
  EXPECT_EQ(tree->root().get("a").text(), "") << "and is no text";
}

TEST(JsonTree, TakesTheLastOfSeveralMembersAndMendsText) {
  const std::string text = "{\"a\":\"one\",\"a\":\"caf\\u00e9 \xff \\ud800\"}";
  const auto tree = JsonTree::parse(text);
  ASSERT_TRUE(tree);
  EXPECT_EQ(tree->root().get("a").text(), "caf\xc3\xa9 ? ?");
}

TEST(JsonTree, RefusesWhatIsNotOneValueOrTooMuch) {
  for (const std::string_view bad :
       {"", " ", "{", "[1", "[1,]", "{\"a\"}", "{\"a\":}", "{a:1}", "{} {}", "1 2", "tru", "01",
        "\"a", "\"\\x\"", "{\"a\":1,}", "nan", "]"})
    EXPECT_FALSE(JsonTree::parse(bad)) << bad;
  EXPECT_TRUE(JsonTree::parse("[[[]]]", 2));
  EXPECT_FALSE(JsonTree::parse("[[[]]]", 1));
  EXPECT_TRUE(JsonTree::parse("[1,2]", 64, 3));
  EXPECT_FALSE(JsonTree::parse("[1,2,3]", 64, 3));
}

}  // namespace
}  // namespace forager::otlp
