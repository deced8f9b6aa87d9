#include "otlp/walk.h"

#include <algorithm>
#include <random>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "otlp/take_apart.h"
#include "otlp/wire.h"
#include "support/otlp_builder.h"
#include "support/otlp_flat.h"
#include "support/random_otlp.h"

namespace forager::otlp {
namespace {

using test::wire_bytes;
using test::wire_fixed32;
using test::wire_fixed64;
using test::wire_varint;
using ::testing::HasSubstr;

Shape accepted(Signal signal, std::string& body) {
  const auto shape = walk(signal, body);
  EXPECT_TRUE(shape.has_value()) << shape.error().what;
  return shape.has_value() ? *shape : Shape{};
}

std::string refusal(Signal signal, std::string body) {
  const auto shape = walk(signal, body);
  EXPECT_FALSE(shape.has_value());
  return shape.has_value() ? "" : shape.error().what;
}

/// A request around one span, log record or point of a gauge.
std::string around(Signal signal, std::string_view item) {
  const std::string inner = signal == Signal::metrics
                                ? wire_bytes(2, wire_bytes(5, wire_bytes(1, item)))
                                : wire_bytes(2, item);
  return wire_bytes(1, wire_bytes(2, inner));
}
std::string span_with(std::string_view fields) { return around(Signal::traces, fields); }

TEST(Walk, CountsTheItemsOfEachSignal) {
  for (const Signal signal : otlp_signals) {
    std::string body = test::otlp_request(
        signal, {.resources = 3, .scopes = 2, .items = 5, .unknown_fields = true});
    const std::string before = body;
    EXPECT_EQ(accepted(signal, body).items, 30U) << facts(signal).name;
    EXPECT_EQ(body, before);
  }
}

TEST(Walk, TakesASegmentAsTextAndNotAsAMessage) {
  std::string good = wire_bytes(1, "\x0a\xff is no message and no text");
  const auto shape = walk(Signal::segments, good);
  ASSERT_TRUE(shape) << shape.error().what;
  EXPECT_EQ(shape->items, 1U);
  EXPECT_EQ(shape->repaired, 1U);
  EXPECT_EQ(good, wire_bytes(1, "\x0a? is no message and no text"));
  std::string cut = good.substr(0, good.size() - 1);
  const auto refused = walk(Signal::segments, cut);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().what.starts_with("segments: length ")) << refused.error().what;
}

TEST(Walk, CountsThePointsOfAllFiveKindsOfMetrics) {
  std::string metrics;
  for (const std::uint32_t kind : {5U, 7U, 9U, 10U, 11U}) {
    metrics += wire_bytes(2, wire_bytes(kind, wire_bytes(1, "") + wire_bytes(1, "")));
  }
  metrics += wire_bytes(2, wire_bytes(1, "a metric without data"));
  std::string body = wire_bytes(1, wire_bytes(2, metrics));
  EXPECT_EQ(accepted(Signal::metrics, body).items, 10U);
}

TEST(Walk, TakesAnEmptyBodyAsNoItems) {
  std::string empty;
  EXPECT_EQ(accepted(Signal::traces, empty).items, 0U);
  EXPECT_EQ(accepted(Signal::traces, empty).largest_item, 0U);
}

TEST(Walk, MeasuresTheLargestItemWithItsEnvelope) {
  const std::string resource = wire_bytes(1, wire_bytes(1, test::wire_attribute("a", "b")));
  const std::string small = wire_bytes(2, wire_bytes(5, "x"));
  const std::string large = wire_bytes(2, wire_bytes(5, std::string(300, 'x')));
  const std::string after = wire_bytes(3, "schema");
  std::string body = wire_bytes(1, resource + wire_bytes(2, small + large + small + after)) +
                     wire_bytes(1, wire_bytes(2, small));
  EXPECT_EQ(accepted(Signal::traces, body).largest_item,
            wire_bytes(1, resource + wire_bytes(2, large + after)).size());
}

TEST(Walk, FlagsLogRecordsWithoutTime) {
  const auto missing = [](std::string_view record) {
    std::string body = around(Signal::logs, record);
    return accepted(Signal::logs, body).log_time_missing;
  };
  EXPECT_TRUE(missing(""));
  EXPECT_TRUE(missing(wire_fixed64(11, 5)));
  EXPECT_TRUE(missing(wire_fixed64(1, 0)));
  EXPECT_FALSE(missing(wire_fixed64(1, 5)));
  EXPECT_FALSE(missing(wire_fixed64(11, 0) + wire_fixed64(1, 5)));
  EXPECT_TRUE(missing(wire_fixed64(1, 5) + wire_fixed64(1, 0))) << "the last one counts";
  EXPECT_FALSE(missing(wire_fixed64(1, 0) + wire_fixed64(1, 5)));
  EXPECT_FALSE(missing(std::string("\x89\x80\x00", 3) + std::string(8, 'x'))) << "a padded tag";
  EXPECT_TRUE(missing(wire_fixed64(17, 5))) << "its tag begins like a padded field 1";
}

TEST(Walk, RepairsTextInPlaceAndCountsTheStrings) {
  std::string body = span_with(wire_bytes(5,
                                          "a\xff\xfe"
                                          "b") +
                               wire_bytes(3, "fine \xe2\x82\xac") +
                               wire_bytes(9, test::wire_attribute("k\x80", "\xe2\x82")));
  const std::string due = span_with(wire_bytes(5, "a??b") + wire_bytes(3, "fine \xe2\x82\xac") +
                                    wire_bytes(9, test::wire_attribute("k?", "??")));
  EXPECT_EQ(accepted(Signal::traces, body).repaired, 3U);
  EXPECT_EQ(body, due);
  EXPECT_EQ(accepted(Signal::traces, body).repaired, 0U);
}

TEST(Walk, LeavesBytesFieldsAndUnknownFieldsAlone) {
  std::string body = span_with(wire_bytes(1, "\xff\xff") + wire_bytes(2, "") +
                               wire_bytes(77, "\xff\x0a\xff") + wire_varint(1000, 5));
  const std::string before = body;
  EXPECT_EQ(accepted(Signal::traces, body).repaired, 0U);
  EXPECT_EQ(body, before);
}

TEST(Walk, TakesOnlyFieldTwoOfAnAttributeForItsValue) {
  const std::string like_a_value = "\x0a\x01\xff";
  std::string body = span_with(wire_bytes(9, wire_bytes(1, "key") + wire_bytes(3, like_a_value)));
  const std::string before = body;
  EXPECT_EQ(accepted(Signal::traces, body).repaired, 0U);
  EXPECT_EQ(body, before);
}

TEST(Walk, RefusesATruncatedVarint) {
  EXPECT_THAT(refusal(Signal::traces, span_with("\x30\x80")),
              HasSubstr("resource_spans.scope_spans.spans.kind: a varint is cut off"));
  EXPECT_THAT(refusal(Signal::traces, "\x0a"), HasSubstr("a length is cut off"));
  EXPECT_THAT(refusal(Signal::traces, "\x8a"), HasSubstr("a tag is cut off"));
}

TEST(Walk, TakesVarintsUpTo64BitsAndNotOneMore) {
  const std::string nine(9, '\xff');
  std::string most = span_with("\x30" + nine + "\x01");
  accepted(Signal::traces, most);
  EXPECT_THAT(refusal(Signal::traces, span_with("\x30" + nine + "\x02")), HasSubstr("64 bits"));
  EXPECT_THAT(refusal(Signal::traces, span_with("\x30" + nine + "\x81" + std::string(1, '\0'))),
              HasSubstr("64 bits"));
}

TEST(Walk, RefusesALengthThatRunsOutOfItsMessage) {
  const std::string cut = wire_bytes(9, std::string(288, 'x')).substr(0, 100);
  const std::string body = span_with(wire_bytes(5, "name") + cut);
  const auto at = body.find(cut);
  EXPECT_EQ(
      refusal(Signal::traces, body),
      fmt::format("resource_spans.scope_spans.spans.attributes: length 288 runs {} bytes past the "
                  "end of its message at byte {}",
                  288 - 97, at));
}

TEST(Walk, RefusesALengthThatIsOneTooLong) {
  for (const std::string tag :
       {"\x0a", "\x2a", "\x4a", "\x5a", "\xfa\x01"}) {  // bytes, text, messages, unknown
    EXPECT_THAT(refusal(Signal::traces, span_with(tag + "\x01")),
                HasSubstr("length 1 runs 1 bytes"));
  }
  EXPECT_THAT(refusal(Signal::traces, "\x0a\x01"), HasSubstr("length 1 runs 1 bytes"));
}

TEST(Walk, RefusesFixedNumbersThatDoNotFit) {
  EXPECT_THAT(refusal(Signal::traces, span_with(wire_fixed64(7, 1).substr(0, 8))),
              HasSubstr("spans.start_time_unix_nano: 8 bytes"));
  EXPECT_THAT(refusal(Signal::traces, span_with(wire_fixed32(16, 1).substr(0, 5))),
              HasSubstr("spans.flags: 4 bytes"));
}

TEST(Walk, RefusesAKnownFieldWithAnotherWireType) {
  EXPECT_THAT(refusal(Signal::traces, span_with(wire_varint(5, 1))),
              HasSubstr("spans.name: wire type 0 instead of 2"));
  EXPECT_THAT(refusal(Signal::traces, wire_fixed32(1, 1)),
              HasSubstr("resource_spans: wire type 5 instead of 2"));
  EXPECT_THAT(refusal(Signal::traces, span_with(wire_fixed64(16, 1))),
              HasSubstr("spans.flags: wire type 1 instead of 5"));
}

TEST(Walk, RefusesGroupsAndTypesAndNumbersThatDoNotExist) {
  EXPECT_THAT(refusal(Signal::logs, "\x0b\x0c"), HasSubstr("resource_logs: groups"));
  EXPECT_THAT(refusal(Signal::logs, "\x0c"), HasSubstr("groups"));
  EXPECT_THAT(refusal(Signal::logs, "\x0e"), HasSubstr("wire type 6"));
  EXPECT_THAT(refusal(Signal::logs, std::string("\x00\x00", 2)), HasSubstr("field number 0"));
  std::string largest = "\xf8\xff\xff\xff\x0f\x01";  // number 2^29 - 1
  accepted(Signal::logs, largest);
  EXPECT_THAT(refusal(Signal::logs, "\xf8\xff\xff\xff\x1f\x01"), HasSubstr("tag"));
  EXPECT_THAT(refusal(Signal::logs, std::string("\x8a\x80\x80\x80\x80\x00\x00", 7)),
              HasSubstr("tag"));
}

TEST(Walk, TakesRepeatedNumbersPackedOrNot) {
  const auto points = [](std::uint32_t kind, std::string_view point) {
    return wire_bytes(1, wire_bytes(2, wire_bytes(2, wire_bytes(kind, wire_bytes(1, point)))));
  };
  std::string packed = points(9, wire_bytes(6, std::string(24, 'x')) + wire_bytes(7, ""));
  std::string single = points(9, wire_fixed64(6, 1) + wire_fixed64(6, 2) + wire_fixed64(7, 3));
  std::string buckets =
      points(10, wire_bytes(8, wire_bytes(2, "\x01\x80\x01") + wire_varint(2, 9)));
  EXPECT_EQ(accepted(Signal::metrics, packed).items, 1U);
  EXPECT_EQ(accepted(Signal::metrics, single).items, 1U);
  EXPECT_EQ(accepted(Signal::metrics, buckets).items, 1U);
  EXPECT_THAT(refusal(Signal::metrics, points(9, wire_bytes(6, std::string(12, 'x')))),
              HasSubstr("histogram.data_points.bucket_counts: 12 bytes of packed"));
  EXPECT_THAT(refusal(Signal::metrics, points(10, wire_bytes(8, wire_bytes(2, "\x01\x80")))),
              HasSubstr("positive.bucket_counts: a packed varint"));
  EXPECT_THAT(refusal(Signal::metrics, points(9, wire_varint(6, 1))), HasSubstr("wire type 0"));
}

/// A log record whose body holds `levels` arrays or maps in one another.
std::string nested(int levels, bool maps) {
  std::string value;
  for (int i = 0; i < levels; ++i) {
    value = maps ? wire_bytes(6, wire_bytes(1, wire_bytes(1, "k") + wire_bytes(2, value)))
                 : wire_bytes(5, wire_bytes(1, value));
  }
  return around(Signal::logs, wire_bytes(5, value));
}

TEST(Walk, BoundsNestingWhereProtobufStillParses) {
  for (const bool maps : {false, true}) {
    int levels = 1;
    for (;; ++levels) {
      std::string body = nested(levels, maps);
      if (!walk(Signal::logs, body)) break;
      ASSERT_TRUE(test::parses(Signal::logs, body)) << levels;
    }
    // request, resource, scope, record and value are 5; an array adds 2 messages and a map 3
    EXPECT_EQ(levels, (depth_max - 5) / (maps ? 3 : 2) + 1);
    EXPECT_THAT(refusal(Signal::logs, nested(levels, maps)), HasSubstr("deeper than 100"));
    EXPECT_THAT(refusal(Signal::logs, nested(1000, maps)), HasSubstr("..."));
  }
}

TEST(Walk, AgreesWithProtobufOnRandomRequests) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 600; ++round) {
    const Signal signal = otlp_signals.at(random() % otlp_signals.size());
    const std::size_t items = random() % 20;
    std::string body = test::random_request(signal, random, items, {.bad_text = round % 2 == 0});
    const Shape shape = accepted(signal, body);
    EXPECT_EQ(shape.items, items);
    ASSERT_TRUE(test::parses(signal, body)) << "round " << round;
    EXPECT_EQ(test::flatten(signal, body).items, items);
    const Cuts cuts = index(signal, body);
    std::size_t largest = 0;
    for (std::uint32_t i = 0; i < shape.items; ++i) {
      largest = std::max(largest, part_size(cuts, i, i + 1));
    }
    EXPECT_GE(shape.largest_item, largest);
  }
}

TEST(Walk, KnowsTheLargestItemExactlyWhenNoEnvelopeIsEmpty) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 300; ++round) {
    const Signal signal = otlp_signals.at(random() % otlp_signals.size());
    std::string body =
        test::random_request(signal, random, 1 + random() % 20, {.empty_envelopes = false});
    const Shape shape = accepted(signal, body);
    const Cuts cuts = index(signal, body);
    std::size_t largest = 0;
    for (std::uint32_t i = 0; i < shape.items; ++i) {
      largest = std::max(largest, part_size(cuts, i, i + 1));
    }
    ASSERT_EQ(shape.largest_item, largest) << "round " << round;
  }
}

TEST(Walk, NeverAcceptsDamageThatProtobufRefuses) {
  std::mt19937_64 random(3);
  int refused = 0;
  for (int round = 0; round < 6000; ++round) {
    const Signal signal = otlp_signals.at(random() % otlp_signals.size());
    std::string body = test::random_request(signal, random, random() % 4);
    if (body.empty()) continue;
    if (random() % 4 == 0) body.resize(random() % body.size());
    for (auto flips = random() % 4; flips > 0 && !body.empty(); --flips) {
      body[random() % body.size()] ^= static_cast<char>(1 << random() % 8);
    }
    // on the heap, at its exact size: a sanitizer sees the first byte read outside
    Buffer exact = Buffer::copy_of(body);
    const auto shape = walk(signal, exact.span());
    if (!shape) {
      ++refused;
      continue;
    }
    ASSERT_TRUE(test::parses(signal, exact.view())) << "round " << round;
    EXPECT_EQ(index(signal, exact.view()).items(), shape->items);
  }
  EXPECT_GT(refused, 1000);
}

TEST(RepairUtf8, ReplacesExactlyTheBytesThatAreNoPartOfASequence) {
  const auto repaired = [](std::string text) {
    repair_utf8(text);
    return text;
  };
  EXPECT_EQ(repaired("\xf0\x9f\x90\x9d \xc3\xa9 \xed\x9f\xbf \xf4\x8f\xbf\xbf"),
            "\xf0\x9f\x90\x9d \xc3\xa9 \xed\x9f\xbf \xf4\x8f\xbf\xbf");
  EXPECT_EQ(repaired("\xc0\x80|\xc1\xbf"), "??|??") << "overlong";
  EXPECT_EQ(repaired("\xe0\x9f\xbf|\xf0\x8f\xbf\xbf"), "???|????") << "overlong";
  EXPECT_EQ(repaired("\xed\xa0\x80"), "???") << "a surrogate";
  EXPECT_EQ(repaired("\xf4\x90\x80\x80|\xf5\x80"), "????|??") << "past Unicode";
  EXPECT_EQ(repaired("\xe2\x82"
                     "abcdefgh\xac"),
            "??abcdefgh?");
  EXPECT_EQ(repaired("\xc3"), "?");
}

}  // namespace
}  // namespace forager::otlp
