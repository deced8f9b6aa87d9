#include "destination/verdict.h"

#include <array>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "otlp/reply.h"

namespace forager::destination {
namespace {

using namespace std::chrono_literals;
using otlp::Encoding;

constexpr WallTime now{};

Verdict verdict(int status, Codec codec = Codec::gzip, std::string body = "",
                std::vector<net::Header> headers = {}) {
  return verdict_of({status, std::move(headers), std::move(body)}, codec, now, "api.example.com",
                    "set the key");
}

std::string_view kind(const Verdict& v) {
  constexpr std::array<std::string_view, 5> names{"delivered", "retry", "park", "apart", "recode"};
  return names[v.index()];
}

TEST(Verdict, FollowsTheTableForEveryStatus) {
  const std::set<int> apart{400, 413, 422};
  // Beyond DESIGN's table: 421 and 425 are about the connection, 501 about the address.
  const std::set<int> retried{408, 421, 425, 429};
  const std::set<int> parked{501};
  for (int status = 100; status < 600; ++status) {
    std::string_view wanted = "retry";
    if (status >= 200 && status < 300) wanted = "delivered";
    if (status >= 300 && status < 500 && !retried.contains(status)) wanted = "park";
    if (apart.contains(status)) wanted = "apart";
    if (parked.contains(status)) wanted = "park";
    EXPECT_EQ(kind(verdict(status)), wanted) << status;
    EXPECT_EQ(kind(verdict(status, Codec::none)), wanted) << status;
    const bool may_be_the_codec = status == 400 || status == 415;
    EXPECT_EQ(kind(verdict(status, Codec::zstd)), may_be_the_codec ? "recode" : wanted) << status;
  }
}

TEST(Verdict, MarksOnlyA500AsAServerErrorAndOnlyA413AsTooLarge) {
  for (const int status : {408, 429, 500, 502, 503, 504, 599}) {
    EXPECT_EQ(std::get<Retry>(verdict(status)).server_error, status == 500) << status;
  }
  for (const int status : {400, 413, 422}) {
    EXPECT_EQ(std::get<TakeApart>(verdict(status)).too_large, status == 413) << status;
  }
}

TEST(Verdict, ReadsPartialSuccess) {
  const auto read = [](std::int64_t rejected, std::string_view message) {
    return std::get<Delivered>(
        verdict(200, Codec::zstd,
                otlp::partial_success_body(Signal::logs, Encoding::protobuf, rejected, message)));
  };
  EXPECT_EQ(read(3, "too old").rejected, 3);
  EXPECT_EQ(read(3, "too old").message, "too old");
  EXPECT_EQ(read(0, "a warning").message, "a warning");
  EXPECT_EQ(read(-4, "").rejected, 0);
  const auto whole = std::get<Delivered>(verdict(202));
  EXPECT_EQ(whole.rejected, 0);
  EXPECT_EQ(whole.message, "");
}

TEST(Verdict, TakesASuccessItCantReadForDeliveredAndWarns) {
  const auto read = std::get<Delivered>(verdict(200, Codec::gzip, "<html>ok</html>"));
  EXPECT_EQ(read.rejected, 0);
  EXPECT_NE(read.message.find("api.example.com answered 200, but"), std::string::npos)
      << read.message;
}

TEST(Verdict, CarriesRetryAfter) {
  EXPECT_EQ(std::get<Retry>(verdict(503, Codec::gzip, "", {{"Retry-After", "7"}})).after, 7s);
  EXPECT_EQ(std::get<Retry>(verdict(503)).after, std::nullopt);
}

TEST(Verdict, SaysWhoAnsweredWhatAndWhy) {
  EXPECT_EQ(std::get<Retry>(verdict(429, Codec::gzip, R"({"error":"slow down"})")).why,
            "api.example.com answered 429 Too Many Requests: slow down");
  EXPECT_EQ(std::get<TakeApart>(
                verdict(400, Codec::gzip,
                        otlp::status_body(Encoding::protobuf, 3, "bad span", std::nullopt),
                        {{"content-type", "application/x-protobuf"}}))
                .why,
            "api.example.com answered 400 Bad Request: bad span");
  EXPECT_EQ(std::get<Retry>(verdict(599)).why, "api.example.com answered 599");
}

TEST(Verdict, SaysHowToMendWhatParks) {
  EXPECT_EQ(std::get<Park>(verdict(401)).why,
            "api.example.com answered 401 Unauthorized; set the key");
  EXPECT_EQ(std::get<Park>(verdict(403)).why,
            "api.example.com answered 403 Forbidden; set the key");
  for (const int status : {301, 303, 404, 405, 407, 410, 415, 501}) {
    const std::string why = std::get<Park>(verdict(status)).why;
    EXPECT_NE(why.find("; "), std::string::npos) << why;
    EXPECT_EQ(why.find("set the key"), std::string::npos) << why;
  }
}

TEST(Verdict, NeverRepeatsAKeyThatAnAnswerQuotes) {
  const std::string key(32, 'a');
  EXPECT_EQ(std::get<Park>(verdict(401, Codec::gzip, "no such key " + key)).why.find(key),
            std::string::npos);
  const auto read = std::get<Delivered>(
      verdict(200, Codec::gzip,
              otlp::partial_success_body(Signal::logs, Encoding::protobuf, 1, "key " + key)));
  EXPECT_EQ(read.message, "key aaaa...");
}

TEST(Codec, HasItsContentEncoding) {
  EXPECT_EQ(content_encoding(Codec::zstd), "zstd");
  EXPECT_EQ(content_encoding(Codec::gzip), "gzip");
  EXPECT_EQ(content_encoding(Codec::none), "");
}

}  // namespace
}  // namespace forager::destination
