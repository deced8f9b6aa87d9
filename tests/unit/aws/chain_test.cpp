#include "aws/chain.h"

#include <gtest/gtest.h>

#include "aws/region.h"
#include "unit/aws/texts.h"

namespace forager::aws {
namespace {

using Variables = std::map<std::string, std::string, std::less<>>;

const Variables keys{{"AWS_ACCESS_KEY_ID", "AKIAENV"}, {"AWS_SECRET_ACCESS_KEY", "s"}};
const Variables web{{"AWS_WEB_IDENTITY_TOKEN_FILE", "/t"},
                    {"AWS_ROLE_ARN", "arn:aws:iam::1:role/r"}};
const Variables container{{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/x"}};

Result<Source> chosen(std::initializer_list<Variables> from,
                      std::map<std::string, std::string> content = {}) {
  Variables all{{"HOME", "/h"}};
  for (const Variables& each : from) all.insert(each.begin(), each.end());
  const Environment with = environment(all);
  return choose(with, read_profile(with, files(std::move(content))), ecs_endpoint);
}

const std::map<std::string, std::string> shared{
    {"/h/.aws/credentials", "[default]\naws_access_key_id=AKIAFILE\naws_secret_access_key=s\n"}};

template <class Kind>
bool is(const Result<Source>& source) {
  return source && std::holds_alternative<Kind>(source->what);
}

TEST(Chain, TheFirstThatIsConfiguredIsTheOne) {
  const auto first = chosen({keys, web, container}, shared);
  ASSERT_TRUE(is<Plain>(first));
  EXPECT_EQ(std::get<Plain>(first->what).keys.id, "AKIAENV");
  EXPECT_FALSE(std::get<Plain>(first->what).from_file);
  const auto second = chosen({web, container}, shared);
  ASSERT_TRUE(is<Plain>(second));
  EXPECT_EQ(std::get<Plain>(second->what).keys.id, "AKIAFILE");
  EXPECT_TRUE(std::get<Plain>(second->what).from_file);
  EXPECT_TRUE(is<WebIdentity>(chosen({web, container})));
  EXPECT_TRUE(is<Container>(chosen({container})));
  EXPECT_TRUE(is<Imds>(chosen({})));
}

TEST(Chain, AWrongOneIsReportedAndNotPassedOver) {
  const auto half = chosen({{{"AWS_ACCESS_KEY_ID", "AKIA"}}, web, container}, shared);
  ASSERT_FALSE(half);
  EXPECT_EQ(half.error().what,
            "AWS_ACCESS_KEY_ID is set but AWS_SECRET_ACCESS_KEY is not: set both, or neither");
  EXPECT_FALSE(chosen({{{"AWS_SECRET_ACCESS_KEY", "s"}}}, shared));
  EXPECT_FALSE(chosen({{{"AWS_ACCESS_KEY_ID", "AK IA"}, {"AWS_SECRET_ACCESS_KEY", "s"}}}));
  EXPECT_FALSE(chosen({web}, {{"/h/.aws/config", "[default]\nsso_session=x\n"}}));
  EXPECT_FALSE(chosen({{{"AWS_WEB_IDENTITY_TOKEN_FILE", "/t"}}, container}));
  EXPECT_FALSE(chosen({web, {{"AWS_ROLE_SESSION_NAME", "a b"}}}));
  EXPECT_FALSE(chosen({{{"AWS_WEB_IDENTITY_TOKEN_FILE", "/t"}, {"AWS_ROLE_ARN", "role"}}}));
  EXPECT_FALSE(chosen({{{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "nonsense"}}}));
}

TEST(Chain, TheInstanceIsLastAndCanBeTurnedOff) {
  const auto off = chosen({{{"AWS_EC2_METADATA_DISABLED", "TRUE"}}});
  ASSERT_FALSE(off);
  EXPECT_NE(off.error().what.find("AWS_EC2_METADATA_DISABLED"), std::string::npos);
  EXPECT_NE(off.error().what.find("set AWS_ACCESS_KEY_ID"), std::string::npos);
  EXPECT_TRUE(is<Imds>(chosen({{{"AWS_EC2_METADATA_DISABLED", "false"}}})));
}

TEST(Chain, EmptyVariablesAreNotSet) {
  EXPECT_TRUE(is<Imds>(chosen({{{"AWS_ACCESS_KEY_ID", ""},
                                {"AWS_SECRET_ACCESS_KEY", ""},
                                {"AWS_WEB_IDENTITY_TOKEN_FILE", ""},
                                {"AWS_CONTAINER_CREDENTIALS_FULL_URI", ""}}})));
}

TEST(Chain, AProfileCanHoldWebIdentity) {
  const auto got = chosen({container}, {{"/h/.aws/config",
                                         "[default]\nrole_arn=arn:aws:iam::1:role/r\n"
                                         "web_identity_token_file=/t\n"}});
  ASSERT_TRUE(is<WebIdentity>(got));
  EXPECT_EQ(got->name, "web identity of profile 'default' in /h/.aws/config");
}

TEST(Chain, KeyIdsAreShownByTheirEnds) {
  EXPECT_EQ(shown_key_id("AKIAIOSFODNN7EXAMPLE"), "AKIA...MPLE");
  EXPECT_EQ(shown_key_id("AKIAENV"), "AKI...");
  EXPECT_EQ(shown_key_id("test"), "te...");
  EXPECT_EQ(shown_key_id(""), "...");
}

TEST(Region, ComesFromTheFirstWhoKnows) {
  const auto region = [](Variables variables, const std::string& in_profile) {
    Profile profile;
    profile.name = "p";
    profile.region = in_profile;
    const auto found = region_of(environment(std::move(variables)), profile);
    if (!found) return "fault: " + found.error().what;
    return *found ? (*found)->name + " from " + (*found)->from : std::string("none");
  };
  EXPECT_EQ(region({{"AWS_REGION", "a-1"}, {"AWS_DEFAULT_REGION", "b-1"}}, "c-1"),
            "a-1 from AWS_REGION");
  EXPECT_EQ(region({{"AWS_DEFAULT_REGION", "b-1"}}, "c-1"), "b-1 from AWS_DEFAULT_REGION");
  EXPECT_EQ(region({}, "c-1"), "c-1 from profile 'p'");
  EXPECT_EQ(region({}, ""), "none");
  for (const char* bad : {"eu-west-1.evil.example/", "EU-WEST-1", "eu west", "-a", "a@b"}) {
    EXPECT_EQ(region({{"AWS_REGION", bad}}, "").find("fault: "), 0U) << bad;
  }
}

TEST(Region, IsPartOfAnArn) {
  EXPECT_EQ(region_of_arn("arn:aws:ecs:us-west-2:111122223333:task/c/1"), "us-west-2");
  EXPECT_EQ(account_of_arn("arn:aws:ecs:us-west-2:111122223333:task/c/1"), "111122223333");
  EXPECT_EQ(region_of_arn("nonsense"), "");
  EXPECT_EQ(region_of_arn("arn:aws"), "");
}

}  // namespace
}  // namespace forager::aws
