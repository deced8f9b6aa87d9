#include "admin/render.h"

#include <map>
#include <regex>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "admin/process.h"
#include "base/json_writer.h"
#include "unit/admin/a_source.h"

namespace forager::admin {
namespace {

using test::ASource;

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(JsonWriter, EscapesWhatJsonMustNotHold) {
  JsonWriter json;
  json.begin_object()
      .member("a\"b", "c\\d\n\x01\x7f")
      .member("bad", "\xff\xc3[")
      .member("e", "\xC3\xA9");
  json.key("list").begin_array().value(-1).value(1.5).value(true).null().raw("{}").value(0.0 / 0.0);
  json.end_array().key("none").begin_object().end_object().end_object();
  EXPECT_EQ(json.take(),
            "{\"a\\\"b\":\"c\\\\d\\n\\u0001\\u007f\",\"bad\":\"?\?[\",\"e\":\"\xC3\xA9\","
            "\"list\":[-1,1.5,true,null,{},null],\"none\":{}}");
}

TEST(RenderStatus, ShowsDestinationsWithWhatIsWrong) {
  const ASource from;
  const std::string json = render_status(from.status);
  EXPECT_TRUE(has(
      json,
      R"("version":"1.2.3","phase":"serving","now":"2025-11-24T16:02:03.045Z","uptime_seconds":90.5)"));
  EXPECT_TRUE(has(
      json,
      R"("journal":{"kind":"disk","directory":"/var/lib/forager","recovering":false,"bytes":4096,"limit_bytes":1073741824})"));
  EXPECT_TRUE(has(json, R"({"protocol":"otlp/http","address":"127.0.0.1:4318"})"));
  EXPECT_TRUE(has(json, R"({"protocol":"otlp/http","open_connections":3,"open_requests":1})"));
  EXPECT_TRUE(has(json, R"({"protocol":"otlp/grpc","open_connections":null,"open_requests":2})"));
  EXPECT_TRUE(has(
      json,
      R"("state":"parked","since":"2025-11-24T16:02:03.045Z","last_error":"401: the key is \"unknown\"\nto Honeycomb")"));
  EXPECT_TRUE(has(json, R"("last_success_at":null)"));
  EXPECT_TRUE(has(json, R"("oldest_age_seconds":1.5)"));
  EXPECT_TRUE(has(json, R"({"by":"honeycomb","code":"401","count":2})"));
}

TEST(RenderLedger, ListsStatesReasonsAndTheBalance) {
  ASource from;
  from.trade();
  const std::string json = render_ledger(from.ledger, from.source().held);
  EXPECT_TRUE(has(
      json,
      R"({"signal":"traces","offered":{"requests":2,"items":14},"accepted":{"requests":1,"items":10})"));
  EXPECT_TRUE(has(
      json,
      R"({"destination":"honeycomb","signal":"traces","accepted":10,"recovered":0,"delivered":6,)"
      R"("rejected":0,"quarantined":0,"expired":1,"filtered":0,"lost":0,"held":3,)"));
  EXPECT_TRUE(has(json, R"("balanced":true})"));
  EXPECT_FALSE(has(json, "imbalance"));
}

TEST(RenderLedger, SaysWhenTheBooksDoNotBalance) {
  ASource from;
  from.trade();
  from.held_traces = 2;
  EXPECT_TRUE(
      has(render_ledger(from.ledger, from.source().held), R"("balanced":false,"imbalance":")"));
  EXPECT_TRUE(has(render_ledger_text(from.ledger, from.source().held), "THE BOOKS DO NOT BALANCE"));
}

TEST(RenderLedgerText, IsATableWithTheReasonsBelow) {
  ASource from;
  from.trade();
  const std::string text = render_ledger_text(from.ledger, from.source().held);
  EXPECT_TRUE(std::regex_search(text, std::regex("\ntraces +2 +1 +1 +14 +10\n")));
  EXPECT_TRUE(
      std::regex_search(text, std::regex("\nhoneycomb +traces +10 +6 +0 +0 +1 +0 +0 +3\n")));
  EXPECT_TRUE(has(text, "door, traces: 1 requests refused (memory_budget): "));
  EXPECT_TRUE(has(text, "honeycomb, traces: 1 expired (over_age): "));
  EXPECT_TRUE(has(text, "The books balance."));
}

TEST(RenderLedger, ShowsSegmentsOnlyWhereThereAreOrMayBeSome) {
  ASource from;
  const auto all = [&] {
    return render_ledger(from.ledger, from.source().held) +
           render_ledger_text(from.ledger, from.source().held) +
           render_metrics(from.status, from.ledger, from.source().held);
  };
  from.trade();
  EXPECT_FALSE(has(all(), "segments"));
  from.ledger.expect_segments();
  EXPECT_TRUE(has(all(), R"({"signal":"segments","offered":{"requests":0,)"));
  EXPECT_TRUE(has(all(), "\nsegments "));
  EXPECT_TRUE(has(all(), R"(forager_held_items{destination="honeycomb",signal="segments"} 0)"));
  ASource recovered;
  recovered.ledger.book("xray").recovered(Signal::segments, 3);
  EXPECT_TRUE(has(render_ledger(recovered.ledger, recovered.source().held),
                  R"({"destination":"xray","signal":"segments","accepted":3,"recovered":3,)"));
}

TEST(RenderMetrics, IsWellFormedExpositionText) {
  ASource from;
  from.trade();
  std::istringstream lines(render_metrics(from.status, from.ledger, from.source().held));
  const std::regex sample(R"re(([a-z_]+)(\{[a-z]+="[^"\n]*"(,[a-z]+="[^"\n]*")*\})? [0-9.e+-]+)re");
  std::set<std::string> families;
  std::set<std::string> series;
  std::string family;
  std::string type;
  for (std::string line; std::getline(lines, line);) {
    std::smatch parts;
    if (line.starts_with("# HELP ")) {
      family = line.substr(7, line.find(' ', 7) - 7);
      EXPECT_TRUE(families.insert(family).second) << "two heads: " << family;
      EXPECT_TRUE(family.starts_with("forager_")) << family;
    } else if (line.starts_with("# TYPE ")) {
      EXPECT_TRUE(line.starts_with("# TYPE " + family + " ")) << line;
      type = line.substr(line.rfind(' ') + 1);
      EXPECT_EQ(type == "counter", family.ends_with("_total")) << line;
    } else {
      ASSERT_TRUE(std::regex_match(line, parts, sample)) << line;
      EXPECT_EQ(parts[1].str(), family) << line;
      EXPECT_TRUE(series.insert(parts[1].str() + parts[2].str()).second) << "twice: " << line;
    }
  }
  EXPECT_GT(families.size(), 20U);
}

TEST(RenderMetrics, HoldsTheLedgerAndTheState) {
  ASource from;
  from.trade();
  const std::string text = render_metrics(from.status, from.ledger, from.source().held);
  for (
      const std::string_view line : {
          R"(forager_accepted_items_total{signal="traces"} 10)",
          R"(forager_refused_items_total{signal="traces",reason="memory_budget"} 4)",
          R"(forager_items_total{destination="honeycomb",signal="traces",state="delivered",reason="delivered"} 6)",
          R"(forager_items_total{destination="honeycomb",signal="traces",state="expired",reason="over_age"} 1)",
          R"(forager_held_items{destination="honeycomb",signal="traces"} 3)",
          R"(forager_ledger_balanced 1)",
          R"(forager_destination_state{destination="honeycomb",state="parked"} 1)",
          R"(forager_oldest_held_age_seconds{destination="honeycomb"} 1.5)",
          R"(forager_journal_bytes{kind="disk"} 4096)",
          R"(forager_open_connections{protocol="otlp/http"} 3)",
          R"(forager_open_requests{protocol="otlp/grpc"} 2)",
          R"(forager_requests_received_total{protocol="otlp/grpc",code="UNAVAILABLE"} 1)",
          R"(forager_ready 1)",
      }) {
    EXPECT_TRUE(has(text, std::string(line) + "\n")) << line;
  }
}

TEST(RenderMetrics, EscapesLabels) {
  ASource from;
  from.status.destinations[0].name = "a\"b\\c\nd";
  const std::string text = render_metrics(from.status, from.ledger, from.source().held);
  EXPECT_TRUE(has(text, R"(forager_retries_total{destination="a\"b\\c\nd"} 0)"));
}

TEST(Process, HasMemory) { EXPECT_GT(resident_bytes(), 100'000U); }

}  // namespace
}  // namespace forager::admin
