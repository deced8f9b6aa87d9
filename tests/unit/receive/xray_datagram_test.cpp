#include "receive/xray_datagram.h"

#include <string>

#include <gtest/gtest.h>

#include "receive/xray_batch.h"
#include "support/otlp_builder.h"

namespace forager::receive {
namespace {

using Kind = XrayDatagram::Kind;

constexpr std::string_view header = "{\"format\":\"json\",\"version\":1}\n";

Kind kind_of(std::string_view first_line) {
  return read_xray_datagram(std::string(first_line) + "\n{}").kind;
}

TEST(XrayDatagram, IsAHeaderLineAndADocument) {
  const std::string whole = std::string(header) + R"({"id":"1"})";
  const XrayDatagram read = read_xray_datagram(whole);
  EXPECT_EQ(read.kind, Kind::segment);
  EXPECT_EQ(read.content, R"({"id":"1"})");
  const std::string more = std::string(header) + "{}\n\n{}";
  EXPECT_EQ(read_xray_datagram(more).content, "{}\n\n{}") << "the first line end counts";
  EXPECT_EQ(read_xray_datagram(std::string(header) + "not JSON").kind, Kind::segment)
      << "the daemon doesn't look into it, and X-Ray says what is wrong with it";
}

TEST(XrayDatagram, HasAHeaderAsTheDaemonReadsIt) {
  for (const std::string_view good :
       {R"({"format":"JSON","version":1})", R"({"version":1,"format":"Json"})",
        R"( { "format" : "json" , "version" : 1 } )", "{\"format\":\"json\",\"version\":1}\r",
        R"({"Format":"json","VERSION":1})", R"({"format":"json","version":1,"more":[{}]})",
        R"({"format":"xml","version":2,"format":"json","version":1})",
        R"({"format":"\u006ason","version":1})", R"({"format":"json","version":1,"version":"x"})"})
    EXPECT_EQ(kind_of(good), Kind::segment) << good;
  for (const std::string_view bad :
       {"", "{}", "[]", "1", "null", "json", R"({"format":"json"})", R"({"version":1})",
        R"({"format":"json","version":2})", R"({"format":"json","version":"1"})",
        R"({"format":"json","version":1.0})", R"({"format":"json","version":1e0})",
        R"({"format":"xml","version":1})", R"({"format":"json","version":1)",
        R"({"format":"json","version":1} x)", R"({'format':'json','version':1})",
        R"({"format":null,"version":1})"})
    EXPECT_EQ(kind_of(bad), Kind::bad_header) << bad;
}

TEST(XrayDatagram, MissesAPart) {
  EXPECT_EQ(read_xray_datagram("").kind, Kind::empty);
  EXPECT_EQ(read_xray_datagram(R"({"format":"json","version":1})").kind, Kind::no_segment);
  EXPECT_EQ(read_xray_datagram(header).kind, Kind::no_segment);
  EXPECT_EQ(read_xray_datagram("counter:1|c").kind, Kind::no_segment);
  EXPECT_EQ(read_xray_datagram("\n{}").kind, Kind::bad_header);
}

TEST(XrayDatagram, CarriesOtlpOfTheNewerDistribution) {
  const auto read = [](std::string_view body) {
    static std::string kept;
    kept = std::string(header) + std::string(body);
    return read_xray_datagram(kept);
  };
  EXPECT_EQ(read("T1SCgA=").kind, Kind::traces);
  EXPECT_EQ(read("T1SCgA=").content, "CgA=");
  EXPECT_EQ(read("T1UCgA=").kind, Kind::unsampled);
  EXPECT_EQ(read("M1CgA=").kind, Kind::metrics);
  EXPECT_EQ(read("M1CgA=").content, "CgA=");
}

std::string base64(std::string_view from) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string made;
  for (std::size_t i = 0; i < from.size(); i += 3) {
    std::uint32_t bits = 0;
    const std::size_t left = std::min<std::size_t>(3, from.size() - i);
    for (std::size_t k = 0; k < 3; ++k)
      bits = (bits << 8U) | (k < left ? static_cast<unsigned char>(from[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k)
      made += k <= left ? digits[(bits >> (18 - 6 * k)) & 63U] : '=';
  }
  return made;
}

using Took = XrayBatch::Taken::Kind;
bool no_limit(std::size_t /*bytes*/) { return true; }

TEST(XrayBatch, JoinsWhatWaitsBySignal) {
  XrayCounters counters;
  XrayBatch batch(false, 256U << 10U, no_limit, counters);
  const std::string line(header);
  const std::string traces = test::otlp_request(Signal::traces);
  const std::string metrics = test::otlp_request(Signal::metrics);
  EXPECT_EQ(batch.take(line + "{\"id\":1}").kind, Took::good);
  EXPECT_EQ(batch.take(line + "T1S" + base64(traces)).kind, Took::good);
  EXPECT_EQ(batch.take(line + std::string(300, 'x')).kind, Took::good);
  EXPECT_EQ(batch.take(line + "T1S" + base64(traces)).kind, Took::good);
  EXPECT_EQ(batch.take(line + "T1U" + base64(traces)).kind, Took::good);
  EXPECT_EQ(batch.take(line + "M1" + base64(metrics)).kind, Took::good);
  EXPECT_EQ(batch.take("").kind, Took::good);
  EXPECT_EQ(batch.body(Signal::segments),
            test::wire_bytes(1, "{\"id\":1}") + test::wire_bytes(1, std::string(300, 'x')));
  EXPECT_EQ(batch.body(Signal::traces), traces + traces);
  EXPECT_EQ(batch.body(Signal::metrics), metrics);
  EXPECT_EQ(batch.body(Signal::logs), "");
  EXPECT_EQ(batch.datagrams(Signal::segments), 2U);
  EXPECT_EQ(batch.datagrams(Signal::traces), 2U);
  EXPECT_EQ(counters.segments, 2U);
  EXPECT_EQ(counters.otlp, 3U);
  EXPECT_EQ(counters.unsampled, 1U);
  EXPECT_EQ(counters.malformed, 0U);
  EXPECT_EQ(batch.bytes(),
            batch.body(Signal::segments).size() + 2 * traces.size() + metrics.size());
  batch.clear();
  EXPECT_EQ(batch.bytes(), 0U);
}

TEST(XrayBatch, KeepsOutWhatWouldSpoilTheOthers) {
  XrayCounters counters;
  XrayBatch batch(false, 256U << 10U, no_limit, counters);
  const std::string line(header);
  const std::string traces = test::otlp_request(Signal::traces);
  EXPECT_EQ(batch.take(line + "T1S" + base64(traces)).kind, Took::good);
  for (const std::string& bad :
       {std::string("*"), std::string(), base64(traces.substr(0, traces.size() - 3)),
        base64("no protobuf")}) {
    const auto taken = batch.take(line + "T1S" + bad);
    EXPECT_EQ(taken.kind, Took::malformed) << bad;
    EXPECT_EQ(taken.signal, Signal::traces);
    EXPECT_NE(taken.why, "");
  }
  EXPECT_EQ(batch.take(line).signal, Signal::segments);
  EXPECT_EQ(batch.take(line + "M1!").signal, Signal::metrics);
  EXPECT_EQ(counters.malformed, 6U);
  EXPECT_EQ(batch.body(Signal::traces), traces);
}

TEST(XrayBatch, MakesSpansOfSegmentsWhereItIsAsked) {
  XrayCounters counters;
  XrayBatch batch(true, 256U << 10U, no_limit, counters);
  const std::string good =
      std::string(header) +
      R"({"trace_id":"1-5880168b-fd5158284b67678a3bb5a78c","id":"1311fb11a81e2ae8","name":"n",)"
      R"("start_time":1,"end_time":2,"subsegments":[{"id":"00000000000000a1","name":"m",)"
      R"("start_time":1,"end_time":2}]})";
  batch.take(good);
  batch.take(std::string(header) + "not JSON");
  EXPECT_EQ(batch.datagrams(Signal::segments), 2U) << "X-Ray gets them both";
  EXPECT_EQ(counters.spans_made, 2U);
  EXPECT_EQ(counters.segments_not_spans, 1U);
  EXPECT_FALSE(batch.spans().empty());
  EXPECT_EQ(batch.body(Signal::traces), "") << "apart from what came as spans";
}

}  // namespace
}  // namespace forager::receive
