// Who gets what when nobody says, and what each destination needs.
#include "config/values.h"
#include "unit/config/given.h"

namespace forager::config {
namespace {

using Names = std::vector<std::string>;
constexpr const char* token = "0123456789abcdef0123456789abcdef";

Given with_everything() {
  return Given{}
      .with_env("HONEYCOMB_API_KEY", good_key)
      .with_env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
      .with_env("AWS_REGION", "eu-west-1")
      .with_env("ROLLBAR_ACCESS_TOKEN", token)
      .with_env("FORAGER_OTLP_ENDPOINT", "https://otlp.example.com");
}

TEST(AutomaticDestinations, AreThoseWhoseCredentialsAreSet) {
  const auto loaded = with_everything().fine();
  EXPECT_EQ(loaded.routes.of(Signal::traces), (Names{"honeycomb", "xray", "rollbar", "otlp"}));
  EXPECT_EQ(loaded.routes.of(Signal::metrics), (Names{"honeycomb", "otlp"}));
  EXPECT_EQ(loaded.routes.of(Signal::logs), (Names{"honeycomb", "cloudwatch", "rollbar", "otlp"}));
  EXPECT_EQ(loaded.routes.of(Signal::segments), Names{"xray"});
  EXPECT_EQ(loaded.origin("destinations").text,
            "a Honeycomb key is set, AWS credentials are set, a Rollbar token is set, an OTLP "
            "endpoint is set");
  EXPECT_TRUE(loaded.warnings.empty()) << loaded.warnings.front();
}

TEST(AutomaticDestinations, WithoutARegionLeaveAwsOutAndSayTheFix) {
  const auto loaded = Given{}
                          .with_env("HONEYCOMB_API_KEY", good_key)
                          .with_env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/x")
                          .fine();
  EXPECT_EQ(loaded.routes.all(), Names{"honeycomb"});
  EXPECT_TRUE(mentions(loaded.warnings,
                       "AWS credentials are set (AWS_CONTAINER_CREDENTIALS_RELATIVE_URI) but no "
                       "region"));
}

TEST(AutomaticDestinations, OfRollbarAloneFilterMetricsAndSaySo) {
  const auto loaded = Given{}.with_env("ROLLBAR_ACCESS_TOKEN", token).fine();
  EXPECT_EQ(loaded.routes.all(), Names{"rollbar"});
  EXPECT_TRUE(mentions(loaded.warnings, "metrics have no destination"));
}

TEST(NamedDestinations, NeedTheirCredentials) {
  const auto error = [](const char* names) {
    return Given{}.with_env("FORAGER_DESTINATIONS", names).error();
  };
  EXPECT_NE(error("rollbar").find("rollbar needs a token; set ROLLBAR_ACCESS_TOKEN"),
            std::string::npos);
  EXPECT_NE(error("xray").find("xray needs a region; set AWS_REGION"), std::string::npos);
  EXPECT_NE(error("cloudwatch").find("cloudwatch needs a region"), std::string::npos);
  EXPECT_NE(error("otlp").find("set FORAGER_OTLP_ENDPOINT"), std::string::npos);
}

TEST(NamedDestinations, OfAwsMayTakeTheCredentialsOfTheInstance) {
  const auto loaded = Given{}
                          .with_env("FORAGER_DESTINATIONS", "traces=xray;logs=cloudwatch")
                          .with_env("AWS_REGION", "eu-west-1")
                          .fine();
  EXPECT_EQ(loaded.routes.all(), (Names{"xray", "cloudwatch"}));
}

TEST(NamedDestinations, LeaveOutWhatHasCredentialsOnlyWithAWarning) {
  const auto loaded = with_everything().with_env("FORAGER_DESTINATIONS", "honeycomb").fine();
  for (const char* what : {"A Rollbar token is set, but no signal goes to rollbar",
                           "AWS credentials are set, but no signal goes to xray",
                           "An OTLP endpoint is set, but no signal goes to otlp"}) {
    EXPECT_TRUE(mentions(loaded.warnings, what)) << what;
  }
}

TEST(RollbarToken, ComesFromAFileAndIsNeverGivenTwice) {
  const auto loaded = Given{}
                          .with_env("ROLLBAR_ACCESS_TOKEN_FILE", "/run/token")
                          .with_file("/run/token", std::string(token) + "\n")
                          .fine();
  EXPECT_EQ(loaded.config.rollbar_token.reveal(), token);
  const auto error = Given{}
                         .with_env("ROLLBAR_ACCESS_TOKEN_FILE", "/run/token")
                         .with_env("ROLLBAR_ACCESS_TOKEN", token)
                         .with_file("/run/token", token)
                         .error();
  EXPECT_NE(error.find("the Rollbar token is given twice"), std::string::npos);
  EXPECT_EQ(error.find(token), std::string::npos);
}

TEST(RollbarSettings, ComeFromEnvironmentAndFile) {
  const Config untouched;
  EXPECT_FALSE(untouched.rollbar_span_errors);
  const auto c = Given{}
                     .with_env("ROLLBAR_ACCESS_TOKEN", token)
                     .with_env("FORAGER_ROLLBAR_SPAN_ERRORS", "on")
                     .with_env("FORAGER_ROLLBAR_CODE_VERSION", "1.4.2")
                     .with_env("FORAGER_ROLLBAR_BRANCH", "main")
                     .with_env("FORAGER_ROLLBAR_SCRUB", "iban, card_number,")
                     .with_yaml("rollbar:\n  root: /srv/app\n  framework: flask\n")
                     .fine()
                     .config;
  EXPECT_TRUE(c.rollbar_span_errors);
  EXPECT_EQ(c.rollbar_code_version, "1.4.2");
  EXPECT_EQ(c.rollbar_branch, "main");
  EXPECT_EQ(c.rollbar_root, "/srv/app");
  EXPECT_EQ(c.rollbar_framework, "flask");
  EXPECT_EQ(c.rollbar_scrub, (Names{"iban", "card_number"}));
  EXPECT_EQ(setting("rollbar-scrub").field.get(c), "iban,card_number");
}

TEST(RollbarSettings, ThatRollbarWouldCutAreRefused) {
  const auto error = Given{}
                         .with_env("ROLLBAR_ACCESS_TOKEN", token)
                         .with_env("FORAGER_ROLLBAR_CODE_VERSION", std::string(41, 'a'))
                         .error();
  EXPECT_NE(error.find("is too long; at most 40 bytes"), std::string::npos) << error;
}

TEST(LogGroup, AsAMapInYamlIsRefusedWithTheFix) {
  const auto error = Given{}.with_yaml("cloudwatch:\n  log_group: {service.name}\n").error();
  EXPECT_NE(error.find("write quotes around it"), std::string::npos) << error;
  const auto loaded = Given{}.with_yaml("cloudwatch:\n  log_group: '{service.name}'\n").fine();
  EXPECT_EQ(loaded.config.cloudwatch_log_group, "{service.name}");
}

TEST(AwsRegion, IsLookedForOnlyWhereAwsIsWanted) {
  int asked = 0;
  const auto load_with = [&](const Given& given) {
    auto sources = given.sources();
    sources.find_region = [&] {
      ++asked;
      return std::pair<std::string, std::string>("eu-west-1", "the ECS task");
    };
    return load(sources);
  };
  ASSERT_TRUE(load_with(Given{}.with_env("HONEYCOMB_API_KEY", good_key)));
  EXPECT_EQ(asked, 0);
  const auto loaded = load_with(Given{}.with_env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x"));
  ASSERT_TRUE(loaded);
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(loaded->config.aws_region, "eu-west-1");
  EXPECT_EQ(loaded->origin("aws-region").text, "the ECS task");
  ASSERT_TRUE(load_with(
      Given{}.with_env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE").with_env("AWS_REGION", "us-east-1")));
  EXPECT_EQ(asked, 1);
}

TEST(OtlpHeaders, AreDecodedAndKeptSecret) {
  const auto loaded =
      Given{}
          .with_env("FORAGER_OTLP_ENDPOINT", "https://otlp.example.com")
          .with_env("FORAGER_OTLP_HEADERS", "Authorization=Bearer%20abc, x-scope = a=b")
          .fine();
  const auto headers = parse_headers(loaded.config.otlp_headers.reveal());
  ASSERT_TRUE(headers);
  ASSERT_EQ(headers->size(), 2U);
  EXPECT_EQ(headers->at(0).first, "authorization");
  EXPECT_EQ(headers->at(0).second.reveal(), "Bearer abc");
  EXPECT_EQ(headers->at(1).second.reveal(), "a=b");
}

TEST(OtlpHeaders, MayComeFromAFileOneALine) {
  const auto given = [] {
    return Given{}
        .with_env("FORAGER_OTLP_ENDPOINT", "https://otlp.example.com")
        .with_env("FORAGER_OTLP_HEADERS_FILE", "/run/headers");
  };
  const auto loaded =
      given().with_file("/run/headers", "Authorization=Bearer%20abc\r\n\nx-scope=b,x-c=d\n").fine();
  const auto headers = parse_headers(loaded.config.otlp_headers.reveal());
  ASSERT_TRUE(headers);
  ASSERT_EQ(headers->size(), 3U);
  EXPECT_EQ(headers->at(0).second.reveal(), "Bearer abc");
  EXPECT_EQ(headers->at(2).first, "x-c");
  EXPECT_EQ(loaded.origin("otlp-headers").text, "header list file \"/run/headers\"");

  const auto missing = given().error();
  EXPECT_NE(missing.find("header list file \"/run/headers\""), std::string::npos) << missing;
  EXPECT_NE(missing.find("or set FORAGER_OTLP_HEADERS"), std::string::npos) << missing;
  const auto bad = given().with_file("/run/headers", "Authorization: Bearer s3cret\n").error();
  EXPECT_NE(bad.find("the content has a header without ="), std::string::npos) << bad;
  EXPECT_EQ(bad.find("s3cret"), std::string::npos) << bad;
  const auto twice =
      given().with_file("/run/headers", "a=b").with_env("FORAGER_OTLP_HEADERS", "a=b").error();
  EXPECT_NE(twice.find("the OTLP header list is given twice"), std::string::npos) << twice;
}

TEST(OtlpHeaders, RefuseWhatWouldBreakTheRequest) {
  const std::vector<std::pair<const char*, const char*>> cases{
      {"authorization", "has a header without ="},
      {"a b=c", "whose name no header can have"},
      {"a=b%0d%0ax: y", "a value that no header can carry"},
      {"a=%4", "a value that no header can carry"},
      {"content-type=text/plain", "which Forager sets itself"},
      {"a=b,A=c", "sets the header a twice"}};
  for (const auto& [text, what] : cases) {
    const auto error = Given{}
                           .with_env("FORAGER_OTLP_ENDPOINT", "https://otlp.example.com")
                           .with_env("FORAGER_OTLP_HEADERS", text)
                           .error();
    EXPECT_NE(error.find(what), std::string::npos) << text << ": " << error;
  }
}

TEST(OtlpClient, NeedsKeyAndCertificate) {
  const auto error = Given{}
                         .with_env("FORAGER_OTLP_ENDPOINT", "https://otlp.example.com")
                         .with_env("FORAGER_OTLP_CLIENT_KEY", "/key.pem")
                         .error();
  EXPECT_NE(error.find("set FORAGER_OTLP_CLIENT_CERTIFICATE too"), std::string::npos) << error;
}

}  // namespace
}  // namespace forager::config
