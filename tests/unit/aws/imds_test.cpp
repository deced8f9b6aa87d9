#include "aws/imds.h"

#include <gtest/gtest.h>

#include "unit/aws/texts.h"

namespace forager::aws {
namespace {

using Kind = net::TransportError::Kind;
const Imds usual{"http://169.254.169.254", true};
const Imds strict{"http://169.254.169.254", false};

TEST(Imds, FindsItsEndpoint) {
  EXPECT_EQ(imds_of({}).base, "http://169.254.169.254");
  EXPECT_EQ(imds_of(environment({{"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv6"}})).base,
            "http://[fd00:ec2::254]");
  EXPECT_EQ(imds_of(environment({{"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv6"},
                                 {"AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1/"}}))
                .base,
            "http://127.0.0.1:1");
  EXPECT_TRUE(imds_of({}).v1_allowed);
  EXPECT_FALSE(imds_of(environment({{"AWS_EC2_METADATA_V1_DISABLED", "true"}})).v1_allowed);
}

TEST(Imds, AsksForATokenAndShowsIt) {
  const auto first = imds_token_request();
  EXPECT_EQ(first.method, "PUT");
  EXPECT_EQ(first.target, "/latest/api/token");
  EXPECT_EQ(header(first, "x-aws-ec2-metadata-token-ttl-seconds"), "21600");
  const auto second = imds_request("/x", Secret("tok"));
  EXPECT_EQ(second.method, "GET");
  EXPECT_EQ(header(second, "x-aws-ec2-metadata-token"), "tok");
  EXPECT_TRUE(imds_request("/x", Secret()).secret_headers.empty());
}

TEST(Imds, FallsBackToVersionOneWhereItMay) {
  for (const int status : {403, 404, 405}) {
    EXPECT_TRUE(std::holds_alternative<UseV1>(imds_token_answer(answer(status, ""), usual)));
    EXPECT_TRUE(std::holds_alternative<Failure>(imds_token_answer(answer(status, ""), strict)));
  }
  EXPECT_TRUE(std::holds_alternative<Failure>(imds_token_answer(answer(400, ""), usual)));
  EXPECT_TRUE(std::holds_alternative<Failure>(imds_token_answer(answer(500, ""), usual)));
  EXPECT_TRUE(std::holds_alternative<UseV1>(imds_no_token({Kind::timeout, "t"}, usual)));
  EXPECT_TRUE(std::holds_alternative<Failure>(imds_no_token({Kind::connect, "t"}, usual)));
  const auto said = imds_no_token({Kind::timeout, "timed out"}, strict);
  ASSERT_TRUE(std::holds_alternative<Failure>(said));
  EXPECT_NE(std::get<Failure>(said).what.find("hop limit"), std::string::npos);
}

TEST(Imds, RefusesATokenThatNoHeaderCanCarry) {
  EXPECT_TRUE(std::holds_alternative<Secret>(imds_token_answer(answer(200, "AQ=="), usual)));
  for (const char* body : {"", "a\r\nX: y", "a b", "\x80"}) {
    EXPECT_TRUE(std::holds_alternative<Failure>(imds_token_answer(answer(200, body), usual)))
        << body;
  }
}

TEST(Imds, TakesTheRoleOfTheFirstLine) {
  EXPECT_EQ(*imds_role_answer(answer(200, "my-role_+=,.@1\nother")), "my-role_+=,.@1");
  EXPECT_FALSE(imds_role_answer(answer(200, "")));
  EXPECT_FALSE(imds_role_answer(answer(200, "../../x")));
  EXPECT_FALSE(imds_role_answer(answer(200, "<html>")));
  EXPECT_FALSE(imds_role_answer(answer(500, "")));
  const auto none = imds_role_answer(answer(404, ""));
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().what.find("instance profile"), std::string::npos);
}

TEST(Imds, ReadsTheKeysOfTheRole) {
  const std::string good =
      R"({"Code":"Success","LastUpdated":"x","Type":"AWS-HMAC","AccessKeyId":"ASIAX","SecretAccessKey":"s","Token":"t","Expiration":"2026-01-01T00:00:00Z"})";
  const auto got = imds_keys_answer(answer(200, good), "r");
  ASSERT_TRUE(got) << got.error().what;
  EXPECT_EQ(got->keys.id, "ASIAX");
  EXPECT_FALSE(imds_keys_answer(answer(404, good), "r"));
  const auto failed =
      imds_keys_answer(answer(200, R"({"Code":"AssumeRoleUnauthorizedAccess"})"), "r");
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().what.find("AssumeRoleUnauthorizedAccess"), std::string::npos);
}

}  // namespace
}  // namespace forager::aws
