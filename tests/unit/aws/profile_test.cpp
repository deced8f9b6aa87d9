#include "aws/profile.h"

#include <gtest/gtest.h>

#include "unit/aws/texts.h"

namespace forager::aws {
namespace {

constexpr const char* credentials = "/home/a/.aws/credentials";
constexpr const char* config = "/home/a/.aws/config";

Profile read(std::map<std::string, std::string> content,
             std::map<std::string, std::string, std::less<>> variables = {}) {
  variables.emplace("HOME", "/home/a");
  return read_profile(environment(std::move(variables)), files(std::move(content)));
}

std::string trouble(const Profile& of) { return of.trouble ? of.trouble->what : std::string(); }

TEST(Profile, ReadsTheDefaultProfileOfBothFiles) {
  const auto got =
      read({{credentials,
             "# comment\r\n[other]\naws_access_key_id = NOT\n\n[default]\r\n"
             "AWS_ACCESS_KEY_ID = AKIA1  # mine\r\naws_secret_access_key=a#b=c/+\n"
             "aws_session_token =  t==  \n; end\n"},
            {config, "[default]\nregion = eu-west-1\ns3 =\n  addressing_style = path\n"}});
  EXPECT_EQ(trouble(got), "");
  ASSERT_TRUE(got.keys);
  EXPECT_EQ(got.keys->id, "AKIA1");
  EXPECT_EQ(got.keys->secret.reveal(), "a#b=c/+");
  EXPECT_EQ(got.keys->token.reveal(), "t==");
  EXPECT_EQ(got.region, "eu-west-1");
  EXPECT_EQ(got.where, "profile 'default' in /home/a/.aws/credentials");
}

TEST(Profile, FindsANamedProfileByEachFilesHeader) {
  const std::map<std::string, std::string> both{
      {credentials, "[profile prod]\naws_access_key_id=NO\naws_secret_access_key=s\n"},
      {config,
       "[prod]\nregion=wrong\n[sso-session prod]\nregion=wrong\n[profile   \"prod\" ]\n"
       "region=us-west-2\naws_access_key_id=YES\naws_secret_access_key=s\n"}};
  const auto got = read(both, {{"AWS_PROFILE", "prod"}});
  EXPECT_EQ(trouble(got), "");
  ASSERT_TRUE(got.keys);
  EXPECT_EQ(got.keys->id, "YES");
  EXPECT_EQ(got.region, "us-west-2");
  EXPECT_EQ(got.where, "profile 'prod' in /home/a/.aws/config");
}

TEST(Profile, PrefersTheCredentialsFile) {
  const auto got = read({{credentials, "[default]\naws_access_key_id=A\naws_secret_access_key=s"},
                         {config, "[default]\naws_access_key_id=B\naws_secret_access_key=s"}});
  ASSERT_TRUE(got.keys);
  EXPECT_EQ(got.keys->id, "A");
}

TEST(Profile, SectionsOfTheSameNameGrowTogether) {
  const auto got = read(
      {{credentials, "[default]\naws_access_key_id=A\n[x]\n[default]\naws_secret_access_key=s"}});
  ASSERT_TRUE(got.keys);
  EXPECT_EQ(got.keys->secret.reveal(), "s");
}

TEST(Profile, NamesFileAndSectionOfHalfAPair) {
  EXPECT_EQ(trouble(read({{credentials, "[default]\naws_access_key_id=AKIA1\n"}})),
            "profile 'default' in /home/a/.aws/credentials has aws_access_key_id but no "
            "aws_secret_access_key: add it, or take the other out");
  const auto other = trouble(read({{config, "[default]\naws_secret_access_key=hush\n"}}));
  EXPECT_EQ(other.find("profile 'default' in /home/a/.aws/config has aws_secret_access_key"), 0U);
  EXPECT_EQ(other.find("hush"), std::string::npos);
  // halves in two files make no pair
  EXPECT_NE(trouble(read({{credentials, "[default]\naws_access_key_id=A\n"},
                          {config, "[default]\naws_secret_access_key=s\n"}})),
            "");
}

TEST(Profile, SaysWhatIsNotSupportedAndWhatToDo) {
  const std::pair<const char*, const char*> kinds[] = {
      {"role_arn=arn:aws:iam::1:role/r\nsource_profile=b", "assumes a role from another profile"},
      {"role_arn=arn:aws:iam::1:role/r\ncredential_source=Ec2InstanceMetadata",
       "assumes a role from another profile"},
      {"credential_process=/bin/x", "credential_process"},
      {"sso_session=a", "sso_session"},
      {"sso_start_url=https://x", "sso_start_url"},
      {"login_session=a", "login_session"},
      {"role_arn=arn:aws:iam::1:role/r", "role_arn without web_identity_token_file"}};
  for (const auto& [text, word] : kinds) {
    const auto got = read({{config, std::string("[default]\nregion=eu-west-1\n") + text}});
    EXPECT_NE(trouble(got).find(word), std::string::npos) << trouble(got);
    EXPECT_NE(trouble(got).find("not supported: Forager runs where nobody can log in"),
              std::string::npos);
    EXPECT_EQ(got.region, "eu-west-1");
    const auto other = read({{credentials, std::string("[default]\n") + text}});
    EXPECT_NE(trouble(other).find(word), std::string::npos) << trouble(other);
  }
}

TEST(Profile, SkipsNestedValues) {
  const auto got =
      read({{config, "[default]\nregion = eu-west-1\ns3 =\n  region = nested\n\tx\n"}});
  EXPECT_EQ(trouble(got), "");
  EXPECT_EQ(got.region, "eu-west-1");
}

TEST(Profile, NeverUsesThePlainKeysOfAProfileThatAssumesARole) {
  const auto got = read({{credentials, "[default]\naws_access_key_id=A\naws_secret_access_key=s"},
                         {config, "[default]\nrole_arn=arn:x\nsource_profile=default"}});
  EXPECT_NE(trouble(got), "");
}

TEST(Profile, PlainKeysGoBeforeAProcess) {
  const auto got = read(
      {{credentials,
        "[default]\naws_access_key_id=A\naws_secret_access_key=s\ncredential_process=/bin/x"}});
  EXPECT_EQ(trouble(got), "");
  EXPECT_TRUE(got.keys);
}

TEST(Profile, TakesWebIdentity) {
  const auto got = read({{config,
                          "[default]\nrole_arn=arn:aws:iam::1:role/r\nweb_identity_token_file=/t\n"
                          "role_session_name=me"}});
  EXPECT_EQ(trouble(got), "");
  EXPECT_EQ(got.role_arn, "arn:aws:iam::1:role/r");
  EXPECT_EQ(got.web_identity_token_file, "/t");
  EXPECT_EQ(got.role_session_name, "me");
}

TEST(Profile, MissingFilesAreNone) {
  const auto got = read({});
  EXPECT_EQ(trouble(got), "");
  EXPECT_FALSE(got.keys);
  const auto homeless = read_profile({}, files({}));
  EXPECT_EQ(trouble(homeless), "");
}

TEST(Profile, WhatWasNamedMustBeThere) {
  EXPECT_EQ(trouble(read({{credentials, "[default]\n"}}, {{"AWS_PROFILE", "x"}})),
            "there is no profile 'x' (AWS_PROFILE) in /home/a/.aws/credentials or "
            "/home/a/.aws/config");
  EXPECT_NE(trouble(read({}, {{"AWS_SHARED_CREDENTIALS_FILE", "/c"}})).find("/c"),
            std::string::npos);
  const auto there =
      read({{"/home/a/c", "[default]\naws_access_key_id=A\naws_secret_access_key=s"}},
           {{"AWS_SHARED_CREDENTIALS_FILE", "~/c"}});
  EXPECT_TRUE(there.keys);
}

TEST(Profile, NamesTheLineItCannotRead) {
  EXPECT_EQ(trouble(read({{credentials, "[default]\nhush hush\n"}})),
            "/home/a/.aws/credentials:2: neither [section] nor name = value");
  EXPECT_EQ(trouble(read({{config, "\n\n[default\n"}})),
            "/home/a/.aws/config:3: a section has no closing ]");
  EXPECT_NE(trouble(read({{std::string(credentials) + "!", ""}})).find("Permission denied"),
            std::string::npos);
  EXPECT_NE(trouble(read({{credentials,
                           "[default]\naws_access_key_id=\"AKIA\"\naws_secret_access_key=s"}}))
                .find("quotes"),
            std::string::npos);
}

}  // namespace
}  // namespace forager::aws
