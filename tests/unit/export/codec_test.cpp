// Which codec a request goes out with, and when a refused one is held against the codec.
#include "unit/export/world.h"

namespace forager::exporter {
namespace {

using destination::Codec;
using destination::Delivered;
using destination::Encoded;
using destination::Recode;
using destination::Retry;
using destination::TakeApart;
using ledger::Reason;
using std::chrono::seconds;
using test::World;

const Retry busy{std::nullopt, "503", false};

TEST(Codec, SendsOnceAgainAsGzipAndRemembersIfThatHelped) {
  World w({.linger = seconds(0)});
  w.add({});
  Attempt* attempt = w.send();
  EXPECT_EQ(attempt->codec, Codec::zstd);
  attempt->encoded = Encoded{};
  w.answer(attempt, Recode{"415"});
  attempt = w.send();
  ASSERT_NE(attempt, nullptr) << "at once";
  EXPECT_EQ(attempt->codec, Codec::gzip);
  EXPECT_FALSE(attempt->encoded);
  EXPECT_EQ(w.delivery.state().codec, Codec::zstd) << "not yet proven";
  w.answer(attempt, Delivered{});
  EXPECT_EQ(w.delivery.state().codec, Codec::gzip);
  w.add({});
  EXPECT_EQ(w.send()->codec, Codec::gzip);
}

TEST(Codec, EncodesWaitingAttemptsAnewOnceTheCodecIsKnown) {
  World w({.linger = seconds(0)});
  w.add({});
  Attempt* waits = w.send();
  waits->encoded = Encoded{};
  w.answer(waits, busy);
  w.add({});
  w.answer(w.send(), Recode{"415"});
  w.answer(w.send(), Delivered{});
  w.now += seconds(1);
  Attempt* again = w.send();
  ASSERT_NE(again, nullptr);
  EXPECT_EQ(again->codec, Codec::gzip);
  EXPECT_FALSE(again->encoded);
}

TEST(Codec, DoesNotBlameTheCodecForABadItem) {
  World w({.linger = seconds(0)});
  w.add({.items = 8});
  int zstd = 0;
  while (Attempt* attempt = w.send()) {
    const auto numbers = w.numbers(*attempt);
    const bool bad = std::find(numbers.begin(), numbers.end(), 5U) != numbers.end();
    if (attempt->codec == Codec::zstd) ++zstd;
    if (!bad) {
      w.answer(attempt, Delivered{});
    } else if (attempt->codec == Codec::zstd) {
      w.answer(attempt, Recode{"400"});
    } else {
      w.answer(attempt, TakeApart{"400", false});
    }
  }
  EXPECT_EQ(zstd, 1) << "its parts go as gzip, once each";
  EXPECT_EQ(w.count(Reason::delivered), 7U);
  EXPECT_EQ(w.delivery.state().codec, Codec::zstd);
}

TEST(Codec, ParksWhenNoCodecIsLeftToTry) {
  World w({.codec = Codec::gzip});
  w.add({});
  w.answer(w.send(), Recode{"415: unsupported media type"});
  EXPECT_EQ(w.delivery.state().kind, DeliveryState::Kind::parked);
}

}  // namespace
}  // namespace forager::exporter
