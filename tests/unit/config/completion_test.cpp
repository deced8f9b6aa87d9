#include "config/completion.h"

#include <gtest/gtest.h>

#include "config/cli.h"
#include "config/cli_words.h"
#include "config/help.h"
#include "config/man.h"
#include "config/settings.h"

namespace forager::config {
namespace {

std::vector<FlagWords> every_flag() {
  auto all = setting_flags();
  const CommandLine line = describe_command_line();
  all.insert(all.end(), line.everywhere.begin(), line.everywhere.end());
  for (const CommandWords& command : line.commands) {
    all.insert(all.end(), command.flags.begin(), command.flags.end());
  }
  return all;
}

/// A manual page has its hyphens escaped.
std::string plain(std::string text) {
  std::erase(text, '\\');
  return text;
}

TEST(CommandLineAsData, IsWhatTheParserTakes) {
  for (const CommandWords& command : describe_command_line().commands) {
    if (command.name == "completion") continue;  // wants a shell
    for (const FlagWords& flag : command.flags) {
      std::vector<std::string> words{std::string(command.name), flag.name};
      if (!flag.value.empty()) words.emplace_back("x");
      EXPECT_TRUE(parse_command_line(words)) << command.name << " " << flag.name;
    }
  }
}

TEST(CommandLineAsData, HasASentenceForEverything) {
  for (const FlagWords& flag : every_flag()) EXPECT_TRUE(flag.text.ends_with('.')) << flag.name;
  for (const CommandWords& command : describe_command_line().commands) {
    EXPECT_TRUE(command.text.ends_with('.')) << command.name;
    for (const WordText& word : command.words) EXPECT_TRUE(word.text.ends_with('.')) << word.word;
  }
}

TEST(Help, NamesEveryCommandAndFlag) {
  const std::string help = help_text();
  for (const FlagWords& flag : every_flag())
    EXPECT_NE(help.find(flag.name), help.npos) << flag.name;
  for (const CommandWords& command : describe_command_line().commands) {
    EXPECT_NE(help.find(std::string(command.name)), help.npos) << command.name;
    for (const WordText& word : command.words) {
      EXPECT_NE(help.find(std::string(word.word)), help.npos) << word.word;
    }
  }
}

TEST(ManPage, NamesEveryCommandFlagAndVariable) {
  const std::string page = plain(man_page("1.2.3"));
  EXPECT_NE(page.find("Forager 1.2.3"), page.npos);
  for (const FlagWords& flag : every_flag())
    EXPECT_NE(page.find(flag.name), page.npos) << flag.name;
  for (const std::string_view name : environment_names()) {
    EXPECT_NE(page.find(std::string(name)), page.npos) << name;
  }
  for (const CommandWords& command : describe_command_line().commands) {
    EXPECT_NE(page.find(".SS " + std::string(command.name)), page.npos) << command.name;
  }
}

TEST(Completions, AreOfTheShellThatIsAsked) {
  EXPECT_EQ(completion("bash"), bash_completion());
  EXPECT_EQ(completion("zsh"), zsh_completion());
  EXPECT_EQ(completion("fish"), fish_completion());
  EXPECT_EQ(parse_command_line(std::vector<std::string>{"completion", "zsh"})->shell, "zsh");
  for (const char* shell : {"", "csh"}) {
    const auto refused = parse_command_line(std::vector<std::string>{"completion", shell});
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().what.find("write bash, zsh or fish"), std::string::npos);
  }
}

TEST(Completions, OfferTheWordsOfASetting) {
  const Setting& ack = setting("ack");
  ASSERT_NE(ack.field.words, nullptr);
  EXPECT_EQ(ack.field.words(), (std::vector<std::string_view>{"kept", "delivered"}));
  EXPECT_EQ(setting("data-dir").field.words, nullptr);
}

}  // namespace
}  // namespace forager::config
