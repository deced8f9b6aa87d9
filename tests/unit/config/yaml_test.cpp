#include "config/yaml.h"

#include "unit/config/given.h"

namespace forager::config {
namespace {

TEST(File, MayBeEmpty) {
  for (const char* text : {"", "\n", "# nothing\n", "---\n", "honeycomb:\n", "batch_linger:\n"}) {
    EXPECT_EQ(Given{}.with_yaml(text).fine().config.batch_linger.count(), 200) << text;
  }
}

TEST(File, TakesListsAndSignals) {
  const auto loaded = Given{}
                          .with_env("HONEYCOMB_API_KEY", good_key)
                          .with_yaml(
                              "destinations:\n  traces: [honeycomb, hive]\n  metrics: none\n"
                              "  logs: hive\n"
                              "cors_origins:\n  - https://a.example\n  - http://b:1\n")
                          .fine();
  EXPECT_EQ(format_routes(loaded.routes), "traces=honeycomb,hive;metrics=none;logs=hive");
  EXPECT_EQ(loaded.config.cors_origins.size(), 2U);
}

TEST(File, PutsVariablesIn) {
  Given given;
  given.with_env("NAME", "blue").with_env("EMPTY", "");
  const auto dataset = [&](const std::string& text) {
    return Given(given).with_yaml("honeycomb:\n  dataset: " + text).fine().config.honeycomb_dataset;
  };
  EXPECT_EQ(dataset("${env:NAME}"), "blue");
  EXPECT_EQ(dataset("a-${env:NAME}-${env:NAME}"), "a-blue-blue");
  EXPECT_EQ(dataset("${env:OTHER:-red}"), "red");
  EXPECT_EQ(dataset("${env:EMPTY:-red}"), "red");
}

TEST(File, NamesLineAndFixOfEveryError) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"a: [", "f.yaml line 1: not valid YAML ("},
      {"x: 1\n\tb: 2", "f.yaml line 2: not valid YAML ("},
      {"- a", "f.yaml line 1: this is not name: value"},
      {"batch_linger: 1ms\n---\nb: 1", "is a second document"},
      {"\nbatch_linger: 1s\nbatch_linger: 2s", "f.yaml line 3: batch_linger stands there twice"},
      {"batch-linger: 1s",
       "f.yaml line 1: \"batch-linger\" is no setting; did you mean batch_linger?"},
      {"FORAGER_BATCH_LINGER: 1s", "did you mean batch_linger?"},
      {"honeycomb_api_key_file: /k", "did you mean honeycomb.api_key_file?"},
      {"honeycomb:\n  keyfile: /k\n", "f.yaml line 2: \"honeycomb.keyfile\" is no setting"},
      {"xyzzy: 1", "see `forager config --reference` for all names"},
      {"honeycomb: yes", "holds settings of its own; write them indented below it"},
      {"batch_linger: [[1s]]", "is nested too deep"},
      {"destinations: {traces: {a: b}}", "is nested too deep"},
      {"[a]: b", "f.yaml line 1: this is not a name"},
      {"batch_linger: ${env:NOPE}", "asks for the variable \"NOPE\", which is not set"},
      {"batch_linger: $1 ${NOPE}", "has a ${ that isn't ${env:NAME}"},
      {"batch_linger: ${env:NOPE", "has a ${ that isn't ${env:NAME}"},
      {"otlp_http_listen: [::1]:4318", "put quotes around values with [ ]"}};
  for (const auto& [text, what] : cases) {
    const auto error = Given{}.with_yaml(text).error();
    EXPECT_EQ(error.find("f.yaml line "), 0U) << error;
    EXPECT_NE(error.find(what), std::string::npos) << text << ": " << error;
  }
}

TEST(File, ThatIsMissingIsAnError) {
  EXPECT_EQ(Given{}.with_flag("config", "no.yaml").error(),
            "configuration file \"no.yaml\" does not exist; correct --config or FORAGER_CONFIG, or "
            "leave it out");
}

TEST(File, WithTheKeyItselfIsWarnedAbout) {
  const auto plain = Given{}.with_yaml(fmt::format("honeycomb:\n  api_key: {}\n", good_key)).fine();
  EXPECT_TRUE(mentions(plain.warnings, "f.yaml line 2: honeycomb.api_key holds the key itself"));
  const auto variable = Given{}
                            .with_env("MY_KEY", good_key)
                            .with_yaml("honeycomb:\n  api_key: ${env:MY_KEY}\n")
                            .fine();
  EXPECT_TRUE(variable.warnings.empty());
  EXPECT_EQ(variable.config.honeycomb_key.reveal(), good_key);
}

TEST(File, SurvivesDeepNesting) {
  EXPECT_FALSE(Given{}.with_yaml(std::string(100'000, '[')).errors().empty());
  EXPECT_FALSE(Given{}.with_yaml(std::string(100'000, '{')).errors().empty());
}

}  // namespace
}  // namespace forager::config
