#include "admit/keys.h"

#include <gtest/gtest.h>

namespace forager::admit {
namespace {

using config::KeyPolicy;
using Kind = KeyRefused::Kind;

KeyRing ring(KeyPolicy policy, const char* own = "ours") {
  return {policy, Secret(own), Secret("salt of a test, 32 bytes long....")};
}
std::optional<Secret> key(const char* text) { return Secret(text); }

/// "key/dataset" that a request with this pair goes out with, or what was said against it.
std::string sent_with(KeyRing& keys, const std::optional<Secret>& k,
                      const std::optional<std::string>& dataset) {
  const auto group = keys.group_of(k, dataset);
  if (const auto* refused = std::get_if<KeyRefused>(&group)) {
    return refused->kind == Kind::malformed         ? "malformed"
           : refused->kind == Kind::unauthenticated ? "unauthenticated"
                                                    : "too many";
  }
  const auto credentials = keys.credentials(std::get<journal::GroupId>(group));
  if (!credentials) return "nothing";
  return std::string(credentials->key.reveal()) + "/" + credentials->dataset;
}

TEST(KeyRing, ReplacesWhateverTheAppSends) {
  KeyRing keys = ring(KeyPolicy::replace);
  EXPECT_EQ(sent_with(keys, std::nullopt, std::nullopt), "ours/");
  EXPECT_EQ(sent_with(keys, key("old wrong key"), "theirs"), "ours/");
  EXPECT_EQ(sent_with(keys, key("bad\r\nkey"), std::string(5000, 'x')), "ours/");
  EXPECT_EQ(std::get<journal::GroupId>(keys.group_of(key("k"), "d")), journal::own_group);
  EXPECT_EQ(keys.groups(), 1U);
}

TEST(KeyRing, FillsInOurKeyOnlyIfItIsMissing) {
  KeyRing keys = ring(KeyPolicy::if_missing);
  EXPECT_EQ(sent_with(keys, key("theirs"), std::nullopt), "theirs/");
  EXPECT_EQ(sent_with(keys, key("theirs"), "d"), "theirs/d");
  EXPECT_EQ(sent_with(keys, std::nullopt, std::nullopt), "ours/");
  EXPECT_EQ(sent_with(keys, key(""), ""), "ours/");
  EXPECT_EQ(sent_with(keys, std::nullopt, "d"), "ours/d");
}

TEST(KeyRing, PassesTheAppsKeyThroughAndAsksForOne) {
  KeyRing keys = ring(KeyPolicy::pass_through);
  EXPECT_EQ(sent_with(keys, key("theirs"), "d"), "theirs/d");
  EXPECT_EQ(sent_with(keys, std::nullopt, "d"), "unauthenticated");
  EXPECT_EQ(sent_with(keys, key(""), std::nullopt), "unauthenticated");
  const auto why = keys.objection(std::nullopt, std::nullopt);
  ASSERT_TRUE(why);
  EXPECT_NE(why->message.find("OTEL_EXPORTER_OTLP_HEADERS=x-honeycomb-team="), std::string::npos);
}

TEST(KeyRing, GivesEachPairOneGroup) {
  KeyRing keys = ring(KeyPolicy::pass_through);
  const auto a = std::get<journal::GroupId>(keys.group_of(key("a"), "d"));
  EXPECT_EQ(std::get<journal::GroupId>(keys.group_of(key("a"), "d")), a);
  EXPECT_NE(std::get<journal::GroupId>(keys.group_of(key("a"), std::nullopt)), a);
  EXPECT_NE(std::get<journal::GroupId>(keys.group_of(key("b"), "d")), a);
  EXPECT_NE(std::get<journal::GroupId>(keys.group_of(key("ad"), std::nullopt)), a);
  EXPECT_EQ(keys.groups(), 5U);
}

TEST(KeyRing, RefusesWhatNoHeaderCanCarry) {
  KeyRing keys = ring(KeyPolicy::pass_through);
  EXPECT_EQ(sent_with(keys, key("a\r\nb"), std::nullopt), "malformed");
  EXPECT_EQ(sent_with(keys, key("a\tb"), std::nullopt), "malformed");
  EXPECT_EQ(sent_with(keys, key("a\x7f"), std::nullopt), "malformed");
  EXPECT_EQ(sent_with(keys, key("a"), "d\n"), "malformed");
  EXPECT_EQ(sent_with(keys, Secret(std::string(512, 'k')), std::nullopt),
            std::string(512, 'k') + "/");
  EXPECT_EQ(sent_with(keys, Secret(std::string(513, 'k')), std::nullopt), "malformed");
  const auto why = keys.objection(key("secret\n"), std::nullopt);
  EXPECT_EQ(why->message.find("secret"), std::string::npos);
}

TEST(KeyRing, StopsAtAThousandGroupsAndStillServesThose) {
  KeyRing keys = ring(KeyPolicy::pass_through);
  for (std::size_t i = 1; i < KeyRing::groups_max; ++i) {
    EXPECT_TRUE(std::holds_alternative<journal::GroupId>(
        keys.group_of(Secret(std::to_string(i)), std::nullopt)));
  }
  EXPECT_EQ(sent_with(keys, key("one more"), std::nullopt), "too many");
  EXPECT_EQ(sent_with(keys, key("17"), std::nullopt), "17/");
}

TEST(KeyRing, TakesANewOwnKeyFromTheNextAttemptOn) {
  KeyRing keys = ring(KeyPolicy::if_missing);
  const auto own_with_dataset = std::get<journal::GroupId>(keys.group_of(std::nullopt, "d"));
  const auto theirs = std::get<journal::GroupId>(keys.group_of(key("theirs"), std::nullopt));
  keys.set_own(Secret("new"));
  EXPECT_EQ(keys.credentials(journal::own_group)->key.reveal(), "new");
  EXPECT_EQ(keys.credentials(own_with_dataset)->key.reveal(), "new");
  EXPECT_EQ(keys.credentials(theirs)->key.reveal(), "theirs");
}

TEST(KeyRing, HasNoCredentialsWithoutAKeyOrForAGroupItDoesNotKnow) {
  KeyRing keys = ring(KeyPolicy::replace, "");
  EXPECT_FALSE(keys.credentials(journal::own_group));
  EXPECT_FALSE(keys.credentials(77));
}

TEST(KeyRing, SaltsAreRandom) {
  const Secret a = KeyRing::random_salt();
  EXPECT_EQ(a.reveal().size(), 32U);
  EXPECT_FALSE(a == KeyRing::random_salt());
}

}  // namespace
}  // namespace forager::admit
