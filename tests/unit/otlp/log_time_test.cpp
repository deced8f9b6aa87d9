#include "otlp/log_time.h"

#include <random>
#include <string>

#include <gtest/gtest.h>

#include "otlp/walk.h"
#include "support/otlp_builder.h"
#include "support/otlp_flat.h"
#include "support/random_otlp.h"

namespace forager::otlp {
namespace {

using test::wire_bytes;
using test::wire_fixed64;

constexpr std::uint64_t arrived = 0x1122334455667788;

std::string around(std::string_view record) {
  return wire_bytes(1, wire_bytes(2, wire_bytes(2, record)));
}

/// What becomes of a request with that one record.
std::string edited(std::string_view record) {
  const Slice body(around(record));
  const std::string before(body.view());
  const Slice made = with_log_time(body, arrived);
  EXPECT_EQ(body.view(), before) << "the journal's bytes are never changed";
  return std::string(made.view());
}

TEST(LogTime, LeavesRecordsWithATimeAlone) {
  const Slice body(around(wire_fixed64(1, 5) + wire_fixed64(11, 6)));
  EXPECT_EQ(with_log_time(body, arrived).view().data(), body.view().data()) << "not even copied";
}

TEST(LogTime, RetagsTheObservedTime) {
  const std::string text = wire_bytes(3, "INFO");
  EXPECT_EQ(edited(text + wire_fixed64(11, 6)), around(text + wire_fixed64(1, 6)));
  EXPECT_EQ(edited(wire_fixed64(11, 0) + wire_fixed64(11, 6)),
            around(wire_fixed64(1, 0) + wire_fixed64(1, 6)));
}

TEST(LogTime, RetagsAPaddedTagAndKeepsItsPadding) {
  const std::string value = wire_fixed64(11, 6).substr(1);
  EXPECT_EQ(edited(std::string("\xd9\x80\x00", 3) + value),
            around(std::string("\x89\x80\x00", 3) + value));
}

TEST(LogTime, OverwritesAnExplicitZeroWithTheObservedTime) {
  EXPECT_EQ(edited(wire_fixed64(1, 0) + wire_fixed64(11, 6)),
            around(wire_fixed64(1, 6) + wire_fixed64(11, 6)));
  EXPECT_EQ(edited(wire_fixed64(11, 6) + wire_fixed64(1, 7) + wire_fixed64(1, 0)),
            around(wire_fixed64(11, 6) + wire_fixed64(1, 7) + wire_fixed64(1, 6)));
}

TEST(LogTime, OverwritesZerosWithTheArrival) {
  EXPECT_EQ(edited(wire_fixed64(1, 0)), around(wire_fixed64(1, arrived)));
  EXPECT_EQ(edited(wire_fixed64(1, 0) + wire_fixed64(11, 0)),
            around(wire_fixed64(1, arrived) + wire_fixed64(11, 0)));
  EXPECT_EQ(edited(wire_fixed64(11, 0)), around(wire_fixed64(1, arrived)));
}

TEST(LogTime, InsertsTheArrivalAndTheLengthsRipple) {
  for (const std::size_t size : {0U, 100U, 107U, 120U, 16'360U}) {
    const std::string text = wire_bytes(3, std::string(size, 'x'));
    EXPECT_EQ(edited(text), around(wire_fixed64(1, arrived) + text)) << size;
  }
}

TEST(LogTime, KeepsEveryByteThatHasNothingToDoWithIt) {
  const std::string stays = std::string("\x0a\x8f\x00", 3) +
                            wire_bytes(2, wire_bytes(2, wire_fixed64(1, 1)) + wire_bytes(7, ""));
  const std::string unknown = test::wire_varint(1000, 1);
  const Slice body(unknown + stays + around("") + unknown);
  EXPECT_EQ(with_log_time(body, arrived).view(),
            unknown + stays + around(wire_fixed64(1, arrived)) + unknown);
}

/// The same by protobuf, but for the observed time: protobuf can't tell an explicit zero from none,
/// so not whether it moves.
void model(test::LogsRequest& request) {
  for (auto& resource : *request.mutable_resource_logs()) {
    for (auto& scope : *resource.mutable_scope_logs()) {
      for (auto& record : *scope.mutable_log_records()) {
        if (record.time_unix_nano() != 0) continue;
        const auto observed = record.observed_time_unix_nano();
        record.set_time_unix_nano(observed != 0 ? observed : arrived);
      }
    }
  }
}

TEST(LogTime, AgreesWithProtobufOnRandomRequests) {
  std::mt19937_64 random(6);
  int changed = 0;
  for (int round = 0; round < 500; ++round) {
    std::string body = test::random_request(Signal::logs, random, random() % 12);
    const auto before = walk(Signal::logs, body);
    ASSERT_TRUE(before);
    const Slice made = with_log_time(Slice(body), arrived);
    EXPECT_EQ(made.view() != body, before->log_time_missing);
    if (made.view() != body) ++changed;
    std::string copy(made.view());
    const auto after = walk(Signal::logs, copy);
    ASSERT_TRUE(after) << after.error().what;
    EXPECT_FALSE(after->log_time_missing);
    EXPECT_EQ(after->items, before->items);

    auto expected = test::parse<test::LogsRequest>(body).value();
    auto actual = test::parse<test::LogsRequest>(made.view()).value();
    model(expected);
    for (auto* request :
         {&expected, &actual}) {  // whether the observed time moved or was copied is tested above
      for (auto& resource : *request->mutable_resource_logs()) {
        for (auto& scope : *resource.mutable_scope_logs()) {
          for (auto& record : *scope.mutable_log_records()) record.clear_observed_time_unix_nano();
        }
      }
    }
    ASSERT_EQ(actual.SerializeAsString(), expected.SerializeAsString()) << "round " << round;
  }
  EXPECT_GT(changed, 100);
}

}  // namespace
}  // namespace forager::otlp
