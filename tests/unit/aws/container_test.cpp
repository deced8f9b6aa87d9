#include "aws/container.h"

#include <gtest/gtest.h>

#include "unit/aws/texts.h"

namespace forager::aws {
namespace {

constexpr std::string_view good =
    R"({"RoleArn":"arn","AccessKeyId":"ASIAEXAMPLE","SecretAccessKey":"s\/\u0041","Token":"t==",
       "Expiration":"2026-01-01T00:00:00Z","More":{"a":[1,2]}})";

net::Origin plain(std::string host) { return {false, std::move(host), 80, ""}; }

TEST(Container, UsesTheRelativeUriFirst) {
  const auto both = environment({{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/x?a=b"},
                                 {"AWS_CONTAINER_CREDENTIALS_FULL_URI", "https://host/"}});
  const auto made = container_of(both, ecs_endpoint);
  ASSERT_TRUE(made && *made);
  EXPECT_EQ((*made)->address.base, "http://169.254.170.2");
  EXPECT_EQ((*made)->address.target, "/v2/x?a=b");
  EXPECT_FALSE((*made)->full_uri);
}

TEST(Container, SplitsTheFullUri) {
  const auto made = container_of(
      environment({{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://[fd00:ec2::23]/v1/credentials"}}),
      ecs_endpoint);
  ASSERT_TRUE(made && *made);
  EXPECT_EQ((*made)->address.base, "http://[fd00:ec2::23]");
  EXPECT_EQ((*made)->address.target, "/v1/credentials");
  EXPECT_TRUE((*made)->full_uri);
  EXPECT_EQ(split_url("http://h?x=1")->target, "/?x=1");
  EXPECT_EQ(split_url("http://h")->target, "/");
}

TEST(Container, IsNotThereWithoutItsVariables) {
  const auto made = container_of({}, ecs_endpoint);
  ASSERT_TRUE(made);
  EXPECT_FALSE(*made);
}

TEST(Container, RefusesUrisThatLeadElsewhere) {
  for (const char* relative : {"@evil.example/x", "x", ".evil.example/", ":80@evil.example/"}) {
    EXPECT_FALSE(container_of(environment({{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", relative}}),
                              ecs_endpoint))
        << relative;
  }
  for (const char* full :
       {"127.0.0.1/x", "http://a b/", "http://127.0.0.1/x#y", "http://h/\r\nX: y"}) {
    EXPECT_FALSE(
        container_of(environment({{"AWS_CONTAINER_CREDENTIALS_FULL_URI", full}}), ecs_endpoint))
        << full;
  }
}

TEST(Container, AsksAllowedHostsAlone) {
  for (const char* host :
       {"127.0.0.1", "127.9.8.7", "127.255.255.255", "::1", "0:0:0:0:0:0:0:1", "localhost",
        "169.254.170.2", "169.254.170.23", "fd00:ec2::23", "fd00:0ec2:0:0::23"}) {
    EXPECT_FALSE(refused_host(plain(host))) << host;
  }
  for (const char* host : {"128.0.0.1",
                           "126.255.255.255",
                           "127.1",
                           "0127.0.0.1",
                           "127.0.0.1.evil.example",
                           "127.0.0.01",
                           "2130706433",
                           "0x7f000001",
                           "localhost.evil.example",
                           "localhost.",
                           "evil.example",
                           "169.254.170.3",
                           "169.254.170.24",
                           "169.254.169.254",
                           "169.254.170.230",
                           "::",
                           "::2",
                           "::ffff:127.0.0.1",
                           "::ffff:169.254.170.2",
                           "fd00:ec2::254",
                           "fd00:ec2:1::23",
                           "10.0.0.1",
                           "0.0.0.0",
                           ""}) {
    const auto refused = refused_host(plain(host));
    ASSERT_TRUE(refused) << host;
    EXPECT_NE(refused->what.find("169.254.170.23 or [fd00:ec2::23]"), std::string::npos);
  }
  EXPECT_FALSE(refused_host({true, "evil.example", 443, ""}));
}

TEST(Container, SendsTheTokenAsItIs) {
  const auto request = container_request("/v1", Secret("abc def=="));
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.target, "/v1");
  EXPECT_EQ(header(request, "Authorization"), "abc def==");
  EXPECT_EQ(header(request, "Accept"), "application/json");
  EXPECT_TRUE(container_request("/v1", Secret()).secret_headers.empty());
}

TEST(Container, RefusesATokenWithALineBreakWithoutShowingIt) {
  for (const char* text : {"hush\r\nX-Evil: 1", "hush\n", "\rhush", ""}) {
    const auto token = container_token(text, "/the/file");
    ASSERT_FALSE(token);
    EXPECT_NE(token.error().what.find("/the/file"), std::string::npos);
    EXPECT_EQ(token.error().what.find("hush"), std::string::npos);
  }
}

TEST(Container, ReadsTheKeys) {
  const auto got = container_answer(answer(200, std::string(good)));
  ASSERT_TRUE(got) << got.error().what;
  EXPECT_EQ(got->keys.id, "ASIAEXAMPLE");
  EXPECT_EQ(got->keys.secret.reveal(), "s/A");
  EXPECT_EQ(got->keys.token.reveal(), "t==");
  EXPECT_EQ(got->expires->time_since_epoch(), std::chrono::seconds(1767225600));
}

TEST(Container, RefusesHalfAnAnswer) {
  for (std::size_t size = 0; size < good.size(); ++size) {
    const auto got = keys_of_json(good.substr(0, size));
    ASSERT_FALSE(got) << size;
    EXPECT_EQ(got.error().what.find("s/"), std::string::npos);
  }
  EXPECT_FALSE(keys_of_json(std::string(good) + "x"));
  EXPECT_FALSE(keys_of_json("[]"));
  EXPECT_FALSE(keys_of_json(R"({"AccessKeyId":"A","SecretAccessKey":7})"));
  EXPECT_FALSE(keys_of_json(R"({"AccessKeyId":"A","SecretAccessKey":null})"));
  EXPECT_FALSE(keys_of_json(R"({"AccessKeyId":"A\r\nX: y","SecretAccessKey":"s"})"));
  EXPECT_FALSE(
      keys_of_json(R"({"AccessKeyId":"A","SecretAccessKey":"s","Expiration":"tomorrow"})"));
}

TEST(Container, TakesKeysWithoutEndOrToken) {
  const auto got = keys_of_json(R"({"AccessKeyId":"A","SecretAccessKey":"s"})");
  ASSERT_TRUE(got);
  EXPECT_FALSE(got->expires);
  EXPECT_TRUE(got->keys.token.empty());
}

TEST(Container, SaysWhatTheEndpointSaid) {
  const auto denied = container_answer(answer(403, R"({"message":"no role"})"));
  ASSERT_FALSE(denied);
  EXPECT_FALSE(denied.error().again);
  EXPECT_EQ(
      denied.error().what,
      "the container's credential endpoint answered 403: no role; is the token that belongs to "
      "it given, and does the task or pod have a role?");
  EXPECT_TRUE(container_answer(answer(500, "")).error().again);
  EXPECT_TRUE(container_answer(answer(429, "")).error().again);
  EXPECT_FALSE(container_answer(answer(404, "<html>")).error().again);
}

}  // namespace
}  // namespace forager::aws
