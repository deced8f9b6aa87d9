#include "aws/sts.h"

#include <gtest/gtest.h>

#include "unit/aws/texts.h"

namespace forager::aws {
namespace {

const WebIdentity who{"arn:aws:iam::123456789012:role/app", "", "/var/token"};

constexpr std::string_view good =
    R"(<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleWithWebIdentityResult>
    <SubjectFromWebIdentityToken>system:serviceaccount:a:b</SubjectFromWebIdentityToken>
    <AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/app/x</Arn><AssumedRoleId>AROA:x</AssumedRoleId></AssumedRoleUser>
    <Credentials>
      <AccessKeyId>ASIAEXAMPLE</AccessKeyId><SecretAccessKey>s+/=&amp;</SecretAccessKey>
      <SessionToken>t==</SessionToken><Expiration>2026-01-01T00:00:00Z</Expiration>
    </Credentials>
  </AssumeRoleWithWebIdentityResult>
  <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>
</AssumeRoleWithWebIdentityResponse>)";

std::string error_text(std::string_view code) {
  return "<ErrorResponse><Error><Type>Sender</Type><Code>" + std::string(code) +
         "</Code><Message>said so</Message></Error><RequestId>r</RequestId></ErrorResponse>";
}

TEST(Sts, AsksUnsignedWithAForm) {
  const auto request = web_identity_request(who, "forager-1", Secret("ey.J/+=~"));
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/");
  EXPECT_TRUE(request.secret_headers.empty());
  EXPECT_EQ(header(request, "Authorization"), "");
  EXPECT_EQ(
      request.body.joined(),
      "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%"
      "3A123456789012%3Arole%2Fapp&RoleSessionName=forager-1&WebIdentityToken=ey.J%2F%2B%3D~");
}

TEST(Sts, ReadsTheCredentials) {
  const auto got = web_identity_answer(answer(200, std::string(good)), who);
  ASSERT_TRUE(got) << got.error().what;
  EXPECT_EQ(got->keys.id, "ASIAEXAMPLE");
  EXPECT_EQ(got->keys.secret.reveal(), "s+/=&");
  EXPECT_EQ(got->keys.token.reveal(), "t==");
  EXPECT_EQ(got->expires->time_since_epoch(), std::chrono::seconds(1767225600));
}

TEST(Sts, SaysWhatWasRefusedAndHowToMendIt) {
  const auto got = web_identity_answer(answer(403, error_text("AccessDenied")), who);
  ASSERT_FALSE(got);
  EXPECT_FALSE(got.error().again);
  EXPECT_EQ(got.error().what,
            "STS answered 403 AccessDenied: said so; the trust policy of "
            "arn:aws:iam::123456789012:role/app must allow sts:AssumeRoleWithWebIdentity to this "
            "service account");
}

TEST(Sts, AsksAgainForWhatPassesByItself) {
  const auto again = [](int status, const std::string& body) {
    return web_identity_answer(answer(status, body), who).error().again;
  };
  EXPECT_TRUE(again(400, error_text("IDPCommunicationError")));
  EXPECT_TRUE(again(400, error_text("InvalidIdentityToken")));
  EXPECT_TRUE(again(500, ""));
  EXPECT_TRUE(again(503, "<html>"));
  EXPECT_TRUE(again(429, ""));
  EXPECT_FALSE(again(400, error_text("ExpiredTokenException")));
  EXPECT_FALSE(again(400, error_text("ValidationError")));
  EXPECT_FALSE(again(403, ""));
}

TEST(Sts, RefusesAnAnswerThatLacksAnything) {
  for (const std::string_view part :
       {"AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"}) {
    std::string text(good);
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
      text.replace(at, part.size(), "X" + std::string(part.substr(1)));
    }
    EXPECT_FALSE(web_identity_answer(answer(200, text), who)) << part;
  }
  EXPECT_FALSE(web_identity_answer(answer(200, "{}"), who));
  EXPECT_FALSE(web_identity_answer(answer(302, ""), who));
}

TEST(Sts, NeverShowsASecretInAFailure) {
  const auto got = web_identity_answer(
      answer(200, std::string(good).substr(0, good.find("</SecretAccessKey>"))), who);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().what.find("s+/="), std::string::npos);
}

TEST(Sts, FindsItsEndpoint) {
  EXPECT_EQ(sts_url({}, "eu-west-1"), "https://sts.eu-west-1.amazonaws.com");
  EXPECT_EQ(sts_url({}, "cn-north-1"), "https://sts.cn-north-1.amazonaws.com.cn");
  EXPECT_EQ(sts_url({}, "eusc-de-east-1"), "https://sts.eusc-de-east-1.amazonaws.eu");
  EXPECT_EQ(sts_url({}, ""), "https://sts.amazonaws.com");
  EXPECT_EQ(sts_url(environment({{"AWS_USE_FIPS_ENDPOINT", "True"}}), "us-east-1"),
            "https://sts-fips.us-east-1.amazonaws.com");
  EXPECT_EQ(sts_url(environment({{"AWS_USE_DUALSTACK_ENDPOINT", "true"}}), "us-east-1"),
            "https://sts.us-east-1.api.aws");
  const auto both = environment(
      {{"AWS_ENDPOINT_URL", "http://127.0.0.1:1"}, {"AWS_ENDPOINT_URL_STS", "http://127.0.0.1:2"}});
  EXPECT_EQ(sts_url(both, "us-east-1"), "http://127.0.0.1:2");
}

TEST(Sts, TakesATokenWithoutTheBlanksAroundIt) {
  EXPECT_EQ(web_identity_token(" a.b.c\r\n", "f")->reveal(), "a.b.c");
  EXPECT_FALSE(web_identity_token(" \n", "f"));
  EXPECT_FALSE(web_identity_token(std::string(20'001, 'x'), "f"));
}

TEST(Sts, SaysWhoWeAre) {
  const auto who_are_we = caller_identity_answer(answer(
      200,
      "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::1:user/a</"
      "Arn><UserId>U"
      "</UserId><Account>1</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"));
  ASSERT_TRUE(who_are_we) << who_are_we.error().what;
  EXPECT_EQ(who_are_we->arn, "arn:aws:iam::1:user/a");
  EXPECT_EQ(who_are_we->account, "1");
  EXPECT_EQ(who_are_we->user_id, "U");
  const auto refused = caller_identity_answer(answer(403, error_text("InvalidClientTokenId")));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().what, "STS answered 403 InvalidClientTokenId: said so");
  EXPECT_EQ(caller_identity_request().body.joined(), "Action=GetCallerIdentity&Version=2011-06-15");
}

}  // namespace
}  // namespace forager::aws
