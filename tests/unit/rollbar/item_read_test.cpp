#include <gtest/gtest.h>

#include "otlp/walk.h"
#include "rollbar/read.h"
#include "unit/rollbar/errors.h"

namespace forager::rollbar {
namespace {

using Kind = Occurrence::Kind;
using test::errors_in;

TEST(ReadErrors, FindsEveryExceptionEventOfASpanAndNoOtherEvent) {
  const auto body =
      test::request({test::span(test::other_event("message") +
                                test::exception_event({{"exception.type", "KeyError"},
                                                       {"exception.message", "'a'"},
                                                       {"exception.stacktrace", "Traceback"}}) +
                                test::other_event("exception.like") + test::exception_event({}, 7)),
                     test::span("")});
  const auto errors = errors_in(Signal::traces, body);
  ASSERT_EQ(errors.size(), 2U);
  EXPECT_EQ(errors[0].kind, Kind::exception);
  EXPECT_EQ(errors[0].type, "KeyError");
  EXPECT_EQ(errors[0].message, "'a'");
  EXPECT_EQ(errors[0].stacktrace, "Traceback");
  EXPECT_EQ(errors[0].index, 1U) << "of the event, not of the exception";
  EXPECT_EQ(errors[0].time, test::a_time);
  EXPECT_EQ(errors[0].trace_id, test::a_trace);
  EXPECT_EQ(errors[0].span_id, test::a_span);
  EXPECT_EQ(errors[0].name, "GET /orders/:id");
  EXPECT_EQ(errors[1].index, 3U);
  EXPECT_EQ(errors[1].time, 7U);
}

TEST(ReadErrors, TakesTheEndOfTheSpanWhenTheEventHasNoTime) {
  const auto body = test::request({test::span(test::exception_event({}, 0))});
  EXPECT_EQ(errors_in(Signal::traces, body).at(0).time, test::a_time + 1000);
}

TEST(ReadErrors, TakesALogRecordWithAnExceptionAtAnySeverity) {
  for (const std::uint32_t severity : {0U, 5U, 13U, 24U}) {
    const auto body = test::request({test::log(severity, "oh", {{"exception.message", "broken"}})});
    const auto errors = errors_in(Signal::logs, body);
    ASSERT_EQ(errors.size(), 1U);
    EXPECT_EQ(errors[0].kind, Kind::exception);
    EXPECT_EQ(errors[0].severity, severity);
  }
}

TEST(ReadErrors, TakesLogRecordsFromErrorOnAsMessagesUnlessToldNotTo) {
  const auto body = test::request({test::log(16, "warned"), test::log(17, "failed"),
                                   test::log(9, "exception. is only a word here")});
  const auto errors = errors_in(Signal::logs, body);
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors[0].kind, Kind::log_message);
  EXPECT_TRUE(errors_in(Signal::logs, body, {false, false}).empty());
}

TEST(ReadErrors, TakesTheObservedTimeOfALogRecordWithoutOne) {
  const auto body = test::request({test::log(17, "x", {}, 0) + test::wire_fixed64(11, 99)});
  EXPECT_EQ(errors_in(Signal::logs, body).at(0).time, 99U);
}

TEST(ReadErrors, TakesFailedSpansOnlyWhenToldToAndWithoutAnException) {
  const auto failed =
      test::wire_bytes(15, test::wire_bytes(2, "db is gone") + test::wire_varint(3, 2));
  const auto fine = test::wire_bytes(15, test::wire_varint(3, 1));
  const auto body = test::request(
      {test::span(failed), test::span(fine), test::span(failed + test::exception_event({}))});
  EXPECT_EQ(errors_in(Signal::traces, body).size(), 1U);
  const auto errors = errors_in(Signal::traces, body, {true, true});
  ASSERT_EQ(errors.size(), 2U);
  EXPECT_EQ(errors[0].kind, Kind::span_error);
  EXPECT_EQ(errors[0].message, "db is gone");
  EXPECT_EQ(errors[1].kind, Kind::exception);
}

TEST(ReadErrors, CallsAnIdOfZerosNone) {
  const auto body =
      test::request({test::log(17, "x", {}, 1, std::string(16, '\0'), std::string(8, '\0'))});
  EXPECT_TRUE(errors_in(Signal::logs, body).at(0).trace_id.empty());
  EXPECT_TRUE(errors_in(Signal::logs, body).at(0).span_id.empty());
}

TEST(ReadErrors, CountsItemsAsTheWalkDoes) {
  for (const Signal signal : {Signal::traces, Signal::logs}) {
    std::string body = test::otlp_request(signal, {3, 2, 5, 1, true});
    std::uint32_t items = 0;
    each_item(body, [&](std::string_view, std::string_view, std::string_view) { ++items; });
    EXPECT_EQ(items, otlp::walk(signal, body).value().items);
  }
}

TEST(ReadErrors, FindsTheResourceBehindItsScopes) {
  const std::string scope =
      test::wire_bytes(2, test::span("")) + test::wire_bytes(1, test::wire_bytes(1, "s"));
  const auto body =
      test::wire_bytes(1, test::wire_bytes(2, scope) + test::wire_bytes(1, "RESOURCE"));
  each_item(body, [](std::string_view, std::string_view scope_group, std::string_view group) {
    EXPECT_EQ(envelope_of(scope_group, group).resource, "RESOURCE");
    EXPECT_EQ(envelope_of(scope_group, group).scope, test::wire_bytes(1, "s"));
  });
}

}  // namespace
}  // namespace forager::rollbar
