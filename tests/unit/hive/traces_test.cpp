#include "hive/traces.h"

#include <gtest/gtest.h>

namespace forager::hive {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view id = "\x5b\x8e\xff\xf7\x98\x03\x81\x03\xd2\x69\xb6\x33\x81\x3f\xc6\x0c";

SpanFacts span(std::string_view service, std::string_view name,
               std::string_view parent = "parent") {
  SpanFacts made;
  made.service = service;
  made.trace_id = id;
  made.parent_id = parent;
  made.name = name;
  made.start_nanos = 10'000'000;
  made.end_nanos = 60'000'000;
  return made;
}
SpanFacts root(std::string_view service, std::string_view name) {
  SpanFacts made = span(service, name, "");
  made.start_nanos = 0;
  made.end_nanos = 182'000'000;
  return made;
}

const Time start{std::chrono::hours(1)};

TEST(OpenTraces, TellATraceOfSeveralRequestsInOneLine) {
  OpenTraces traces;
  SpanFacts failed = span("payments", "charge");
  failed.failed = true;
  EXPECT_TRUE(traces.add({span("checkout", "select"), span("checkout", "insert")}, start).empty());
  EXPECT_TRUE(traces.add({root("web", "POST /cart/checkout")}, start + milliseconds(40)).empty());
  EXPECT_TRUE(traces.take_due(start + milliseconds(100)).empty());  // quiet for 60 ms only
  traces.add({failed}, start + milliseconds(110));
  const auto lines = traces.take_due(start + milliseconds(210));
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0].text,
            "web  POST /cart/checkout  182 ms  4 spans, 3 services, 1 error  trace 5b8efff7...");
  EXPECT_TRUE(lines[0].bad);
  EXPECT_TRUE(traces.empty());
}

TEST(OpenTraces, WaitLongerForARootThatHasNotCome) {
  OpenTraces traces;
  SpanFacts early = span("web", "first");
  early.start_nanos = 5'000'000;
  traces.add({span("web", "second"), early}, start);
  EXPECT_TRUE(traces.take_due(start + milliseconds(499)).empty());
  const auto lines = traces.take_due(start + milliseconds(500));
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0].text, "web  first  55 ms  2 spans, no root yet  trace 5b8efff7...");
  EXPECT_FALSE(lines[0].bad);
}

TEST(OpenTraces, CallLateSpansMoreSpans) {
  OpenTraces traces;
  traces.add({root("web", "GET /")}, start);
  EXPECT_EQ(traces.take_due(start + milliseconds(100)).size(), 1U);
  traces.add({span("worker", "mail")}, start + milliseconds(300));
  const auto lines = traces.take_due(start + milliseconds(800));
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0].text, "worker  mail  50 ms  1 more span  trace 5b8efff7...");
}

TEST(OpenTraces, TellATraceThatNeverFallsSilentAfterFiveSeconds) {
  OpenTraces traces;
  std::size_t lines = 0;
  for (auto at = milliseconds(0); at <= milliseconds(5'000); at += milliseconds(50)) {
    traces.add({span("web", "tick")}, start + at);
    lines += traces.take_due(start + at).size();
  }
  EXPECT_EQ(lines, 1U);
}

TEST(OpenTraces, WriteAllWhenThereAreTooMany) {
  OpenTraces traces;
  std::vector<std::string> ids;
  for (std::size_t i = 0; i <= OpenTraces::open_max; ++i) ids.push_back(std::to_string(i));
  std::vector<SpanFacts> spans;
  for (const std::string& one : ids) {
    spans.push_back(root("web", "GET /"));
    spans.back().trace_id = one;
  }
  EXPECT_EQ(traces.add(spans, start).size(), OpenTraces::open_max);
  EXPECT_EQ(traces.take_all().size(), 1U);
}

TEST(OpenTraces, SayWhenASpanHasNoEnd) {
  OpenTraces traces;
  SpanFacts open = root("web\x1b", "GET\n/");
  open.start_nanos = 5;
  open.end_nanos = 0;
  traces.add({open}, start);
  const auto lines = traces.take_all();
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0].text, "web?  GET /  no end time  1 span  trace 5b8efff7...");
}

}  // namespace
}  // namespace forager::hive
