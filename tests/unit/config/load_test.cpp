#include "config/load.h"

#include "unit/config/given.h"

namespace forager::config {
namespace {

constexpr std::size_t mib = 1U << 20U;

TEST(Load, NeedsNothingButAKey) {
  const auto loaded = Given{}.with_env("HONEYCOMB_API_KEY", good_key).fine();
  EXPECT_EQ(loaded.config.honeycomb_key.reveal(), good_key);
  for (const Signal signal : otlp_signals) {
    EXPECT_EQ(loaded.routes.of(signal), std::vector<std::string>{"honeycomb"});
  }
  EXPECT_EQ(loaded.config.memory_limit, 256 * mib);
  EXPECT_EQ(loaded.config.request_limit, 64 * mib);
  EXPECT_EQ(loaded.config.journal, JournalKind::automatic);
  EXPECT_EQ(loaded.config.journal_bytes, 0U) << "decided when it is known where data is kept";
  EXPECT_TRUE(loaded.warnings.empty());
}

TEST(Load, WithoutAKeyGoesToTheHiveAndSaysSo) {
  const auto loaded = Given{}.fine();
  EXPECT_EQ(loaded.routes.all(), std::vector<std::string>{"hive"});
  EXPECT_EQ(loaded.origin("destinations").text, "no key is set");
  EXPECT_TRUE(mentions(loaded.warnings, "telemetry goes to the local hive only"));
}

TEST(Load, PrefersFlagThenEnvironmentThenFileThenDefault) {
  Given given;
  EXPECT_EQ(given.fine().config.batch_linger.count(), 200);
  given.with_yaml("batch_linger: 1ms\n");
  EXPECT_EQ(given.fine().config.batch_linger.count(), 1);
  EXPECT_EQ(given.fine().origin("batch-linger").text, "f.yaml line 1, batch_linger");
  given.with_env("FORAGER_BATCH_LINGER", "2ms");
  EXPECT_EQ(given.fine().config.batch_linger.count(), 2);
  EXPECT_EQ(given.fine().origin("batch-linger").text, "environment variable FORAGER_BATCH_LINGER");
  given.with_flag("batch-linger", "3ms");
  EXPECT_EQ(given.fine().config.batch_linger.count(), 3);
  EXPECT_EQ(given.fine().origin("batch-linger").text, "flag --batch-linger");
}

/// For each kind of value another one than the default.
std::string other_value(const Setting& one) {
  const std::map<std::string_view, std::string> by_flag{
      {"log-level", "debug"},
      {"log-format", "json"},
      {"key-policy", "if-missing"},
      {"enrich", "env,k8s"},
      {"journal", "memory"},
      {"on-full", "expire"},
      {"ack", "kept"},
      {"compression", "gzip"},
      {"destinations", "hive"},
      {"cors-origins", "*"},
      {"stop-quiet", "77ms"},
      {"retry-initial", "77ms"},
      {"batch-linger", "7s"},
      {"retention", "77m"},
      {"ssl-cert-file", "/ca"},
      {"honeycomb-api-key", good_key},
      {"otlp-compression", "zstd"},
      {"rollbar-access-token", "0123456789abcdef0123456789abcdef"},
      {"otlp-headers", "authorization=Bearer%20x"},
      {"otlp-headers-file", "/headers"}};
  if (const auto found = by_flag.find(one.flag); found != by_flag.end()) return found->second;
  const std::map<std::string_view, std::string> by_type{{"ADDRESS", "localhost:777"},
                                                        {"SIZE", "17MiB"},
                                                        {"NUMBER", "7"},
                                                        {"DURATION", "77s"},
                                                        {"PATH", "/a/path"},
                                                        {"URL", "http://proxy:777"},
                                                        {"NAME", "name"},
                                                        {"TEMPLATE", "/a/{service.name}"},
                                                        {"SWITCH", "off"},
                                                        {"PAIRS", "a=b"},
                                                        {"LIST", "a,b"}};
  return by_type.at(one.type);
}

TEST(Load, TakesEverySettingFromEachOfItsPlaces) {
  for (const Setting& one : settings()) {
    if (one.flag == "config") continue;
    const std::string value = other_value(one);
    Given base;
    base.with_file("/ca", "-----BEGIN CERTIFICATE-----").with_file("/a/path", good_key);
    base.with_file("/headers", "x-one=1");
    if (one.flag == "otlp-client-certificate") base.with_env("FORAGER_OTLP_CLIENT_KEY", "/key");
    if (one.flag == "otlp-client-key") base.with_env("FORAGER_OTLP_CLIENT_CERTIFICATE", "/pem");
    const auto expect = [&](const Given& given, Level level) {
      const auto loaded = given.fine();
      EXPECT_EQ(one.field.get(loaded.config), one.secret ? "[secret]" : value) << one.flag;
      EXPECT_EQ(loaded.origin(one.flag).level, level) << one.flag;
    };
    for (const std::string_view name : one.environment) {
      if (!name.empty()) expect(Given(base).with_env(std::string(name), value), Level::environment);
    }
    if (!one.secret) expect(Given(base).with_flag(std::string(one.flag), value), Level::flag);
    std::string yaml = fmt::format("{}: \"{}\"\n", one.key, value);
    if (const auto dot = one.key.find('.'); dot != std::string_view::npos) {
      yaml = fmt::format("{}:\n  {}: {}\n", one.key.substr(0, dot), one.key.substr(dot + 1), value);
    }
    expect(Given(base).with_yaml(yaml), Level::file);
  }
}

TEST(Load, RefusesWrongTextForEverySettingThatHasAForm) {
  for (const Setting& one : settings()) {
    const bool free_text = one.type == "NAME" || one.flag == "no-proxy" || one.type == "PATH" ||
                           one.type == "TEMPLATE" || one.type == "PAIRS";
    if (free_text || one.secret) continue;
    const auto error = Given{}.with_env(std::string(one.environment[0]), "?? ??").error();
    EXPECT_EQ(error.find(fmt::format("environment variable {}: \"?? ??\" ", one.environment[0])),
              0U)
        << error;
    EXPECT_NE(error.find(';'), std::string::npos) << "no fix in: " << error;
  }
}

TEST(Load, TreatsEmptyAsUnset) {
  const auto loaded =
      Given{}.with_env("FORAGER_BATCH_LINGER", "").with_env("HONEYCOMB_API_KEY", " ").fine();
  EXPECT_EQ(loaded.config.batch_linger.count(), 200);
  EXPECT_TRUE(loaded.config.honeycomb_key.empty());
  EXPECT_EQ(Given{}.with_flag("batch-linger", "").error(),
            "flag --batch-linger has an empty value; give one or leave it out");
}

TEST(Load, FindsAllErrorsAtOnceWithTheirPlaces) {
  const auto errors = Given{}
                          .with_yaml("retry_max: 10\nbatch_lingr: 3s\n")
                          .with_env("FORAGER_ON_FULL", "refus")
                          .with_env("FORAGER_BATCH_LINGR", "1s")
                          .with_flag("concurrency", "0")
                          .errors();
  const std::vector<std::string> expected{
      "f.yaml line 1, retry_max: \"10\" has no unit; write 10ms, 10s or 10m",
      "f.yaml line 2: \"batch_lingr\" is no setting; did you mean batch_linger?",
      "environment variable FORAGER_ON_FULL: \"refus\" is unknown (did you mean refuse?); allowed "
      "is "
      "refuse, expire",
      "flag --concurrency: \"0\" is out of range; write a whole number from 1 to 256",
      "environment variable FORAGER_BATCH_LINGR is no setting; did you mean FORAGER_BATCH_LINGER?"};
  EXPECT_EQ(errors, expected);
}

TEST(Load, IgnoresWhatKubernetesSets) {
  Given given;
  for (const char* name :
       {"FORAGER_SERVICE_HOST", "FORAGER_SERVICE_PORT_OTLP_HTTP", "FORAGER_PORT",
        "FORAGER_PORT_4318_TCP_ADDR", "FORAGER_GATEWAY_SERVICE_HOST", "FORAGER_GATEWAY_PORT",
        "FORAGER_GATEWAY_SERVICE_PORT_HTTP", "FORAGER_GATEWAY_PORT_4317_TCP_PROTO"}) {
    given.with_env(name, "tcp://10.0.0.1:4318");
  }
  given.with_env("OTEL_EXPORTER_OTLP_HEADERS", "x-honeycomb-team=abc");
  given.fine();
  EXPECT_EQ(Given{}.with_env("FORAGER_XYZZY", "1").error(),
            "environment variable FORAGER_XYZZY is no setting; unset it, or see forager --help for "
            "the names");
}

TEST(Load, WarnsAboutMisspeltHoneycombVariables) {
  const auto loaded = Given{}.with_env("HONEYCOMB_APIKEY", "x").fine();
  EXPECT_TRUE(mentions(loaded.warnings, "did you mean HONEYCOMB_API_KEY?"));
}

TEST(Load, TakesTheKeyFromOnePlaceOnly) {
  Given both;
  both.with_env("HONEYCOMB_API_KEY", good_key).with_env("HONEYCOMB_API_KEY_FILE", "/k");
  both.with_file("/k", good_key);
  EXPECT_EQ(both.error(),
            "the Honeycomb key is given twice, by environment variable HONEYCOMB_API_KEY and by "
            "environment variable HONEYCOMB_API_KEY_FILE; keep one of them");

  Given above;
  above.with_env("HONEYCOMB_API_KEY", "environment-key").with_flag("honeycomb-api-key-file", "/k");
  const auto loaded = above.with_file("/k", std::string(good_key) + "\n").fine();
  EXPECT_EQ(loaded.config.honeycomb_key.reveal(), good_key);
  EXPECT_EQ(loaded.origin("honeycomb-api-key").text, "key file \"/k\"");

  const auto below = Given{}
                         .with_env("HONEYCOMB_API_KEY", good_key)
                         .with_yaml("honeycomb:\n  api_key_file: /missing\n")
                         .fine();
  EXPECT_TRUE(below.config.honeycomb_key_file.empty());
}

TEST(Load, RefusesAKeyOnTheCommandLine) {
  const auto error = Given{}.with_flag("honeycomb-api-key", "sesame-open").error();
  EXPECT_EQ(error.find("flag --honeycomb-api-key: everybody on the machine"), 0U);
  EXPECT_EQ(error.find("sesame"), std::string::npos);
}

TEST(Load, NamesAMissingKeyFile) {
  EXPECT_EQ(
      Given{}.with_env("HONEYCOMB_API_KEY_FILE", "/run/k").error(),
      "environment variable HONEYCOMB_API_KEY_FILE: key file \"/run/k\" does not exist; put the "
      "key there or set HONEYCOMB_API_KEY");
}

TEST(Load, LooksAtTheShapeOfTheKey) {
  const auto loaded = Given{}.with_env("HONEYCOMB_API_KEY", "not-a-known-shape").fine();
  EXPECT_TRUE(mentions(loaded.warnings, "none of the known shapes"));
  EXPECT_TRUE(mentions({Given{}.with_env("HONEYCOMB_API_KEY", classic_key).error()},
                       "needs a dataset; set HONEYCOMB_DATASET"));
  Given{}.with_env("HONEYCOMB_API_KEY", classic_key).with_env("HONEYCOMB_DATASET", "d").fine();
  EXPECT_TRUE(mentions({Given{}.with_env("HONEYCOMB_API_KEY", "hcxmk_0123456789").error()},
                       "is a management key"));
}

TEST(Load, TakesWhereDataIsKeptAndWhenItIsAnswered) {
  const auto loaded = Given{}
                          .with_env("FORAGER_JOURNAL", "disk")
                          .with_env("FORAGER_DATA_DIR", "/data")
                          .with_env("FORAGER_ACK", "delivered")
                          .fine();
  EXPECT_EQ(loaded.config.journal, JournalKind::disk);
  EXPECT_EQ(loaded.config.ack, Ack::delivered);
  EXPECT_EQ(data_directories(loaded.config), std::vector<std::string>{"/data"});
}

TEST(Load, LooksForADirectoryInTheStandardPlaces) {
  using Places = std::vector<std::string>;
  EXPECT_EQ(data_directories(Given{}.with_env("XDG_STATE_HOME", "/state").fine().config),
            (Places{"/var/lib/forager", "/state/forager"}));
  EXPECT_EQ(data_directories(Given{}.with_env("HOME", "/home/bee").fine().config),
            (Places{"/var/lib/forager", "/home/bee/.local/state/forager"}));
}

TEST(Load, ChecksTheFileOfCertificates) {
  EXPECT_TRUE(mentions({Given{}.with_env("SSL_CERT_FILE", "/ca").error()},
                       "environment variable SSL_CERT_FILE: \"/ca\" does not exist"));
  EXPECT_TRUE(mentions({Given{}.with_env("SSL_CERT_FILE", "/ca").with_file("/ca", "x").error()},
                       "holds no PEM certificates"));
}

TEST(Load, SaysWhichProxyVariableCounts) {
  const auto loaded =
      Given{}.with_env("HTTPS_PROXY", "http://a:1").with_env("https_proxy", "http://b:2").fine();
  EXPECT_EQ(loaded.config.https_proxy, "http://a:1");
  EXPECT_TRUE(mentions(loaded.warnings, "HTTPS_PROXY and https_proxy differ; HTTPS_PROXY counts"));
}

TEST(LoadAdmin, NeedsNothingElseToBeRight) {
  Given given;
  given.with_env("FORAGER_ACK", "nonsense").with_env("HONEYCOMB_API_KEY_FILE", "/missing");
  EXPECT_EQ(load_admin_listen(given.sources())->port, 13133);
  given.with_env("FORAGER_ADMIN_LISTEN", "localhost:99");
  EXPECT_EQ(load_admin_listen(given.sources())->port, 99);
  given.with_env("FORAGER_ADMIN_LISTEN", "off");
  EXPECT_FALSE(load_admin_listen(given.sources()));
}

TEST(LoadAdmin, MayBeAUrlInstead) {
  const auto asked = load_admin_listen(Given{}.sources(), "http://[::1]:99/");
  ASSERT_TRUE(asked) << asked.error().what;
  EXPECT_EQ(asked->host, "::1");
  EXPECT_EQ(asked->port, 99);
  EXPECT_EQ(load_admin_listen(Given{}.sources(), "http://h")->port, 80);
  for (const char* url : {"https://h:1", "h:1", "http://h/livez", "http://", "http://u@h"}) {
    EXPECT_FALSE(load_admin_listen(Given{}.sources(), url)) << url;
  }
}

}  // namespace
}  // namespace forager::config
