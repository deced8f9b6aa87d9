// OTLP/HTTP with the real door behind it: what the app sees, and that the books balance.
#include <gtest/gtest.h>

#include "unit/admit/bodies.h"
#include "unit/receive/http_world.h"
#include "unit/receive/whole_door.h"

namespace forager::receive {
namespace {

using admit::gzip;
using admit::two_spans;
using admit::two_spans_json;

constexpr std::string_view key = "X-Honeycomb-Team: k\r\n";
const std::string keyed_gzip = std::string(key) + "Content-Encoding: gzip\r\n";

TEST(HttpAdmission, KeepsOneBodyHoweverItIsSent) {
  World<WholeDoor> world{HttpSettings{}};
  Client client(world.port());
  EXPECT_EQ(client.ask(post(two_spans(), key)).status, 200);
  EXPECT_EQ(client.ask(post(gzip(two_spans()), keyed_gzip)).status, 200);
  const Answer json = client.ask(post(two_spans_json(), key, "/v1/traces", "application/json"));
  EXPECT_EQ(json.status, 200);
  EXPECT_EQ(json.body, "{}");
  world.on_io([&] {
    EXPECT_EQ(world.door.journal.records(), 3U);
    for (journal::Position p = 1; p <= 3; ++p)
      EXPECT_EQ(world.door.journal.find(p)->body.view(), two_spans());
    EXPECT_EQ(world.door.ledger.door().accepted(Signal::traces).items, 6U);
    EXPECT_EQ(world.door.imbalance(), "");
    return 0;
  });
}

TEST(HttpAdmission, SaysWhatIsWrongWithABody) {
  World<WholeDoor> world{HttpSettings{}};
  Client client(world.port());
  const auto status = [&](const std::string& request) { return client.ask(request).status; };
  EXPECT_EQ(status(post("\x0a\x05"
                        "abc",
                        key)),
            400);
  EXPECT_EQ(status(post("{\"resourceSpans\":7}", key, "/v1/traces", "application/json")), 400);
  EXPECT_EQ(status(post("not gzip", keyed_gzip)), 400);
  EXPECT_EQ(status(post(gzip(two_spans()) + "trailing", keyed_gzip)), 400);
  EXPECT_EQ(status(post(gzip(two_spans()).substr(0, 20), keyed_gzip)), 400);
  EXPECT_EQ(status(post(gzip(std::string(5U << 20U, '\0')), keyed_gzip)), 413);
  EXPECT_EQ(status(post(two_spans())), 401);
  EXPECT_EQ(status(post(two_spans(), "X-Honeycomb-Team: " + std::string(600, 'k') + "\r\n")), 400);
  EXPECT_EQ(status(post(two_spans(), std::string(key) + "Content-Encoding: lz4\r\n")), 415);
  EXPECT_EQ(status(post("", key)), 200);
  EXPECT_EQ(status(post("{}", key, "/v1/logs", "application/json")), 200);
  world.on_io([&] {
    const ledger::Door& door = world.door.ledger.door();
    EXPECT_EQ(door.refused(Signal::traces, ledger::Reason::malformed).requests, 6U);
    EXPECT_EQ(door.refused(Signal::traces, ledger::Reason::too_large).requests, 1U);
    EXPECT_EQ(door.refused(Signal::traces, ledger::Reason::unauthenticated).requests, 1U);
    EXPECT_EQ(door.refused(Signal::traces, ledger::Reason::unsupported_encoding).requests, 1U);
    EXPECT_EQ(door.offered(Signal::traces).requests, 10U);
    EXPECT_EQ(world.door.imbalance(), "");
    return 0;
  });
}

TEST(HttpAdmission, RefusesRetryablyWhenTheJournalIsFull) {
  World<WholeDoor> world{HttpSettings{}};
  Client client(world.port());
  const std::string large = admit::many_spans(8'000);
  Answer answer = client.ask(post(large, key));
  for (int i = 0; i < 10 && answer.status == 200; ++i) answer = client.ask(post(large, key));
  EXPECT_EQ(answer.status, 503);
  EXPECT_GE(std::stoi(answer.field("Retry-After")), 1);
  EXPECT_EQ(world.on_io([&] { return world.door.imbalance(); }), "");
}

}  // namespace
}  // namespace forager::receive
