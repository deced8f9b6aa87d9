#include <gtest/gtest.h>

#include "aws/provider.h"
#include "unit/aws_live/running.h"

namespace forager::aws {
namespace {

TEST(Provider, TakesTheEnvironmentAndAsksNobody) {
  Running it({{"AWS_ACCESS_KEY_ID", "AKIAENVENVENVENV"},
              {"AWS_SECRET_ACCESS_KEY", "hush"},
              {"AWS_SESSION_TOKEN", "hush too"}});
  ASSERT_TRUE(it.has("AKIAENVENVENVENV"));
  EXPECT_EQ(it.provider().current()->secret.reveal(), "hush");
  EXPECT_EQ(it.provider().current()->token.reveal(), "hush too");
  const auto state = it.provider().state();
  EXPECT_EQ(state.source, "environment variables");
  EXPECT_EQ(state.key_id, "AKIA...VENV");
  EXPECT_FALSE(state.expires_in);
  EXPECT_EQ(state.trouble, "");
  EXPECT_EQ(it.changes(), 1);
}

TEST(Provider, SeesThatACredentialsFileWasSwapped) {
  std::string content = "[default]\naws_access_key_id=AKIAONEONEONEONE\naws_secret_access_key=s\n";
  auto settings = Running::settings_of({{"HOME", "/h"}});
  settings.read_file = [&content](const std::string& path) -> Result<std::optional<std::string>> {
    if (path != "/h/.aws/credentials") return std::nullopt;
    return std::make_optional(content);
  };
  Running it(std::move(settings));
  ASSERT_TRUE(it.has("AKIAONEONEONEONE"));
  content = "[default]\naws_access_key_id=AKIATWOTWOTWOTWO\n";  // half written
  EXPECT_TRUE(holds(it.trouble(), "no aws_secret_access_key"));
  EXPECT_EQ(it.provider().current()->id, "AKIAONEONEONEONE");
  content += "aws_secret_access_key=s\n";
  ASSERT_TRUE(it.has("AKIATWOTWOTWOTWO"));
  EXPECT_EQ(it.changes(), 2);
  EXPECT_EQ(it.provider().state().trouble, "");
}

TEST(Provider, AsksTheContainersEndpointWithItsToken) {
  Endpoint endpoint(
      [](const std::string&) { return Reply{200, json_keys(first_id, in(hours(6)))}; });
  auto variables = container_at(endpoint);
  variables["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "not this one";
  variables["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = "/token";
  Running it(variables, {{"/token", "the token"}});
  ASSERT_TRUE(it.has(first_id));
  const auto request = endpoint.requests().front();
  EXPECT_EQ(request.find("GET /creds?x=1 HTTP/1.1\r\n"), 0U);
  EXPECT_TRUE(holds(request, "\r\nAuthorization: the token\r\n"));
  EXPECT_TRUE(holds(request, "\r\nAccept: application/json\r\n"));
  const auto state = it.provider().state();
  EXPECT_EQ(state.source, "container endpoint " + endpoint.url());
  ASSERT_TRUE(state.expires_in);
  EXPECT_GT(*state.expires_in, hours(6) - minutes(1));
  EXPECT_LE(*state.expires_in, hours(6) + minutes(1));
}

TEST(Provider, AsksEcsByItsRelativeUri) {
  Endpoint endpoint(
      [](const std::string&) { return Reply{200, json_keys(first_id, in(hours(6)))}; });
  auto settings = Running::settings_of({{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/id"}});
  settings.ecs_host = endpoint.url();
  Running it(std::move(settings));
  ASSERT_TRUE(it.has(first_id));
  EXPECT_EQ(path_of(endpoint.requests().front()), "/v2/id");
  EXPECT_FALSE(holds(endpoint.requests().front(), "Authorization"));
}

TEST(Provider, ReadsTheTokenFileAtEachFetch) {
  std::string token = "old";
  Endpoint endpoint([](const std::string& request) {
    const bool fresh = holds(request, "\r\nAuthorization: new\r\n");
    return fresh ? Reply{200, json_keys(first_id, in(hours(6)))}
                 : Reply{401, R"({"message":"expired"})"};
  });
  auto settings = Running::settings_of(container_at(endpoint));
  settings.environment.container_token_file = "/token";
  settings.read_file = [&token](const std::string& path) -> Result<std::optional<std::string>> {
    if (path != "/token") return std::nullopt;
    return std::make_optional(token);
  };
  Running it(std::move(settings));
  EXPECT_TRUE(holds(it.trouble(), "answered 401: expired"));
  EXPECT_FALSE(it.provider().current());
  EXPECT_TRUE(holds(it.provider().why_none(), "answered 401"));
  token = "new";
  ASSERT_TRUE(it.has(first_id));
  EXPECT_EQ(it.provider().why_none(), "");
}

TEST(Provider, NeverSendsATokenWithALineBreak) {
  Endpoint endpoint(
      [](const std::string&) { return Reply{200, json_keys(first_id, in(hours(6)))}; });
  auto variables = container_at(endpoint);
  variables["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = "/token";
  Running it(variables, {{"/token", "hush\r\nX-Evil: 1"}});
  const std::string said = it.trouble();
  EXPECT_TRUE(holds(said, "/token holds a line break"));
  EXPECT_FALSE(holds(said, "hush"));
  ASSERT_TRUE(it.fetched(3));
  EXPECT_EQ(endpoint.count(), 0U);
}

TEST(Provider, NeverAsksAHostThatIsNotAllowed) {
  int token_reads = 0;
  // a name for loopback that isn't one of the allowed words: it would resolve
  Endpoint endpoint(
      [](const std::string&) { return Reply{200, json_keys(first_id, in(hours(6)))}; });
  auto settings = Running::settings_of(
      {{"AWS_CONTAINER_CREDENTIALS_FULL_URI", endpoint.url("0.0.0.0") + "/creds"},
       {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/token"}});
  settings.read_file = [&](const std::string& path) -> Result<std::optional<std::string>> {
    if (path == "/token") ++token_reads;
    return std::nullopt;
  };
  Running it(std::move(settings));
  EXPECT_TRUE(holds(it.trouble(), "0.0.0.0 may not be asked for credentials over plain http"));
  ASSERT_TRUE(it.fetched(3));
  EXPECT_EQ(endpoint.count(), 0U);
  EXPECT_EQ(token_reads, 0);
}

TEST(Provider, TriesThreeTimesWhatMayPass) {
  std::atomic<int> asked = 0;
  Endpoint endpoint([&asked](const std::string&) {
    return ++asked < 3 ? Reply{500, ""} : Reply{200, json_keys(first_id, in(hours(6)))};
  });
  Running it(container_at(endpoint));
  ASSERT_TRUE(it.has(first_id));
  EXPECT_EQ(it.provider().state().fetches, 1U);
  EXPECT_EQ(it.provider().state().failures, 0U);
}

TEST(Provider, GivesUpASilentEndpointAndAsksAgain) {
  Endpoint endpoint([](const std::string&) { return Reply{200, "", "", true}; });
  auto settings = Running::settings_of(container_at(endpoint));
  settings.patience.container_timeout = milliseconds(30);
  Running it(std::move(settings));
  EXPECT_TRUE(holds(it.trouble(), "timed out while waiting for the answer"));
  EXPECT_EQ(endpoint.count(), 3U);
  endpoint.answer_with(
      [](const std::string&) { return Reply{200, json_keys(first_id, in(hours(6)))}; });
  ASSERT_TRUE(it.has(first_id));
}

TEST(Provider, NeverFollowsARedirect) {
  Endpoint elsewhere(
      [](const std::string&) { return Reply{200, json_keys(second_id, in(hours(6)))}; });
  Endpoint endpoint([&](const std::string&) {
    return Reply{302, "", "Location: " + elsewhere.url() + "/creds\r\n"};
  });
  Running it(container_at(endpoint));
  EXPECT_TRUE(holds(it.trouble(), "answered 302"));
  EXPECT_EQ(elsewhere.count(), 0U);
}

TEST(Provider, AsksStsWithTheTokenOfTheFileAsItIsNow) {
  std::string token = "jwt.one\n";
  Endpoint sts([](const std::string& request) {
    const bool first = holds(request, "WebIdentityToken=jwt.one");
    return Reply{200,
                 first ? sts_keys(first_id, in(seconds(1))) : sts_keys(second_id, in(hours(1)))};
  });
  auto settings = Running::settings_of({{"AWS_WEB_IDENTITY_TOKEN_FILE", "/token"},
                                        {"AWS_ROLE_ARN", "arn:aws:iam::1:role/r"},
                                        {"AWS_ENDPOINT_URL_STS", sts.url()}});
  settings.read_file = [&token](const std::string& path) -> Result<std::optional<std::string>> {
    if (path != "/token") return std::nullopt;
    return std::make_optional(token);
  };
  Running it(std::move(settings));
  ASSERT_TRUE(it.has(first_id));
  const auto request = sts.requests().front();
  EXPECT_EQ(request.find("POST / HTTP/1.1\r\n"), 0U);
  EXPECT_TRUE(holds(request, "Content-Type: application/x-www-form-urlencoded"));
  EXPECT_FALSE(holds(request, "Authorization"));
  EXPECT_TRUE(holds(request, "&RoleSessionName=forager-"));
  EXPECT_TRUE(holds(request, "&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr"));
  token = "jwt.two\n";  // the first ends in a second, so new ones are fetched by themselves
  ASSERT_TRUE(it.has(second_id));
}

TEST(Provider, SaysWhatStsRefused) {
  Endpoint sts([](const std::string&) {
    return Reply{403,
                 "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>Not "
                 "authorized</Message></Error></ErrorResponse>"};
  });
  Running it({{"AWS_WEB_IDENTITY_TOKEN_FILE", "/token"},
              {"AWS_ROLE_ARN", "arn:aws:iam::1:role/r"},
              {"AWS_ENDPOINT_URL_STS", sts.url()}},
             {{"/token", "jwt"}});
  const auto said = it.trouble();
  EXPECT_TRUE(holds(said, "403 AccessDenied: Not authorized; the trust policy of"));
  EXPECT_EQ(sts.count(), 1U);
}

/// All that an instance's service does. The token is wanted unless `v1`.
struct Instance {
  std::string id = first_id;
  std::string expires = in(hours(6));
  int token_status = 200;
  bool silent_token = false;
  bool v1 = false;

  Reply operator()(const std::string& request) const {
    const std::string path = path_of(request);
    if (request.starts_with("PUT /latest/api/token")) {
      const bool asked = holds(request, "x-aws-ec2-metadata-token-ttl-seconds: 21600");
      return Reply{asked ? token_status : 400, "TOKEN==", "", silent_token};
    }
    if (!v1 && !holds(request, "x-aws-ec2-metadata-token: TOKEN==")) return {401};
    const std::string roles = "/latest/meta-data/iam/security-credentials/";
    if (path == roles) return {200, "the-role\nanother"};
    if (path == roles + "the-role") return {200, json_keys(id, expires)};
    return {404};
  }
};

Variables instance_at(const Endpoint& endpoint) {
  return {{"AWS_EC2_METADATA_SERVICE_ENDPOINT", endpoint.url()}};
}

TEST(Provider, AsksTheInstanceInThreeSteps) {
  Endpoint endpoint(Instance{});
  Running it(instance_at(endpoint));
  ASSERT_TRUE(it.has(first_id));
  EXPECT_EQ(endpoint.count(), 3U);
}

TEST(Provider, AsksAnInstanceWithoutTokensTheOldWay) {
  for (const int status : {403, 404, 405}) {
    Endpoint endpoint(Instance{.token_status = status, .v1 = true});
    Running it(instance_at(endpoint));
    ASSERT_TRUE(it.has(first_id)) << status;
  }
  Endpoint hop_limit(Instance{.silent_token = true, .v1 = true});
  Running it(instance_at(hop_limit));
  ASSERT_TRUE(it.has(first_id));
}

TEST(Provider, NeverAsksTheOldWayWhereThatIsOff) {
  Endpoint endpoint(Instance{.token_status = 403, .v1 = true});
  auto variables = instance_at(endpoint);
  variables["AWS_EC2_METADATA_V1_DISABLED"] = "true";
  Running it(variables);
  EXPECT_TRUE(holds(it.trouble(), "version 1 is off"));
  for (const auto& request : endpoint.requests()) EXPECT_TRUE(request.starts_with("PUT "));
}

TEST(Provider, UsesKeysOfAnInstanceThatAreOver) {
  Instance old{.expires = in(-hours(1))};
  Endpoint endpoint(old);
  Running it(instance_at(endpoint));
  ASSERT_TRUE(it.has(first_id));
  EXPECT_TRUE(holds(it.provider().state().trouble, "ended 1 h 0 min ago; they are used"));
  EXPECT_LT(*it.provider().state().expires_in, Duration::zero());
  endpoint.answer_with(Instance{.id = second_id});
  ASSERT_TRUE(it.has(second_id));
  EXPECT_EQ(it.provider().state().trouble, "");
}

TEST(Provider, SaysWhatToConfigureWhenThereIsNothing) {
  std::uint16_t port = 0;
  {
    const test::Server gone(nullptr, [](test::Peer&) {});
    port = gone.port();
  }
  Running it({{"AWS_EC2_METADATA_SERVICE_ENDPOINT", fmt::format("http://127.0.0.1:{}", port)}});
  const auto said = it.trouble();
  EXPECT_EQ(said.find("no AWS credentials are configured: set AWS_ACCESS_KEY_ID"), 0U);
  EXPECT_TRUE(holds(said, "Connection refused"));
}

}  // namespace
}  // namespace forager::aws
