#include "hive/reading.h"

#include <gtest/gtest.h>

#include "unit/hive/bodies.h"

namespace forager::hive {
namespace {

using namespace forager::test;  // NOLINT: a test reads better without the prefix

TEST(Reading, FindsWhatALineNeedsInASpan) {
  const std::string body = wire_request(
      "checkout", {wire_span({.parent_id = "parentid", .name = "charge", .failed = true})});
  const auto spans = read_spans(body);
  ASSERT_TRUE(spans);
  ASSERT_EQ(spans->size(), 1U);
  EXPECT_EQ(spans->front().service, "checkout");
  EXPECT_EQ(spans->front().trace_id, std::string(16, 't'));
  EXPECT_EQ(spans->front().parent_id, "parentid");
  EXPECT_EQ(spans->front().name, "charge");
  EXPECT_EQ(spans->front().end_nanos - spans->front().start_nanos, 182'000'000U);
  EXPECT_TRUE(spans->front().failed);
}

TEST(Reading, TakesAnAllZeroParentForNoParent) {
  const std::string body = wire_request("a", {wire_span({.parent_id = std::string(8, '\0')})});
  const auto spans = read_spans(body);
  ASSERT_TRUE(spans && spans->size() == 1);
  EXPECT_TRUE(spans->front().parent_id.empty());
}

TEST(Reading, FindsTheServiceBehindTheScopes) {
  const std::string resource = wire_bytes(1, wire_attribute("service.name", "late"));
  const std::string body =
      wire_bytes(1, wire_bytes(2, wire_bytes(2, wire_span({}))) + wire_bytes(1, resource));
  const auto spans = read_spans(body);
  ASSERT_TRUE(spans && spans->size() == 1);
  EXPECT_EQ(spans->front().service, "late");
}

TEST(Reading, ShowsTheExceptionOfALogWithoutText) {
  const std::string record = wire_varint(2, 17) +
                             wire_bytes(6, wire_attribute("exception.message", "no such card")) +
                             wire_bytes(12, "exception");
  const std::string body = wire_request("payments", {record});
  const auto logs = read_logs(body);
  ASSERT_TRUE(logs && logs->size() == 1);
  EXPECT_EQ(logs->front().severity, 17U);
  EXPECT_EQ(logs->front().text, "no such card");
}

TEST(Reading, CountsPointsNotMetrics) {
  const std::string point = wire_bytes(1, wire_fixed64(3, 1));
  const std::string body =
      wire_request("a", {wire_bytes(1, "sum") + wire_bytes(7, point + point),
                         wire_bytes(1, "summary") + wire_bytes(11, point + point + point)});
  const auto metrics = read_metrics(body);
  ASSERT_TRUE(metrics && metrics->size() == 2);
  EXPECT_EQ((*metrics)[0].points, 2U);
  EXPECT_EQ((*metrics)[1].points, 3U);
}

TEST(Reading, RefusesEveryCutOfABody) {
  const std::string whole = wire_request("a", {wire_span({}), wire_span({})});
  for (std::size_t size = 1; size < whole.size(); ++size) {
    const std::string cut = whole.substr(0, size);
    EXPECT_FALSE(read_spans(cut)) << size;
  }
}

TEST(Reading, SkipsAKnownFieldOfTheWrongWireType) {
  const std::string span = wire_varint(1, 7) + wire_bytes(7, "not a time") + wire_bytes(5, "name");
  const std::string body = wire_request("a", {span});
  const auto spans = read_spans(body);
  ASSERT_TRUE(spans && spans->size() == 1);
  EXPECT_EQ(spans->front().name, "name");
  EXPECT_TRUE(spans->front().trace_id.empty());
  EXPECT_EQ(spans->front().start_nanos, 0U);
}

}  // namespace
}  // namespace forager::hive
