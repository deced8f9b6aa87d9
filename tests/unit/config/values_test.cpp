#include "config/values.h"

#include <random>

#include <gtest/gtest.h>

namespace forager::config {
namespace {

constexpr milliseconds day{86'400'000};

TEST(Durations, AreReadWithTheirUnits) {
  const std::vector<std::pair<std::string, std::int64_t>> cases{
      {"200ms", 200}, {"8s", 8000}, {"5m", 300'000},    {"1h30m", 5'400'000}, {"1.5s", 1500},
      {"0", 0},       {"0s", 0},    {"1d", 86'400'000}, {"1m1s1ms", 61'001},  {"8S", 8000}};
  for (const auto& [text, value] : cases) {
    const auto got = parse_duration(text, milliseconds{0}, day);
    ASSERT_TRUE(got) << text << ": " << got.error().what;
    EXPECT_EQ(got->count(), value) << text;
  }
}

TEST(Durations, RefuseWhatIsNotOneAndSayTheFix) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"", "is not a duration; write a number and a unit"},
      {"s", "is not a duration"},
      {"8", "has no unit; write 8ms, 8s or 8m"},
      {"-5s", "is negative"},
      {"5 s", "is not a duration"},
      {"5sec", "is not a duration"},
      {"1e3s", "is not a duration"},
      {"1..5s", "is not a duration"},
      {"nan", "is not a duration"},
      {"0.5ms", "is finer than a millisecond"},
      {"2d", "is out of range; allowed is 0 to 24h"},
      {"99999999999999999999999h", "is out of range"}};
  for (const auto& [text, what] : cases) {
    const auto got = parse_duration(text, milliseconds{0}, day);
    ASSERT_FALSE(got) << text;
    EXPECT_NE(got.error().what.find(what), std::string::npos) << text << ": " << got.error().what;
  }
}

TEST(Durations, AreWrittenSoThatTheyReadBack) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 2000; ++round) {
    const milliseconds value{static_cast<std::int64_t>(random() % 86'400'000)};
    const auto back = parse_duration(format_duration(value), milliseconds{0}, day);
    ASSERT_TRUE(back);
    EXPECT_EQ(*back, value);
  }
  EXPECT_EQ(format_duration(milliseconds{90'000}), "90s");
  EXPECT_EQ(format_duration(milliseconds{120'000}), "2m");
}

TEST(Sizes, AreReadWithTheirUnits) {
  const std::vector<std::pair<std::string, std::size_t>> cases{
      {"5000000", 5'000'000}, {"64MiB", 64U << 20U}, {"64mib", 64U << 20U}, {"64Mi", 64U << 20U},
      {"5MB", 5'000'000},     {"1.5GiB", 3U << 29U}, {"64 KiB", 65536},     {"7b", 7}};
  for (const auto& [text, value] : cases) {
    const auto got = parse_size(text, 1, 1ULL << 40U);
    ASSERT_TRUE(got) << text << ": " << got.error().what;
    EXPECT_EQ(*got, value) << text;
  }
}

TEST(Sizes, RefuseWhatIsNotOneAndSayTheFix) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"", "is not a size"},           {"MiB", "is not a size"},
      {"-1MiB", "is negative"},        {"64m", "write MiB (1024s) or MB (1000s)"},
      {"64 parsecs", "is not a size"}, {"1.5", "is not a whole number of bytes"},
      {"1e9", "is not a size"},        {"0", "allowed is 1 to 1TiB"},
      {"2TiB", "is out of range"}};
  for (const auto& [text, what] : cases) {
    const auto got = parse_size(text, 1, 1ULL << 40U);
    ASSERT_FALSE(got) << text;
    EXPECT_NE(got.error().what.find(what), std::string::npos) << text << ": " << got.error().what;
  }
}

TEST(Sizes, AreWrittenSoThatTheyReadBack) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 2000; ++round) {
    const std::size_t value = 1 + (random() % (1ULL << 30U)) * (round % 2 == 0 ? 1 : 1024);
    const auto back = parse_size(format_size(value), 1, 1ULL << 50U);
    ASSERT_TRUE(back);
    EXPECT_EQ(*back, value);
  }
  EXPECT_EQ(format_size(128U << 20U), "128MiB");
  EXPECT_EQ(format_size(5'000'000), "5MB");
}

TEST(Counts, AreWholeNumbersInTheirRange) {
  EXPECT_EQ(*parse_count("4", 1, 10), 4U);
  for (const char* text : {"0", "11", "-1", "4.0", "", "four", "99999999999999999999"}) {
    EXPECT_FALSE(parse_count(text, 1, 10)) << text;
  }
}

TEST(Listeners, AreReadInEveryFormAndWrittenBack) {
  struct Case {
    std::string text;
    Listen expected;
  };
  const std::vector<Case> cases{{"off", {true, "", 0, "", false}},
                                {"localhost:4318", {false, "localhost", 4318, "", false}},
                                {":4318", {false, "0.0.0.0", 4318, "", true}},
                                {"[::1]:4318", {false, "::1", 4318, "", false}},
                                {"127.0.0.1:0", {false, "127.0.0.1", 0, "", false}},
                                {"0.0.0.0:4318", {false, "0.0.0.0", 4318, "", false}},
                                {"unix:/run/f.sock", {false, "", 0, "/run/f.sock", false}}};
  for (const Case& one : cases) {
    const auto got = parse_listen(one.text);
    ASSERT_TRUE(got) << one.text << ": " << got.error().what;
    EXPECT_EQ(got->off, one.expected.off) << one.text;
    EXPECT_EQ(got->host, one.expected.host) << one.text;
    EXPECT_EQ(got->port, one.expected.port) << one.text;
    EXPECT_EQ(got->unix_path, one.expected.unix_path) << one.text;
    EXPECT_EQ(got->all_interfaces, one.expected.all_interfaces) << one.text;
    EXPECT_EQ(format_listen(*got), one.text);
  }
}

TEST(Listeners, RefuseWhatIsNotOneAndSayTheFix) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"4318", "write localhost:4318 for this machine or :4318 for all interfaces"},
      {"localhost", "write host:port"},
      {"localhost:", "has no valid port"},
      {"localhost:65536", "has no valid port"},
      {"localhost:http", "has no valid port"},
      {"::1:4318", "write [::1]:4318"},
      {"[]:4318", "is not an address"},
      {"[::1", "is not an address"},
      {"http://localhost:4318", "is a URL"},
      {"unix:run.sock", "needs an absolute path"},
      {"unix:/" + std::string(107, 'x'), "at most 107 bytes"},
      {"a b:1", "is not an address"},
      {"", "is not an address"}};
  for (const auto& [text, what] : cases) {
    const auto got = parse_listen(text);
    ASSERT_FALSE(got) << text;
    EXPECT_NE(got.error().what.find(what), std::string::npos) << text << ": " << got.error().what;
  }
}

TEST(Endpoints, AreHttpUrlsAlone) {
  EXPECT_EQ(*parse_endpoint("https://api.honeycomb.io/"), "https://api.honeycomb.io");
  EXPECT_EQ(*parse_endpoint("http://localhost:8080"), "http://localhost:8080");
  EXPECT_EQ(*parse_endpoint("https://[::1]:8443/base"), "https://[::1]:8443/base");
  const std::vector<std::pair<std::string, std::string>> cases{
      {"api.honeycomb.io", "is not an http or https URL"},
      {"ftp://x", "is not an http or https URL"},
      {"https://", "has no valid host name"},
      {"https://:443", "has no valid host name"},
      {"https://h:0", "has no valid port"},
      {"https://h:99999", "has no valid port"},
      {"https://key@h", "credentials don't belong into a URL"},
      {"https://u:p@h", "credentials don't belong into a URL"},
      {"https://h?x=1", "has a query"},
      {"https://h/a b", "has a character"},
      {"https://h/v1/traces", "Forager adds by itself"}};
  for (const auto& [text, what] : cases) {
    const auto got = parse_endpoint(text);
    ASSERT_FALSE(got) << text;
    EXPECT_NE(got.error().what.find(what), std::string::npos) << text << ": " << got.error().what;
  }
}

TEST(Proxies, MayHaveAUserAndNeverShowIt) {
  EXPECT_EQ(*parse_proxy("proxy:3128"), "http://proxy:3128");
  EXPECT_EQ(*parse_proxy("http://u:p@proxy:3128/"), "http://u:p@proxy:3128");
  for (const char* text : {"https://proxy:1", "socks5://proxy:1", "http://", "http://proxy/path"}) {
    EXPECT_FALSE(parse_proxy(text)) << text;
  }
  EXPECT_EQ(without_userinfo("http://u:p@proxy:3128"), "http://[secret]@proxy:3128");
  EXPECT_EQ(without_userinfo("http://u:p#/?@x@proxy"), "http://[secret]@proxy");
  EXPECT_EQ(without_userinfo("u:p@proxy:1"), "[secret]@proxy:1");
  EXPECT_EQ(without_userinfo("http://proxy:1"), "http://proxy:1");
}

TEST(Origins, AreSchemeAndHostOnly) {
  EXPECT_EQ(parse_origins("https://a.example, http://localhost:3000")->size(), 2U);
  EXPECT_EQ(parse_origins("*")->front(), "*");
  for (const char* text : {"a.example", "https://a/path", "https://a,b", "null", "https://u@a"}) {
    EXPECT_FALSE(parse_origins(text)) << text;
  }
}

TEST(QuotedValues, AreShortPrintableAndNeverKeys) {
  EXPECT_EQ(in_quotes("x\ny"), "\"x?y\"");
  EXPECT_LT(in_quotes(std::string(500, 'x')).size(), 90U);
  const std::string key = "hcaik_" + std::string(58, 'a');
  for (const std::string& text : {key, "x=" + key, "Bearer " + key, "https://h/" + key}) {
    EXPECT_EQ(in_quotes(text).find(key), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace forager::config
