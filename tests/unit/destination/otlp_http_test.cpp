#include "destination/otlp_http.h"

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include <gtest/gtest.h>

namespace forager::destination {
namespace {

constexpr WallTime now{};

Encoded batch(Signal signal, Codec codec = Codec::gzip) {
  return {signal, codec, 1, Chain(Slice(std::string("body")))};
}

std::optional<std::string> header(const net::Request& request, std::string_view name) {
  for (const auto& h : request.headers) {
    if (h.name == name) return h.value;
  }
  return std::nullopt;
}

TEST(OtlpHttp, PostsProtobufToThePathOfTheSignal) {
  OtlpHttpConfig config;
  config.path_prefix = "/collector/";
  config.paths[static_cast<std::size_t>(Signal::metrics)] = "/write/metrics";
  const OtlpHttpDestination any(config);
  const auto request = any.encode(batch(Signal::traces));
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/collector/v1/traces");
  EXPECT_EQ(header(request, "Content-Type"), "application/x-protobuf");
  EXPECT_EQ(header(request, "Content-Encoding"), "gzip");
  EXPECT_EQ(request.body.joined(), "body");
  EXPECT_EQ(any.encode(batch(Signal::metrics)).target, "/write/metrics");
  EXPECT_EQ(header(any.encode(batch(Signal::logs, Codec::none)), "Content-Encoding"), std::nullopt);
}

TEST(OtlpHttp, SendsItsHeadersAsSecretsAndOnce) {
  Credentials with;
  with.headers = std::make_shared<const SecretHeaders>(
      SecretHeaders{{"Authorization", Secret("Bearer x")}, {"user-agent", Secret("mine")}});
  const OtlpHttpDestination any(OtlpHttpConfig{});
  auto request = any.encode(batch(Signal::traces));
  any.sign(request, Signal::traces, with, now);
  any.sign(request, Signal::traces, with, now);
  EXPECT_EQ(request.secret_headers.size(), 2U);
  EXPECT_EQ(request.secret_headers[0].second.reveal(), "Bearer x");
  EXPECT_EQ(header(request, "User-Agent"), std::nullopt);
  any.sign(request, Signal::traces, {}, now);
  EXPECT_TRUE(request.secret_headers.empty()) << "there are none any more";
}

TEST(OtlpHttp, TakesWhatItIsToldTo) {
  OtlpHttpConfig config;
  config.name = "tempo";
  config.zstd = false;
  config.routed = {true, false, true};
  config.limits.request_bytes = 4'000'000;
  config.limits.request_items = 7;
  const OtlpHttpDestination any(config);
  EXPECT_EQ(any.name(), "tempo");
  EXPECT_TRUE(any.takes(Signal::traces));
  EXPECT_FALSE(any.takes(Signal::metrics));
  EXPECT_FALSE(any.takes_codec(Signal::traces, Codec::zstd));
  EXPECT_TRUE(any.takes_codec(Signal::traces, Codec::gzip));
  EXPECT_TRUE(any.takes_codec(Signal::traces, Codec::none));
  EXPECT_EQ(any.limits(Signal::logs).request_bytes, 4'000'000U);
  EXPECT_EQ(any.limits(Signal::logs).request_items, 7U);
  config.routed.fill(true);
  EXPECT_FALSE(OtlpHttpDestination(config).takes(Signal::segments));  // no OTLP
}

TEST(OtlpHttp, JudgesByTheSharedTableWithItsOwnFix) {
  OtlpHttpConfig config;
  config.host = "tempo.example";
  config.credentials_fix = "set OTLP_HEADERS";
  const OtlpHttpDestination any(config);
  const auto park =
      std::get<Park>(any.judge({401, {}, "who?"}, Signal::traces, Codec::gzip, now)).why;
  EXPECT_NE(park.find("tempo.example answered 401"), std::string::npos) << park;
  EXPECT_NE(park.find("set OTLP_HEADERS"), std::string::npos) << park;
  EXPECT_TRUE(
      std::holds_alternative<Recode>(any.judge({415, {}, ""}, Signal::traces, Codec::zstd, now)));
  EXPECT_TRUE(
      std::holds_alternative<Retry>(any.judge({503, {}, ""}, Signal::traces, Codec::zstd, now)));
}

}  // namespace
}  // namespace forager::destination
