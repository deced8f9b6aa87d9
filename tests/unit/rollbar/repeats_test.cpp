#include "rollbar/repeats.h"

#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "rollbar/item.h"
#include "unit/rollbar/errors.h"

namespace forager::rollbar {
namespace {

std::string failing(std::string_view message = "m", std::uint64_t time = test::a_time,
                    std::string_view id = test::a_span) {
  return test::span(
      test::exception_event({{"exception.type", "E"}, {"exception.message", message}}, time),
      test::a_trace, id);
}

/// What the screen does with all errors of a request.
std::vector<std::uint32_t> numbers(Signal signal, const std::string& body, ReadRules rules = {}) {
  Repeats repeats;
  std::vector<std::uint32_t> made;
  for (const Occurrence& error : test::errors_in(signal, body, rules)) {
    made.push_back(repeats.number_of(error));
  }
  return made;
}
std::set<std::string> uuids(Signal signal, const std::string& body, ReadRules rules = {}) {
  Repeats repeats;
  std::set<std::string> made;
  for (Occurrence error : test::errors_in(signal, body, rules)) {
    error.repeat = repeats.number_of(error);
    made.insert(uuid_of(error, "s", "i", "h"));
  }
  return made;
}
using Counted = std::vector<std::uint32_t>;

TEST(Repeats, CountEqualErrorsOfARequest) {
  const auto equal = test::log(17, "oh", {}, 0);
  const auto other = test::log(17, "no", {}, 0);
  const auto logs = test::request({equal, other, equal, equal, other});
  EXPECT_EQ(numbers(Signal::logs, logs), (Counted{0, 0, 1, 2, 1}));
  EXPECT_EQ(uuids(Signal::logs, logs).size(), 5U);
  const auto spans = test::request({failing(), failing(), failing("n")});
  EXPECT_EQ(numbers(Signal::traces, spans), (Counted{0, 1, 0}));
  EXPECT_EQ(uuids(Signal::traces, spans).size(), 3U);
}

TEST(Repeats, TakeNoMoreMemoryHoweverManyKindsThereAre) {
  const auto logs = test::request({test::log(17, "oh", {}, 0)});
  Occurrence error = test::errors_in(Signal::logs, logs, {}).at(0);
  Repeats repeats;
  std::string item;
  for (int i = 0; i < 70'000; ++i) {
    item = std::to_string(i);
    error.item = item;
    ASSERT_EQ(repeats.number_of(error), 0U);
  }
  EXPECT_EQ(repeats.number_of(error), 0U) << "the last was one too many to be counted";
  error.item = "0";
  EXPECT_EQ(repeats.number_of(error), 1U);
}

TEST(Repeats, AreOnlyWhatDiffersInNothing) {
  const auto spans = test::request(
      {failing(), failing("m", test::a_time + 1), failing("m", test::a_time, "12345678"),
       failing("n"),
       test::span(test::other_event("retry") +
                  test::exception_event({{"exception.type", "E"}, {"exception.message", "m"}}))});
  EXPECT_EQ(numbers(Signal::traces, spans), Counted(5, 0));
  const auto logs =
      test::request({test::log(17, "oh", {}, 0), test::log(18, "oh", {}, 0),
                     test::log(17, "oh", {{"order", "7"}}, 0),
                     test::log(17, "oh", {{"exception.type", "E"}}, 0), test::log(17, "oh")});
  EXPECT_EQ(numbers(Signal::logs, logs), Counted(5, 0));
  EXPECT_EQ(uuids(Signal::logs, logs).size(), 5U);
}

TEST(Repeats, OfLongTextsThatDifferInTheMiddleHaveDifferentUuidsToo) {
  const auto with = [](char middle) {
    return failing(std::string(5000, 'x') + middle + std::string(5000, 'y'));
  };
  const auto spans = test::request({with('a'), with('b'), with('a')});
  EXPECT_EQ(uuids(Signal::traces, spans).size(), 3U);
}

TEST(Repeats, OfSpansThatFailedWithoutExceptionAreToldApart) {
  const auto failed = test::span(test::wire_bytes(15, test::wire_varint(3, 2)));
  EXPECT_EQ(numbers(Signal::traces, test::request({failed, failed}), {false, true}),
            (Counted{0, 1}));
}

TEST(Repeats, BeginAgainWithEachRequest) {
  const auto body = test::request({failing()});
  const auto errors = test::errors_in(Signal::traces, body);
  Repeats repeats;
  EXPECT_EQ(repeats.number_of(errors[0]), 0U);
  EXPECT_EQ(repeats.number_of(errors[0]), 1U);
  repeats.clear();
  EXPECT_EQ(repeats.number_of(errors[0]), 0U);
}

}  // namespace
}  // namespace forager::rollbar
