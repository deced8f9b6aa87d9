#include "config/cli.h"

#include <gtest/gtest.h>

namespace forager::config {
namespace {

Result<Command> parse(std::vector<std::string> words) { return parse_command_line(words); }

TEST(CommandLine, RunsWithoutACommand) {
  const auto made = parse({});
  ASSERT_TRUE(made);
  EXPECT_EQ(made->kind, CommandKind::run);
  EXPECT_TRUE(made->settings.empty());
}

TEST(CommandLine, KnowsItsCommands) {
  EXPECT_EQ(parse({"run"})->kind, CommandKind::run);
  EXPECT_EQ(parse({"check"})->kind, CommandKind::check);
  EXPECT_TRUE(parse({"config", "--json"})->json);
  EXPECT_TRUE(parse({"config", "--reference"})->reference);
  EXPECT_FALSE(parse({"healthcheck"})->ready);
  EXPECT_FALSE(parse({"healthcheck", "--live"})->ready);
  EXPECT_TRUE(parse({"healthcheck", "--ready"})->ready);
  EXPECT_EQ(parse({"healthcheck", "--url", "http://h/livez"})->url, "http://h/livez");
  EXPECT_EQ(parse({"demo", "--endpoint=http://h:1"})->endpoint, "http://h:1");
  EXPECT_EQ(parse({"journal", "ls", "--json"})->kind, CommandKind::journal);
  const auto shown = parse({"journal", "show", "7", "--data-dir", "d", "--limit", "3"});
  EXPECT_EQ(shown->journal.words, (std::vector<std::string>{"show", "7"}));
  EXPECT_EQ(shown->journal.limit, "3");
  EXPECT_EQ(shown->settings.size(), 1U);
  EXPECT_EQ(parse({"version"})->kind, CommandKind::version);
  EXPECT_EQ(parse({"--version"})->kind, CommandKind::version);
  for (const char* help : {"help", "--help", "-h"})
    EXPECT_EQ(parse({help})->kind, CommandKind::help);
  EXPECT_EQ(parse({"check", "--help"})->kind, CommandKind::help);
}

TEST(CommandLine, TakesSettingsBeforeAndAfterTheCommand) {
  const auto made = parse({"--ack", "kept", "check", "--batch-linger=1ms", "--memory-limit", "-5"});
  ASSERT_TRUE(made) << made.error().what;
  EXPECT_EQ(made->kind, CommandKind::check);
  std::vector<std::string> got;
  for (const FlagValue& flag : made->settings) got.push_back(flag.name + "=" + flag.value);
  EXPECT_EQ(got, (std::vector<std::string>{"memory-limit=-5", "ack=kept", "batch-linger=1ms"}));
}

TEST(CommandLine, KeepsBothOfAFlagThatIsGivenTwice) {
  const auto made = parse({"--ack", "kept", "--ack", "kept"});
  ASSERT_TRUE(made);
  EXPECT_EQ(made->settings.size(), 2U);
}

TEST(CommandLine, NamesTheErrorAndTheFix) {
  struct Case {
    std::vector<std::string> words;
    std::string expected;
  };
  const std::vector<Case> cases{
      {{"chek"}, "unknown command \"chek\"; did you mean forager check?"},
      {{"xyzzy"}, "unknown command \"xyzzy\"; see forager --help"},
      {{"check", "extra"}, "unexpected \"extra\" after forager check; leave it out"},
      {{"--memry-limit", "3"}, "unknown flag \"--memry-limit\"; did you mean --memory-limit?"},
      {{"--otlp-http-listn=x"},
       "unknown flag \"--otlp-http-listn\"; did you mean --otlp-http-listen?"},
      {{"-x"}, "unknown flag \"-x\"; see forager --help"},
      {{"--honeycomb-api-kye=s3cret"},
       "unknown flag \"--honeycomb-api-kye\"; did you mean --honeycomb-api-key-file?"},
      {{"check", "--json"}, "--json belongs to forager config; write forager config --json"},
      {{"config", "--json=yes"}, "--json takes no value"},
      {{"--memory-limit"}, "--memory-limit needs a value; write --memory-limit VALUE"},
      {{"demo", "--ack", "kept"}, "--ack means nothing to forager demo; leave it out"},
      {{"run", "check"}, "two commands at once; give one, see forager --help"},
      {{"healthcheck", "--live", "--ready"}, "--live and --ready at once; give one of them"}};
  for (const Case& one : cases) {
    const auto made = parse(one.words);
    ASSERT_FALSE(made) << one.expected;
    EXPECT_EQ(made.error().what, one.expected);
  }
}

TEST(CommandLine, NeverRepeatsWhatCouldBeAKey) {
  const std::string key = "hcaik_" + std::string(58, 'a');
  const std::vector<std::vector<std::string>> cases{
      {"--honeycomb-api-kye", key}, {"--x=" + key}, {key}, {"--" + key}, {"check", key}};
  for (const auto& words : cases) {
    const auto made = parse(words);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().what.find(key), std::string::npos) << made.error().what;
  }
}

}  // namespace
}  // namespace forager::config
