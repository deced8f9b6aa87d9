#include "admit/prepare.h"

#include <gtest/gtest.h>

#include "unit/admit/bodies.h"

namespace forager::admit {
namespace {

constexpr std::size_t limit = 1U << 20U;

Raw raw(const std::string& body, otlp::Encoding encoding = otlp::Encoding::protobuf,
        ContentCoding coding = ContentCoding::identity) {
  return {Signal::traces, encoding, coding, Buffer::copy_of(body)};
}
Preparation prepared(Raw from) {
  const Allowance allowance = expected_allowance(from, limit);
  return prepare(std::move(from), allowance);
}

TEST(Prepare, CountsAndKeepsAGoodProtobufBodyAsItIs) {
  const Preparation done = prepared(raw(two_spans()));
  ASSERT_TRUE(std::holds_alternative<Prepared>(done));
  EXPECT_EQ(std::get<Prepared>(done).body.view(), two_spans());
  EXPECT_EQ(std::get<Prepared>(done).shape.items, 2U);
}

TEST(Prepare, GivesTheSameForEveryFormOfARequest) {
  const std::string json = two_spans_json();
  for (Raw* form : {new Raw(raw(gzip(two_spans()), otlp::Encoding::protobuf, ContentCoding::gzip)),
                    new Raw(raw(json, otlp::Encoding::json)),
                    new Raw(raw(gzip(json), otlp::Encoding::json, ContentCoding::gzip))}) {
    const std::unique_ptr<Raw> owned(form);
    const Preparation done = prepared(std::move(*owned));
    ASSERT_TRUE(std::holds_alternative<Prepared>(done));
    EXPECT_EQ(std::get<Prepared>(done).body.view(), two_spans());
    EXPECT_EQ(std::get<Prepared>(done).shape.items, 2U);
  }
}

TEST(Prepare, SaysWhatIsWrong) {
  const Preparation broken = prepared(raw(two_spans().substr(0, 5)));
  EXPECT_NE(std::get<Fault>(broken).what, "");
  const Preparation not_json = prepared(raw("{\"resourceSpans\":[", otlp::Encoding::json));
  EXPECT_NE(std::get<Fault>(not_json).what, "");
  const Preparation no_bytes = prepared(raw("", otlp::Encoding::json));
  EXPECT_NE(std::get<Fault>(no_bytes).what, "");
  const Preparation not_gzip =
      prepared(raw(two_spans(), otlp::Encoding::protobuf, ContentCoding::gzip));
  EXPECT_NE(std::get<Fault>(not_gzip).what.find("gzip"), std::string::npos);
}

TEST(Prepare, TakesAnEmptyProtobufBodyAsARequestWithoutItems) {
  EXPECT_EQ(std::get<Prepared>(prepared(raw(""))).shape.items, 0U);
  EXPECT_EQ(std::get<Prepared>(prepared(raw("{}", otlp::Encoding::json))).shape.items, 0U);
}

TEST(Prepare, GivesTheBodyBackWhenItOutgrowsItsAllowance) {
  // two members: what the last one says of its size isn't what the whole has
  const std::string body = gzip(many_spans(1000)) + gzip(many_spans(1));
  Raw from = raw(body, otlp::Encoding::protobuf, ContentCoding::gzip);
  Preparation done = prepared(std::move(from));
  ASSERT_TRUE(std::holds_alternative<Outgrown>(done));
  Raw again = std::move(std::get<Outgrown>(done).raw);
  EXPECT_EQ(again.body.view(), body);
  const Allowance most = full_allowance(again, limit);
  EXPECT_EQ(most.inflated, limit);
  done = prepare(std::move(again), most);
  EXPECT_EQ(std::get<Prepared>(done).shape.items, 1001U);
}

TEST(Prepare, RightSizesWhatWillBeKept) {
  Raw from = raw(two_spans());
  from.body.resize(100'000);
  from.body.shrink(two_spans().size());
  const Preparation done = prepared(std::move(from));
  EXPECT_EQ(std::get<Prepared>(done).body.capacity(), two_spans().size());
  EXPECT_EQ(std::get<Prepared>(done).body.view(), two_spans());
}

TEST(Prepare, AsksForNoMoreThanEachStepNeeds) {
  EXPECT_EQ(expected_allowance(raw(two_spans()), limit).total(), 0U);
  EXPECT_EQ(full_allowance(raw(two_spans()), limit).total(), 0U);
  const Raw zipped = raw(gzip(many_spans(100)), otlp::Encoding::protobuf, ContentCoding::gzip);
  EXPECT_EQ(expected_allowance(zipped, limit).total(), many_spans(100).size());
  const Raw json = raw(two_spans_json(), otlp::Encoding::json);
  EXPECT_EQ(expected_allowance(json, limit).inflated, 0U);
  EXPECT_EQ(expected_allowance(json, 100).transcoded, 100U);
  EXPECT_GE(expected_allowance(json, limit).transcoded, two_spans_json().size());
}

TEST(Prepare, GoesToThePoolForWhatTakesLong) {
  const auto zipped = [](int spans) {
    return raw(gzip(many_spans(spans)), otlp::Encoding::protobuf, ContentCoding::gzip);
  };
  const auto json = [](std::size_t bytes) {
    return raw(std::string(bytes, ' '), otlp::Encoding::json);
  };
  EXPECT_FALSE(worth_offloading(raw(std::string(200'000, 'x'))));
  EXPECT_TRUE(worth_offloading(raw(std::string(300'000, 'x'))));
  EXPECT_FALSE(worth_offloading(zipped(1000)));
  EXPECT_TRUE(worth_offloading(zipped(5000)));  // by what comes out of it
  EXPECT_FALSE(worth_offloading(json(30'000)));
  EXPECT_TRUE(worth_offloading(json(40'000)));
}

}  // namespace
}  // namespace forager::admit
