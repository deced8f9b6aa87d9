#include "otlp/take_apart.h"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "otlp/walk.h"
#include "support/otlp_builder.h"
#include "support/otlp_flat.h"
#include "support/random_otlp.h"

namespace forager::otlp {
namespace {

using test::wire_bytes;
using test::wire_varint;

std::string cut(Signal signal, const std::string& body, std::uint32_t first, std::uint32_t last) {
  const Cuts cuts = index(signal, body);
  const Buffer made = part(signal, body, cuts, first, last);
  EXPECT_EQ(made.size(), part_size(cuts, first, last));
  return std::string(made.view());
}

TEST(TakeApart, RepeatsTheEnvelopeAroundEachPart) {
  const std::string before = wire_varint(99, 1) + wire_bytes(1, "r");
  const std::string after = wire_bytes(3, "url") + wire_varint(1000, 2);
  const auto request = [&](const std::string& spans) {
    return wire_varint(50, 3) +
           wire_bytes(1, before + wire_bytes(2, before + spans + after) + after) +
           wire_bytes(51, "z");
  };
  const std::string a = wire_bytes(2,
                                   "\x2a\x01"
                                   "a");
  const std::string b = wire_bytes(2,
                                   "\x2a\x01"
                                   "b");
  const std::string c = wire_bytes(2,
                                   "\x2a\x01"
                                   "c");
  const std::string body = request(a + b + c);
  EXPECT_EQ(cut(Signal::traces, body, 0, 1), request(a));
  EXPECT_EQ(cut(Signal::traces, body, 1, 3), request(b + c));
  EXPECT_EQ(cut(Signal::traces, body, 0, 3), body);
}

TEST(TakeApart, KeepsFieldsBetweenItemsWhereTheyAre) {
  const std::string a = wire_bytes(2, "");
  const std::string b = wire_bytes(2,
                                   "\x2a\x01"
                                   "b");
  const auto request = [](const std::string& scope) { return wire_bytes(1, wire_bytes(2, scope)); };
  const std::string url = wire_bytes(3, "url");
  const std::string body = request(a + url + b + url);
  EXPECT_EQ(cut(Signal::traces, body, 0, 1), request(a + url + url));
  EXPECT_EQ(cut(Signal::traces, body, 1, 2), request(url + b + url));
}

TEST(TakeApart, RepeatsAllFourLevelsOfAMetric) {
  const std::string p = wire_bytes(1, test::wire_fixed64(6, 1));
  const std::string q = wire_bytes(1, test::wire_fixed64(6, 2));
  const auto request = [&](const std::string& points) {
    const std::string sum = wire_bytes(7, wire_varint(3, 1) + points + wire_varint(2, 2));
    const std::string metric = wire_bytes(1, "name") + sum + wire_bytes(3, "By");
    return wire_bytes(1, wire_bytes(2, wire_bytes(2, metric) + wire_bytes(3, "url")));
  };
  EXPECT_EQ(cut(Signal::metrics, request(p + q), 0, 1), request(p));
  EXPECT_EQ(cut(Signal::metrics, request(p + q), 1, 2), request(q));
}

TEST(TakeApart, TakesEachDataOfAMetricAsAnEnvelopeOfItsOwn) {
  const std::string p = wire_bytes(1, "");
  const auto request = [](const std::string& data) {
    return wire_bytes(1, wire_bytes(2, wire_bytes(2, wire_bytes(1, "name") + data)));
  };
  const std::string sum = wire_bytes(7, p + wire_varint(2, 2));
  const std::string gauge = wire_bytes(5, p);
  EXPECT_EQ(cut(Signal::metrics, request(sum + gauge), 0, 1), request(sum));
  EXPECT_EQ(cut(Signal::metrics, request(sum + gauge), 1, 2), request(gauge));
}

TEST(TakeApart, PutsEmptyEnvelopesIntoOnePartExactly) {
  const std::string item = wire_bytes(2, "");
  const std::string full = wire_bytes(2, item);                     // a scope with one span
  const std::string empty = wire_bytes(2, wire_bytes(3, "empty"));  // a scope without
  const std::string none = wire_bytes(1, empty);                    // a resource without
  const std::string body = none + wire_bytes(1, empty + full + empty + full + empty) + none;
  EXPECT_EQ(cut(Signal::traces, body, 0, 1), none + wire_bytes(1, empty + full));
  EXPECT_EQ(cut(Signal::traces, body, 1, 2), wire_bytes(1, empty + full + empty) + none);
  EXPECT_EQ(cut(Signal::traces, none + none, 0, 0), none + none);
}

TEST(TakeApart, RewritesPaddedLengthsOnlyWhereItCuts) {
  const std::string spans = wire_bytes(2, "") + wire_bytes(2, "");
  const std::string padded_scope = std::string("\x12\x84\x00", 3) + spans;
  const std::string body = wire_bytes(1, padded_scope + wire_bytes(2, wire_bytes(2, "")));
  EXPECT_EQ(cut(Signal::traces, body, 0, 2), wire_bytes(1, padded_scope));
  EXPECT_EQ(cut(Signal::traces, body, 0, 1), wire_bytes(1, wire_bytes(2, wire_bytes(2, ""))));
}

TEST(TakeApart, FitsAsManyItemsAsTheLimitsAllow) {
  const std::string body =
      test::otlp_request(Signal::traces, {.resources = 2, .scopes = 2, .items = 25});
  const Cuts cuts = index(Signal::traces, body);
  EXPECT_EQ(fit(cuts, 0, body.size(), 1000), 100U);
  EXPECT_EQ(fit(cuts, 0, body.size() - 1, 1000), 99U);
  EXPECT_EQ(fit(cuts, 0, body.size(), 7), 7U);
  EXPECT_EQ(fit(cuts, 95, body.size(), 1000), 5U);
  EXPECT_EQ(fit(cuts, 0, 1, 1000), 1U) << "one at least, though it is too large";
  EXPECT_EQ(fit(cuts, 0, body.size(), 0), 1U);
  EXPECT_EQ(fit(cuts, 100, body.size(), 10), 0U);
  for (std::size_t limit = part_size(cuts, 30, 31); limit < body.size(); limit += 61) {
    const std::uint32_t n = fit(cuts, 30, limit, UINT32_MAX);
    ASSERT_LE(part_size(cuts, 30, 30 + n), limit);
    if (30 + n < 100) {
      ASSERT_GT(part_size(cuts, 30, 30 + n + 1), limit);
    }
  }
}

TEST(TakeApart, PartsOfRandomRequestsSayTogetherWhatTheWholeSaid) {
  std::mt19937_64 random(4);
  for (int round = 0; round < 500; ++round) {
    const Signal signal = otlp_signals.at(random() % otlp_signals.size());
    const std::size_t items = random() % 24;
    std::string body = test::random_request(signal, random, items);
    ASSERT_TRUE(walk(signal, body));
    const Cuts cuts = index(signal, body);
    ASSERT_EQ(cuts.items(), items);
    ASSERT_EQ(part(signal, body, cuts, 0, cuts.items()).view(), body);

    std::vector<std::string> together;
    for (std::uint32_t first = 0; first < items;) {
      const auto last = first + 1 + static_cast<std::uint32_t>(random() % (items - first));
      Buffer made = part(signal, body, cuts, first, last);
      ASSERT_EQ(made.size(), part_size(cuts, first, last));
      const auto shape = walk(signal, made.span());
      ASSERT_TRUE(shape) << shape.error().what;
      ASSERT_EQ(shape->items, last - first);
      const auto flat = test::flatten(signal, made.view());
      together.insert(together.end(), flat.entries.begin(), flat.entries.end());
      first = last;
    }
    if (items != 0) {
      ASSERT_EQ(together, test::flatten(signal, body).entries) << "round " << round;
    }
  }
}

TEST(TakeApart, CutsAndJoinsSegmentsLikeSpans) {
  const std::string one = wire_bytes(1, R"({"id":"1"})");
  const std::string two = wire_bytes(1, R"({"id":"22"})");
  const std::string unknown = wire_bytes(9, "kept with each part");
  std::string body = one + unknown + two + one;  // bodies merge by standing behind one another
  const auto shape = walk(Signal::segments, body);
  ASSERT_TRUE(shape) << shape.error().what;
  EXPECT_EQ(shape->items, 3U);
  EXPECT_EQ(shape->largest_item, two.size() + unknown.size());
  EXPECT_FALSE(shape->log_time_missing);
  const Cuts cuts = index(Signal::segments, body);
  ASSERT_EQ(cuts.items(), 3U);
  EXPECT_EQ(part(Signal::segments, body, cuts, 0, 1).view(), one + unknown);
  EXPECT_EQ(part(Signal::segments, body, cuts, 1, 3).view(), unknown + two + one);
  EXPECT_EQ(part_size(cuts, 1, 3), (unknown + two + one).size());
  EXPECT_EQ(fit(cuts, 0, body.size() - 1, 10), 2U);
}

TEST(TakeApart, PartsCanBeTakenApartAgain) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 200; ++round) {
    const Signal signal = otlp_signals.at(random() % otlp_signals.size());
    const std::string body = test::random_request(signal, random, 12, {.padded_varints = false});
    const Cuts cuts = index(signal, body);
    const Buffer half = part(signal, body, cuts, 3, 11);
    const Cuts again = index(signal, half.view());
    ASSERT_EQ(part(signal, half.view(), again, 2, 5).view(), part(signal, body, cuts, 5, 8).view());
  }
}

}  // namespace
}  // namespace forager::otlp
