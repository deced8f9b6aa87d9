#include "otlp/enrich.h"

#include <random>
#include <string>

#include <gtest/gtest.h>

#include "otlp/take_apart.h"
#include "otlp/walk.h"
#include "support/otlp_builder.h"
#include "support/otlp_flat.h"
#include "support/random_otlp.h"

namespace forager::otlp {
namespace {

using test::wire_attribute;
using test::wire_bytes;
using test::wire_fixed64;
using test::wire_varint;

const std::vector<Attribute> two{{"host.id", "i-1"}, {"service.name", "cart"}};

std::string attribute(std::string_view key, std::string_view value) {
  return wire_bytes(1, wire_attribute(key, value));
}
const std::string host = attribute("host.id", "i-1");
const std::string name = attribute("service.name", "cart");
const std::string a_scope = wire_bytes(2, wire_bytes(2, wire_bytes(5, "a span")));

std::string request(const std::string& resource) {
  return wire_bytes(1, wire_bytes(1, resource) + a_scope);
}

/// Both ways of doing it, which must agree.
std::string enriched(Signal signal, const Enrichment& with, const std::string& body) {
  const Growth growth = with.look(signal, body);
  if (growth.edits == 0) {
    EXPECT_EQ(growth.size, body.size());
    return body;
  }
  const Buffer copied = with.put_into(signal, Buffer::copy_of(body), growth);
  EXPECT_EQ(copied.size(), growth.size);
  Buffer roomy(body.size(), with.growth_max());
  std::memcpy(roomy.data(), body.data(), body.size());
  const char* const end = roomy.data() + roomy.size();
  const bool in_place = Enrichment::fits(roomy, growth);
  const Buffer moved = with.put_into(signal, std::move(roomy), growth);
  EXPECT_EQ(moved.view(), copied.view());
  if (in_place) {
    EXPECT_EQ(moved.data() + moved.size(), end) << "the items didn't move";
  }
  return std::string(copied.view());
}
std::string enriched(const std::string& body, const std::vector<Attribute>& with = two) {
  return enriched(Signal::traces, Enrichment(with), body);
}

TEST(Enrich, AddsWhatIsMissingBehindTheLastAttribute) {
  const std::string own = attribute("a", "b") + wire_varint(2, 3) + attribute("c", "d");
  const std::string rest = wire_varint(2, 4) + wire_bytes(77, "unknown");
  EXPECT_EQ(enriched(request(own + rest)), request(own + host + name + rest));
  EXPECT_EQ(enriched(request(attribute("host.id", "mine") + rest)),
            request(attribute("host.id", "mine") + name + rest));
}

TEST(Enrich, LeavesABodyAloneThatMissesNothing) {
  const std::string body =
      request(attribute("service.name", "") + wire_bytes(1, wire_bytes(1, "host.id")));
  EXPECT_EQ(Enrichment(two).look(Signal::traces, body).edits, 0U)
      << "the app's own count, also an empty one and one without a value";
  EXPECT_EQ(Enrichment().look(Signal::traces, request("")).edits, 0U) << "nothing to add";
  EXPECT_TRUE(Enrichment().empty());
  EXPECT_EQ(Enrichment().growth_max(), 0U);
}

TEST(Enrich, GivesAResourceToAMessageWithoutOne) {
  EXPECT_EQ(enriched(wire_bytes(1, a_scope)), wire_bytes(1, wire_bytes(1, host + name) + a_scope));
  EXPECT_EQ(enriched(wire_bytes(1, wire_bytes(1, "") + a_scope)), request(host + name));
}

TEST(Enrich, GivesEachResourceItsOwn) {
  const std::string body = wire_varint(9, 1) + request(host) + request(host + name) +
                           wire_bytes(8, "unknown") + request(name) + wire_varint(9, 2);
  EXPECT_EQ(enriched(body), wire_varint(9, 1) + request(host + name) + request(host + name) +
                                wire_bytes(8, "unknown") + request(name + host) +
                                wire_varint(9, 2));
}

TEST(Enrich, LeavesMessagesWithoutItemsAlone) {
  for (const std::string& empty :
       {wire_bytes(1, ""), wire_bytes(1, wire_bytes(1, "")), wire_bytes(1, wire_bytes(2, "")),
        wire_bytes(1, wire_bytes(2, wire_bytes(1, wire_bytes(1, "scope"))))}) {
    EXPECT_EQ(enriched(empty), empty);
    EXPECT_EQ(enriched(empty + request("")), empty + request(host + name));
  }
  const std::string metric = wire_bytes(2, wire_bytes(1, "name") + wire_bytes(5, ""));
  const std::string body = wire_bytes(1, wire_bytes(2, metric));
  EXPECT_EQ(enriched(Signal::metrics, Enrichment(two), body), body) << "a metric without points";
}

TEST(Enrich, LeavesSegmentsAlone) {
  const std::string body = wire_bytes(1, request("")) + wire_bytes(1, "{}");
  EXPECT_EQ(Enrichment(two).look(Signal::segments, body).edits, 0U);
}

TEST(Enrich, ReplacesANameThatTheSdkMadeUp) {
  const std::string made_up = attribute("service.name", "unknown_service:python");
  const std::string rest = attribute("a", "b") + wire_varint(2, 4);
  EXPECT_EQ(enriched(request(host + made_up + rest)),
            request(host + attribute("a", "b") + name + wire_varint(2, 4)));
  EXPECT_EQ(enriched(request(made_up)), request(host + name));
  EXPECT_EQ(enriched(request(host + made_up), {{"host.id", "i-1"}}), request(host + made_up))
      << "no better name was given to us";
}

TEST(Enrich, KeepsAMadeUpNameThatIsNotAlone) {
  const std::string made_up = attribute("service.name", "unknown_service");
  for (const std::string& twice : {made_up + name, name + made_up, made_up + made_up}) {
    EXPECT_EQ(enriched(request(host + twice)), request(host + twice));
  }
  const std::string earlier = wire_bytes(1, made_up) + wire_bytes(1, host) + a_scope;
  EXPECT_EQ(enriched(wire_bytes(1, earlier)), wire_bytes(1, earlier))
      << "protobuf merges the two, and only the last is written anew";
}

TEST(Enrich, LooksForKeysInEveryResourceField) {
  const std::string split = wire_bytes(1, host) + a_scope + wire_bytes(1, attribute("a", "b"));
  EXPECT_EQ(
      enriched(wire_bytes(1, split)),
      wire_bytes(1, wire_bytes(1, host) + a_scope + wire_bytes(1, attribute("a", "b") + name)));
}

TEST(Enrich, ReadsKeysThatAreWrittenOddly) {
  const std::string value = wire_bytes(2, wire_bytes(1, "x"));
  const std::string odd =
      wire_bytes(1, value + wire_bytes(1, "host.id")) +
      wire_bytes(1, wire_bytes(1, "host.ip") + value + wire_bytes(1, "service.name"));
  EXPECT_EQ(Enrichment(two).look(Signal::traces, request(odd)).edits, 0U);
  const std::string padded("\x0a\x8a\x00\x0a\x87\x00host.id", 13);
  EXPECT_EQ(enriched(request(padded)), request(padded + name));
}

TEST(Enrich, WritesListsAndTheFirstOfAKey) {
  const std::string list =
      wire_bytes(1, wire_bytes(1, "aws.log.group.names") +
                        wire_bytes(2, wire_bytes(5, wire_bytes(1, wire_bytes(1, "group")))));
  EXPECT_EQ(enriched(request(""), {{"aws.log.group.names", "group", true}}), request(list));
  EXPECT_EQ(enriched(request(""), {{"a", "first"}, {"a", "second"}}),
            request(attribute("a", "first")));
}

TEST(Enrich, TakesManyAttributesAndLongKeys) {
  std::vector<Attribute> many;
  for (std::size_t i = 0; i < Enrichment::attributes_max + 5; ++i) {
    many.push_back({std::string(i, 'k') + "ey", std::to_string(i)});
  }
  std::string expected;
  for (std::size_t i = 0; i < Enrichment::attributes_max; ++i) {
    if (i != 70) expected += attribute(many[i].key, many[i].value);
  }
  const std::string own = attribute(many[70].key, "mine");
  EXPECT_EQ(enriched(request(own), many), request(own + expected));
}

// --- random bodies ---

template <class Visit>
void each_field(std::string_view message, const Visit& visit) {
  Fields fields(message);
  while (const auto field = fields.next()) {
    if (field->number == 1 && field->type == WireType::bytes) visit(*field);
  }
}

/// Attributes that the resources of random bodies sometimes have, and some that they never have.
std::vector<Attribute> random_attributes(std::mt19937_64& random, const std::string& body) {
  std::vector<Attribute> made;
  each_field(body, [&](const Field& message) {
    each_field(message.value, [&](const Field& resource) {
      each_field(resource.value, [&](const Field& one) {
        each_field(one.value, [&](const Field& key) {
          if (random() % 2 == 0) made.push_back({std::string(key.value), "of ours"});
        });
      });
    });
  });
  for (std::uint64_t i = random() % 5; i > 0; --i) {
    made.push_back({fmt::format("only.ours.{}", i), std::string(random() % 300, 'v')});
  }
  if (random() % 2 == 0) made.push_back({"service.name", "ours"});
  std::ranges::shuffle(made, random);
  return made;
}

/// What enriching means, said with protobuf's own classes. No body here has a name that was made
/// up.
template <class Request, class Messages, class HasItems>
std::string expected(const std::string& body, const std::vector<Attribute>& with,
                     const Messages& messages, const HasItems& has_items) {
  auto request = test::parse<Request>(body).value();
  for (auto& message : *messages(request)) {
    if (!has_items(message)) continue;
    for (const Attribute& one : with) {
      bool there = false;
      for (const auto& own : message.resource().attributes()) there |= own.key() == one.key;
      if (there) continue;
      auto* const added = message.mutable_resource()->add_attributes();
      added->set_key(one.key);
      added->mutable_value()->set_string_value(one.value);
    }
  }
  return request.SerializeAsString();
}

std::string expected(Signal signal, const std::string& body, const std::vector<Attribute>& with) {
  if (signal == Signal::traces) {
    return expected<test::TracesRequest>(
        body, with, [](auto& r) { return r.mutable_resource_spans(); },
        [](const auto& m) {
          return std::ranges::any_of(m.scope_spans(),
                                     [](const auto& s) { return s.spans_size() > 0; });
        });
  }
  if (signal == Signal::logs) {
    return expected<test::LogsRequest>(
        body, with, [](auto& r) { return r.mutable_resource_logs(); },
        [](const auto& m) {
          return std::ranges::any_of(m.scope_logs(),
                                     [](const auto& s) { return s.log_records_size() > 0; });
        });
  }
  const auto has_points = [](const auto& metric) {
    return metric.gauge().data_points_size() + metric.sum().data_points_size() +
               metric.histogram().data_points_size() +
               metric.exponential_histogram().data_points_size() +
               metric.summary().data_points_size() >
           0;
  };
  return expected<test::MetricsRequest>(
      body, with, [](auto& r) { return r.mutable_resource_metrics(); },
      [&](const auto& m) {
        return std::ranges::any_of(m.scope_metrics(), [&](const auto& s) {
          return std::ranges::any_of(s.metrics(), has_points);
        });
      });
}

template <class Request>
std::string written_again(const std::string& body) {
  return test::parse<Request>(body).value().SerializeAsString();
}
std::string written_again(Signal signal, const std::string& body) {
  if (signal == Signal::traces) return written_again<test::TracesRequest>(body);
  if (signal == Signal::logs) return written_again<test::LogsRequest>(body);
  return written_again<test::MetricsRequest>(body);
}

/// What admission and planning are told stays true.
void expect_shape(Signal signal, std::string before, std::string after, std::size_t item_growth) {
  const Shape was = walk(signal, before).value();
  const auto is = walk(signal, after);
  ASSERT_TRUE(is) << is.error().what;
  EXPECT_EQ(is->items, was.items);
  EXPECT_EQ(is->repaired, 0U);
  EXPECT_EQ(is->log_time_missing, was.log_time_missing);
  EXPECT_LE(is->largest_item, was.largest_item + item_growth);
  const Cuts cuts = index(signal, after);
  for (std::uint32_t i = 0; i < cuts.items(); ++i) {
    EXPECT_LE(part_size(cuts, i, i + 1), was.largest_item + item_growth);
  }
}

class RandomBodies : public testing::TestWithParam<Signal> {};
INSTANTIATE_TEST_SUITE_P(Enrich, RandomBodies, testing::ValuesIn(otlp_signals),
                         [](const auto& at) { return std::string(facts(at.param).name); });

TEST_P(RandomBodies, SayTheSameWithWhatWasMissing) {
  const Signal signal = GetParam();
  std::mt19937_64 random(5);
  std::size_t changed = 0;
  for (int round = 0; round < 2000; ++round) {
    std::string body = test::random_request(signal, random, random() % 8);
    ASSERT_TRUE(walk(signal, body));
    const std::vector<Attribute> with = random_attributes(random, body);
    const Enrichment enrichment(with);
    const Growth growth = enrichment.look(signal, body);
    const std::string made = enriched(signal, enrichment, body);
    std::vector<Attribute> once;  // of a key the first
    for (const Attribute& one : with) {
      if (std::ranges::find(once, one.key, &Attribute::key) == once.end()) once.push_back(one);
    }
    ASSERT_EQ(written_again(signal, made), expected(signal, body, once)) << "round " << round;
    ASSERT_EQ(enrichment.look(signal, made).edits, 0U) << "once is enough";
    expect_shape(signal, body, made, growth.item_growth);
    if (growth.edits != 0) ++changed;
    ASSERT_FALSE(testing::Test::HasFailure()) << "round " << round;
  }
  EXPECT_GT(changed, 500U);
}

std::string padded(std::mt19937_64& random, std::uint32_t number, const std::string& content) {
  std::string length;
  std::uint64_t left = content.size();
  for (; left >= 0x80; left >>= 7) length += static_cast<char>(left | 0x80);
  length += static_cast<char>(left);
  while (length.size() < 5 && random() % 3 == 0) {
    length.back() = static_cast<char>(length.back() | 0x80);
    length += '\0';
  }
  return static_cast<char>(number << 3 | 2) + length + content;
}

/// Names made up by SDKs, lengths padded, attributes that just fit or just don't: where edits
/// within one buffer could write over what they still have to read.
TEST(Enrich, MovesWithinItsBufferAsIfItWereCopied) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 20'000; ++round) {
    std::string resource;
    for (std::uint64_t i = random() % 4; i > 0; --i) {
      resource += padded(random, 1, wire_attribute("own", std::string(random() % 130, 'o')));
    }
    resource += padded(
        random, 1,
        wire_attribute("service.name", "unknown_service:" + std::string(random() % 40, 's')));
    resource += wire_varint(2, random());
    const std::string body = padded(random, 1, padded(random, 1, resource) + a_scope);
    const std::vector<Attribute> with{{"service.name", std::string(random() % 60, 'n')}};
    const std::string made = enriched(body, with);
    const auto request = test::parse<test::TracesRequest>(made).value();
    ASSERT_EQ(request.resource_spans_size(), 1);
    std::size_t names = 0;
    for (const auto& one : request.resource_spans(0).resource().attributes()) {
      if (one.key() != "service.name") continue;
      ++names;
      ASSERT_EQ(one.value().string_value(), with[0].value);
    }
    ASSERT_EQ(names, 1U);
    expect_shape(Signal::traces, body, made,
                 Enrichment(with).look(Signal::traces, body).item_growth);
    ASSERT_FALSE(testing::Test::HasFailure()) << "round " << round;
  }
}

}  // namespace
}  // namespace forager::otlp
