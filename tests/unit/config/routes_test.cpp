#include "config/routes.h"

#include <gtest/gtest.h>

namespace forager::config {
namespace {

using Names = std::vector<std::string>;

Routes routes(std::string_view text) {
  const auto entries = parse_destinations(text);
  if (!entries) {
    ADD_FAILURE() << text << ": " << entries.error().what;
    return {};
  }
  return routes_of(*entries);
}

TEST(Destinations, WithoutSignalsHoldForAll) {
  const auto made = routes("honeycomb, hive");
  for (const Signal signal : otlp_signals) EXPECT_EQ(made.of(signal), (Names{"honeycomb", "hive"}));
  EXPECT_TRUE(made.forgotten.empty());
  EXPECT_EQ(format_routes(made), "honeycomb,hive");
}

TEST(Destinations, BySignalLeaveTheOthersWithoutARoute) {
  const auto made = routes("traces=honeycomb,hive;logs=hive");
  EXPECT_EQ(made.of(Signal::traces), (Names{"honeycomb", "hive"}));
  EXPECT_EQ(made.of(Signal::logs), Names{"hive"});
  EXPECT_TRUE(made.of(Signal::metrics).empty());
  EXPECT_EQ(made.forgotten, std::vector{Signal::metrics});
  EXPECT_EQ(made.all(), (Names{"honeycomb", "hive"}));
}

TEST(Destinations, WithoutASignalHoldForTheRest) {
  const auto made = routes("honeycomb;logs=hive;metrics=none");
  EXPECT_EQ(made.of(Signal::traces), Names{"honeycomb"});
  EXPECT_EQ(made.of(Signal::logs), Names{"hive"});
  EXPECT_TRUE(made.of(Signal::metrics).empty());
  EXPECT_TRUE(made.forgotten.empty());
}

TEST(Destinations, GetOnlyTheSignalsTheyCanTake) {
  const auto made = routes("honeycomb,xray,cloudwatch,rollbar");
  EXPECT_EQ(made.of(Signal::traces), (Names{"honeycomb", "xray", "rollbar"}));
  EXPECT_EQ(made.of(Signal::metrics), Names{"honeycomb"});
  EXPECT_EQ(made.of(Signal::logs), (Names{"honeycomb", "cloudwatch", "rollbar"}));
  EXPECT_TRUE(made.forgotten.empty());
  EXPECT_EQ(routes("xray,rollbar").forgotten, std::vector{Signal::metrics});
}

TEST(Destinations, XrayGetsTheSegmentsOfItsDaemon) {
  EXPECT_EQ(routes("traces=xray").of(Signal::segments), Names{"xray"});
  EXPECT_TRUE(routes("honeycomb,rollbar").of(Signal::segments).empty());
}

TEST(Destinations, ReadBackWhatIsWritten) {
  for (const char* text :
       {"hive", "honeycomb,hive", "traces=hive;metrics=none;logs=honeycomb,hive"}) {
    EXPECT_EQ(format_routes(routes(text)), text);
    EXPECT_EQ(format_routes(routes(format_routes(routes(text)))), text);
  }
}

TEST(Destinations, RefuseWhatIsUnclear) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"honeycmb", "(did you mean honeycomb?)"},
      {"traces=zipkin", "known are honeycomb, xray, cloudwatch, rollbar, otlp, hive"},
      {"metrics=hive,rollbar", "sends metrics to rollbar, which doesn't take them"},
      {"trace=hive", "(did you mean traces?)"},
      {"traces=honeycomb,logs=hive", "has a comma before the next signal"},
      {"traces=", "has a part without a name"},
      {"hive,hive", "names hive twice"},
      {"traces=hive;traces=honeycomb", "has two parts for traces"},
      {"hive;honeycomb", "two parts for the signals that aren't named"},
      {"none", "name one, such as hive"},
      {"traces=none,hive", "says none and more"},
      {";", "names nothing"}};
  for (const auto& [text, what] : cases) {
    const auto got = parse_destinations(text);
    ASSERT_FALSE(got) << text;
    EXPECT_NE(got.error().what.find(what), std::string::npos) << text << ": " << got.error().what;
  }
}

}  // namespace
}  // namespace forager::config
