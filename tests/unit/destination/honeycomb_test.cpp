#include "destination/honeycomb.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "destination/hive.h"

namespace forager::destination {
namespace {

const std::string classic(32, 'a');
const std::string classic_ingest = "hcaic_" + std::string(58, '0');
const std::string ingest = "hcaik_" + std::string(58, '0');
constexpr WallTime now{};

std::optional<std::string> header(const net::Request& request, std::string_view name) {
  for (const auto& h : request.headers) {
    if (h.name == name) return h.value;
  }
  return std::nullopt;
}

Encoded batch(Signal signal, Codec codec) {
  return {signal, codec, 1, Chain(Slice(std::string("body")))};
}

TEST(Honeycomb, AsksForProtobufInABareContentType) {
  const HoneycombDestination honeycomb({});
  const auto request = honeycomb.encode(batch(Signal::traces, Codec::zstd));
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/v1/traces");
  EXPECT_EQ(header(request, "Content-Type"), "application/x-protobuf");
  EXPECT_EQ(header(request, "Content-Encoding"), "zstd");
  EXPECT_EQ(header(request, "User-Agent"), "forager/" FORAGER_VERSION);
  EXPECT_EQ(request.body.joined(), "body");
  EXPECT_TRUE(request.secret_headers.empty());
  EXPECT_EQ(header(honeycomb.encode(batch(Signal::logs, Codec::gzip)), "Content-Encoding"), "gzip");
  EXPECT_EQ(header(honeycomb.encode(batch(Signal::logs, Codec::none)), "Content-Encoding"),
            std::nullopt);
}

TEST(Honeycomb, PutsThePathOfTheEndpointInFront) {
  for (const std::string prefix : {"/proxy", "/proxy/"}) {
    HoneycombConfig config;
    config.path_prefix = prefix;
    EXPECT_EQ(HoneycombDestination(config).encode(batch(Signal::metrics, Codec::none)).target,
              "/proxy/v1/metrics");
  }
  HoneycombConfig root;
  root.path_prefix = "/";
  EXPECT_EQ(HoneycombDestination(root).encode(batch(Signal::logs, Codec::none)).target, "/v1/logs");
}

TEST(Honeycomb, KeepsToFiveMillionBytesUnlessToldOtherwise) {
  EXPECT_EQ(HoneycombDestination({}).limits(Signal::traces).request_bytes, 5'000'000U);
  HoneycombConfig config;
  config.batch_bytes = 1'000'000;
  EXPECT_EQ(HoneycombDestination(config).limits(Signal::logs).request_bytes, 1'000'000U);
  EXPECT_TRUE(HoneycombDestination({}).wants_log_time());
}

struct DatasetCase {
  std::string key;
  Signal signal;
  std::string of_app;
  std::string dataset;
  std::string metrics_dataset;
  std::optional<std::string> wanted;
};

TEST(Honeycomb, SendsADatasetWhereTheKindOfKeyAsksForOne) {
  using S = Signal;
  const std::vector<DatasetCase> cases{
      {classic, S::traces, "", "d", "m", "d"},
      {classic, S::traces, "app", "d", "m", "app"},
      {classic, S::logs, "", "d", "m", "d"},
      {classic, S::logs, "app", "d", "m", "app"},
      {classic, S::metrics, "", "d", "m", "m"},
      {classic, S::metrics, "", "d", "", "d"},
      {classic, S::metrics, "app", "d", "m", "app"},
      {classic, S::traces, "", "", "m", std::nullopt},
      {classic_ingest, S::traces, "", "d", "", "d"},
      {ingest, S::traces, "", "d", "m", std::nullopt},
      {ingest, S::traces, "app", "d", "m", std::nullopt},
      {ingest, S::logs, "", "d", "m", "d"},
      {ingest, S::logs, "app", "d", "m", "app"},
      {ingest, S::logs, "", "", "m", std::nullopt},
      {ingest, S::metrics, "", "d", "m", "m"},
      {ingest, S::metrics, "", "d", "", "d"},
      {ingest, S::metrics, "app", "d", "m", "app"},
      {ingest, S::metrics, "", "", "", std::nullopt},
      {std::string(22, 'q'), S::traces, "", "d", "m", std::nullopt},
      {"looks like nothing", S::traces, "", "d", "m", std::nullopt},
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const DatasetCase& c = cases[i];
    HoneycombConfig config;
    config.dataset = c.dataset;
    config.metrics_dataset = c.metrics_dataset;
    net::Request request;
    HoneycombDestination(config).sign(request, c.signal, {Secret(c.key), c.of_app}, now);
    EXPECT_EQ(header(request, "x-honeycomb-dataset"), c.wanted) << "case " << i;
    ASSERT_EQ(request.secret_headers.size(), 1U);
    EXPECT_EQ(request.secret_headers[0].first, "x-honeycomb-team");
    EXPECT_EQ(request.secret_headers[0].second.reveal(), c.key);
  }
}

TEST(Honeycomb, SignsAnewWithoutATraceOfTheLastAttempt) {
  HoneycombConfig config;
  config.dataset = "d";
  const HoneycombDestination honeycomb(config);
  auto request = honeycomb.encode(batch(Signal::traces, Codec::none));
  const auto headers = request.headers.size();
  honeycomb.sign(request, Signal::traces, {Secret(classic), ""}, now);
  EXPECT_EQ(request.headers.size(), headers + 1);
  honeycomb.sign(request, Signal::traces, {Secret(ingest), ""}, now);
  EXPECT_EQ(request.headers.size(), headers);
  ASSERT_EQ(request.secret_headers.size(), 1U);
  EXPECT_EQ(request.secret_headers[0].second.reveal(), ingest);
}

TEST(Honeycomb, LetsNoHeaderBeEndedByItsValue) {
  HoneycombConfig config;
  net::Request request;
  HoneycombDestination(config).sign(
      request, Signal::metrics,
      {Secret(" " + ingest + "\r\n"), "a\r\nx-evil: 1\x7F" + std::string(1, '\0')}, now);
  EXPECT_EQ(request.secret_headers.at(0).second.reveal(), ingest);
  EXPECT_EQ(header(request, "x-honeycomb-dataset"), "ax-evil: 1");
  net::Request blank;
  HoneycombDestination(config).sign(blank, Signal::metrics, {Secret(ingest), " \r\n "}, now);
  EXPECT_EQ(header(blank, "x-honeycomb-dataset"), std::nullopt);
}

Verdict judge(int status, std::string body, Codec codec = Codec::gzip) {
  return HoneycombDestination({}).judge({status, {}, std::move(body)}, Signal::traces, codec, now);
}

TEST(Honeycomb, ParksARefusedKeyWithTheFix) {
  EXPECT_EQ(
      std::get<Park>(judge(401, R"({"error":"unknown API key - check your credentials"})")).why,
      "api.honeycomb.io answered 401 Unauthorized: unknown API key - check your credentials; "
      "HONEYCOMB_API_KEY is refused: set a key of this region that may send events; what was "
      "accepted is kept meanwhile");
  EXPECT_NE(std::get<Park>(judge(403, "")).why.find("allow it to send events"), std::string::npos);
  EXPECT_NE(std::get<Park>(judge(401, "missing 'x-honeycomb-dataset' header"))
                .why.find("set HONEYCOMB_DATASET"),
            std::string::npos);
}

TEST(Honeycomb, TakesA400AboutSizeForTooLarge) {
  EXPECT_TRUE(
      std::get<TakeApart>(judge(400, R"({"error":"request body is too large"})")).too_large);
  EXPECT_FALSE(std::get<TakeApart>(judge(400, "failed to parse OTLP request body")).too_large);
}

TEST(Honeycomb, GoesBackToGzipWhenZstdIsRefused) {
  EXPECT_TRUE(std::holds_alternative<Recode>(judge(400, "failed to parse", Codec::zstd)));
  EXPECT_TRUE(std::holds_alternative<Recode>(judge(415, "", Codec::zstd)));
  EXPECT_TRUE(std::holds_alternative<TakeApart>(judge(400, "failed to parse", Codec::gzip)));
  EXPECT_TRUE(std::holds_alternative<Park>(judge(415, "", Codec::gzip)));
}

TEST(Hive, TakesEverythingAsItIs) {
  const HiveDestination hive;
  EXPECT_EQ(hive.name(), "hive");
  for (const Signal signal : otlp_signals) {
    EXPECT_TRUE(hive.takes(signal));
    EXPECT_GE(hive.limits(signal).request_bytes, 64U << 20U) << "the largest record there is";
    auto request = hive.encode(batch(signal, Codec::none));
    EXPECT_EQ(request.target, facts(signal).http_path);
    EXPECT_EQ(header(request, "Content-Type"), "application/x-protobuf");
    EXPECT_EQ(header(request, "Content-Encoding"), std::nullopt);
    hive.sign(request, signal, {Secret("k"), "d"}, now);
    EXPECT_TRUE(request.secret_headers.empty());
    EXPECT_EQ(request.headers.size(), 1U);
  }
  EXPECT_FALSE(hive.wants_log_time());
  EXPECT_TRUE(
      std::holds_alternative<Delivered>(hive.judge({200, {}, ""}, Signal::logs, Codec::none, now)));
  EXPECT_TRUE(
      std::holds_alternative<Retry>(hive.judge({503, {}, ""}, Signal::logs, Codec::none, now)));
}

}  // namespace
}  // namespace forager::destination
