// Relations between settings, and what follows from the machine.
#include "unit/config/given.h"

namespace forager::config {
namespace {

constexpr std::size_t mib = 1U << 20U;

Given within(std::string limit) {
  return Given{}.with_file("/sys/fs/cgroup/memory.max", std::move(limit));
}

TEST(Resolve, DerivesMemoryFromTheContainer) {
  const auto loaded = within("268435456").with_env("FORAGER_JOURNAL", "memory").fine();
  EXPECT_EQ(loaded.config.memory_limit, 128 * mib);
  EXPECT_EQ(loaded.config.request_limit, 32 * mib);
  EXPECT_EQ(loaded.config.journal_bytes, 64 * mib);
  EXPECT_EQ(loaded.origin("memory-limit").text, "half of the cgroup limit of 256MiB");
  EXPECT_EQ(loaded.origin("request-limit").text, "a quarter of the memory limit of 128MiB");
  EXPECT_EQ(loaded.origin("journal-bytes").text, "half of the memory limit of 128MiB");
  EXPECT_EQ(within("8589934592").fine().config.memory_limit, 256 * mib);
  EXPECT_EQ(within("max").fine().config.memory_limit, 256 * mib);
}

TEST(Resolve, RefusesAContainerThatIsTooSmall) {
  EXPECT_EQ(within("16777216").error(),
            "the container's memory limit of 16MiB is too small; give it at least 32MiB");
}

TEST(Resolve, RefusesMoreMemoryThanTheContainerHas) {
  EXPECT_EQ(
      within("134217728").with_env("FORAGER_MEMORY_LIMIT", "256MiB").error(),
      "environment variable FORAGER_MEMORY_LIMIT: 256MiB is more than the container's limit of "
      "128MiB, where the kernel ends the process; set FORAGER_MEMORY_LIMIT to 64MiB or less, or "
      "leave it out");
}

TEST(Resolve, RefusesARequestLimitAboveAQuarterOfTheMemory) {
  EXPECT_EQ(
      within("536870912").with_flag("request-limit", "128MiB").error(),
      "flag --request-limit: 128MiB is more than a quarter of the memory limit of 256MiB "
      "(default); set FORAGER_REQUEST_LIMIT to 64MiB or less, or FORAGER_MEMORY_LIMIT to 512MiB "
      "or more");
  EXPECT_EQ(Given{}
                .with_flag("request-limit", "128MiB")
                .with_flag("memory-limit", "512MiB")
                .fine()
                .config.request_limit,
            128 * mib);
}

TEST(Resolve, RefusesAJournalAboveTheMemory) {
  EXPECT_TRUE(
      mentions({Given{}.with_flag("journal-bytes", "1GiB").with_flag("journal", "memory").error()},
               "set FORAGER_JOURNAL_BYTES to 128MiB or less"));
  EXPECT_EQ(Given{}.with_flag("journal-bytes", "1GiB").fine().config.journal_bytes, 1024 * mib)
      << "on disk";
}

TEST(Resolve, ComparesTimes) {
  EXPECT_EQ(Given{}.with_flag("retry-initial", "5m").error(),
            "--retry-initial (5m, flag --retry-initial) is longer than --retry-max (1m, default); "
            "lower the first or raise the second");
  EXPECT_TRUE(mentions({Given{}.with_env("FORAGER_STOP_QUIET", "10s").error()},
                       "is longer than --stop-grace (8s, default)"));
  Given{}.with_flag("retry-initial", "5m").with_flag("retry-max", "5m").fine();
}

TEST(Resolve, DoesNotJudgeByAValueThatWasRefusedAlready) {
  const auto error =
      Given{}.with_flag("memory-limit", "1 fish").with_flag("request-limit", "512MiB").error();
  EXPECT_EQ(error.find("flag --memory-limit: \"1 fish\" is not a size"), 0U) << error;
}

TEST(Resolve, FindsListenersAtTheSameAddress) {
  EXPECT_TRUE(mentions({Given{}.with_flag("otlp-http-listen", "localhost:4317").error()},
                       "are the same address; give one of them another port"));
  EXPECT_TRUE(
      mentions({Given{}.with_flag("otlp-http-listen", ":4317").error()}, "the same address"));
  EXPECT_EQ(Given{}
                .with_flag("otlp-http-listen", "unix:/s")
                .with_flag("otlp-grpc-listen", "unix:/s")
                .errors()
                .size(),
            1U);
  Given{}.with_flag("otlp-http-listen", "h:0").with_flag("otlp-grpc-listen", "h:0").fine();
  Given{}.with_flag("otlp-http-listen", "10.0.0.1:4317").fine();
  EXPECT_TRUE(mentions(
      {Given{}.with_flag("otlp-http-listen", "off").with_flag("otlp-grpc-listen", "off").error()},
      "both OTLP listeners are off"));
}

TEST(Resolve, AsksForTheCredentialsOfEachDestination) {
  EXPECT_EQ(
      Given{}.with_env("FORAGER_DESTINATIONS", "honeycomb,hive").error(),
      "environment variable FORAGER_DESTINATIONS: honeycomb needs a key; set HONEYCOMB_API_KEY "
      "or HONEYCOMB_API_KEY_FILE, or take honeycomb out");
  const auto apps = Given{}.with_env("FORAGER_KEY_POLICY", "pass-through").fine();
  EXPECT_EQ(apps.routes.all(), std::vector<std::string>{"honeycomb"});
  EXPECT_EQ(apps.origin("destinations").text, "apps bring their own keys");
}

TEST(Resolve, WarnsAboutSignalsThatGoNowhere) {
  Given given;
  given.with_env("HONEYCOMB_API_KEY", good_key);
  EXPECT_TRUE(
      mentions(Given(given).with_flag("destinations", "traces=honeycomb;logs=hive").fine().warnings,
               "metrics have no destination and will be filtered; add metrics=honeycomb, or "
               "metrics=none"));
  EXPECT_TRUE(
      Given(given).with_flag("destinations", "honeycomb;metrics=none").fine().warnings.empty());
  EXPECT_TRUE(mentions(Given(given).with_flag("destinations", "hive").fine().warnings,
                       "no signal goes to honeycomb"));
}

TEST(Resolve, WarnsAboutAnUnencryptedEndpoint) {
  Given given;
  given.with_env("HONEYCOMB_API_KEY", good_key);
  EXPECT_TRUE(mentions(
      Given(given).with_flag("honeycomb-api-endpoint", "http://far.example").fine().warnings,
      "travel unencrypted"));
  for (const char* near : {"http://localhost:8080", "http://127.0.0.1:1", "http://[::1]:1"}) {
    EXPECT_TRUE(Given(given).with_flag("honeycomb-api-endpoint", near).fine().warnings.empty());
  }
}

}  // namespace
}  // namespace forager::config
