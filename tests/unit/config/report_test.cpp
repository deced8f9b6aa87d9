#include "config/report.h"

#include <fstream>
#include <sstream>

#include "config/help.h"
#include "config/values.h"
#include "unit/config/given.h"

namespace forager::config {
namespace {

TEST(Help, FitsEightyColumnsAndNamesEverySetting) {
  std::istringstream lines(help_text());
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    EXPECT_LE(line.size(), 80U) << line;
    EXPECT_FALSE(line.ends_with(' ')) << "line " << number;
  }
  for (const Setting& one : settings()) {
    EXPECT_NE(help_text().find(one.environment[0]), std::string::npos);
    EXPECT_EQ(help_text().find(fmt::format("--{} ", one.flag)) != std::string::npos, !one.secret);
  }
}

TEST(Help, BeginsWithTheThreeUsualLines) {
  const std::string screen = help_text().substr(0, 700);
  for (const char* usual :
       {"  HONEYCOMB_API_KEY=... forager ", "  forager  ", "  forager check "}) {
    EXPECT_NE(screen.find(usual), std::string::npos) << usual;
  }
}

TEST(ReferencePage, IsTheOneInDocs) {
  std::ifstream file(FORAGER_SOURCE_DIR "/docs/configuration.md");
  std::stringstream content;
  content << file.rdbuf();
  EXPECT_TRUE(content.str() == reference_page())
      << "run: forager config --reference > docs/configuration.md";
}

TEST(Settings, HaveConsistentNamesAndTexts) {
  std::vector<std::string_view> seen;
  for (const Setting& one : settings()) {
    std::string variable(one.flag);
    for (char& c : variable) c = c == '-' ? '_' : static_cast<char>(std::toupper(c));
    const auto& name = one.environment[0];
    EXPECT_TRUE(name == variable || name == "FORAGER_" + variable) << one.flag << " and " << name;
    std::string key(one.key);
    for (char& c : key) c = c == '.' || c == '_' ? '-' : c;
    EXPECT_TRUE(key == one.flag || one.flag == "config") << one.flag << " and " << one.key;
    EXPECT_TRUE(one.text.ends_with('.') && one.text.find('|') == std::string_view::npos)
        << one.flag;
    EXPECT_FALSE(default_text(one).empty()) << one.flag;
    EXPECT_EQ(std::ranges::find(seen, one.flag), seen.end()) << one.flag << " twice";
    seen.push_back(one.flag);
  }
}

TEST(Settings, ReadTheirOwnDefaultsBack) {
  for (const Setting& one : settings()) {
    if (!one.automatic.empty()) continue;
    Config config;
    const auto wrong = one.field.put(config, default_text(one));
    EXPECT_FALSE(wrong) << one.flag << ": " << (wrong ? wrong->what : "");
    EXPECT_EQ(one.field.get(config), default_text(one));
  }
}

TEST(Check, SaysFineWithASummary) {
  const auto printed = check(Given{}.with_env("HONEYCOMB_API_KEY", good_key).loaded());
  EXPECT_EQ(printed.code, ExitCode::ok);
  EXPECT_EQ(printed.err, "");
  EXPECT_EQ(
      printed.out,
      "configuration is fine\n"
      "  OTLP/HTTP     localhost:4318\n"
      "  OTLP/gRPC     localhost:4317\n"
      "  admin         localhost:13133\n"
      "  destinations  honeycomb (a Honeycomb key is set)\n"
      "  honeycomb     https://api.honeycomb.io, key from environment variable HONEYCOMB_API_KEY\n"
      "  memory        256MiB (default, no container limit)\n"
      "  journal       on disk if it can be written, in the standard directory\n");
}

TEST(Check, ListsErrorsAndEndsWith64) {
  const auto printed =
      check(Given{}.with_env("FORAGER_ACK", "x").with_env("FORAGER_ON_FULL", "x").loaded());
  EXPECT_EQ(printed.code, ExitCode::usage);
  EXPECT_EQ(printed.out, "");
  EXPECT_EQ(printed.err,
            "forager: the configuration has 2 errors:\n"
            "  environment variable FORAGER_ON_FULL: \"x\" is unknown; allowed is refuse, expire\n"
            "  environment variable FORAGER_ACK: \"x\" is unknown; allowed is kept, delivered\n");
}

TEST(Show, GivesValueAndOriginOfEverySetting) {
  const auto printed = show(Given{}.with_flag("batch-linger", "3ms").loaded(), false);
  EXPECT_EQ(printed.code, ExitCode::ok);
  EXPECT_EQ(static_cast<std::size_t>(std::ranges::count(printed.out, '\n')), settings().size() + 1);
  const auto at = printed.out.find("\nbatch-linger ");
  const auto line = printed.out.substr(at + 1, printed.out.find('\n', at + 1) - at - 1);
  EXPECT_NE(line.find(" 3ms "), std::string::npos);
  EXPECT_TRUE(line.ends_with("flag --batch-linger"));
  EXPECT_NE(
      show(Given{}.loaded(), true)
          .out.find(
              "{\"setting\": \"ack\", \"value\": \"kept\", \"from\": \"default\", \"environment\": "
              "\"FORAGER_ACK\", \"key\": \"ack\"}"),
      std::string::npos);
}

/// Everything that can be printed for one configuration.
std::string everything(const Given& given) {
  const auto outcome = given.loaded();
  std::string all;
  for (const Printed& one : {check(outcome), show(outcome, false), show(outcome, true)}) {
    all += one.out + one.err;
  }
  if (outcome) {
    for (const std::string& line : summary(*outcome)) all += line;
    all += fmt::format("{}", outcome->config.honeycomb_key);
  }
  return all;
}

TEST(Secrets, NeverComeOut) {
  const std::string marker = "MaRkEr-0123456789";
  const std::string shaped = "hcaik_" + std::string(50, 'm') + "arker123";
  for (const std::string& key :
       {marker, shaped, marker + "\nx", "\"" + marker + "\"", marker + " x"}) {
    const std::string visible = key == shaped ? "arker123" : "MaRkEr";
    std::vector<Given> all{
        Given{}.with_env("HONEYCOMB_API_KEY", key),
        Given{}.with_env("HONEYCOMB_API_KEY_FILE", "/k").with_file("/k", key),
        Given{}.with_flag("honeycomb-api-key", key),
        Given{}.with_yaml("honeycomb:\n  api_key: '" + key + "'\n"),
        Given{}.with_yaml("honeycomb:\n  api_key: " + key + "\n"),
        Given{}.with_yaml("honeycomb: " + shaped + "\n"),
        Given{}.with_env("FORAGER_HONEYCOMB_API_KEY", key),
        Given{}.with_env("HONEYCOMB_APIKEY", key),
        Given{}.with_env("HONEYCOMB_API_ENDPOINT", "https://" + key + "@h"),
        Given{}.with_env("HTTPS_PROXY", "http://user:" + key + "@proxy:1"),
        Given{}.with_env("HTTPS_PROXY", "ftp://user:" + key + "@proxy:1/?"),
        Given{}.with_env("HONEYCOMB_DATASET", shaped),
        Given{}.with_env("FORAGER_MEMORY_LIMIT", shaped),
        Given{}.with_yaml("memory_limit: ${env:K}\n").with_env("K", key),
        Given{}.with_yaml("memory_limit: ${env:" + shaped + "}\n"),
        Given{}.with_env("HONEYCOMB_API_KEY", key).with_env("FORAGER_ACK", trimmed(key).data())};
    // The same text as key and in a place that is printed, wrong or right.
    for (const Setting& one : settings()) {
      if (one.secret || one.flag == "config") continue;
      Given given;
      given.with_env("HONEYCOMB_API_KEY", marker).with_env(std::string(one.environment[0]), marker);
      all.push_back(given);
    }
    for (const Given& given : all) {
      const auto printed = everything(given);
      EXPECT_EQ(printed.find(visible), std::string::npos) << printed;
      EXPECT_FALSE(printed.empty());
    }
  }
}

TEST(Help, ExitCodesAreAllExplained) {
  for (const ExitMeaning& row : exit_meanings) {
    EXPECT_NE(
        reference_page().find(fmt::format("| {} | {} |", static_cast<int>(row.code), row.meaning)),
        std::string::npos);
  }
}

}  // namespace
}  // namespace forager::config
