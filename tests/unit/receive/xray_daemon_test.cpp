#include "receive/xray_daemon.h"

#include <gtest/gtest.h>

#include "otlp/walk.h"
#include "unit/receive/whole_door.h"
#include "unit/receive/xray_world.h"

namespace forager::receive {
namespace {

TEST(XrayDaemon, HandsSegmentsInAsTheyCame) {
  XrayWorld world;
  world.send(datagram(R"({"id":"1"})"));
  ASSERT_TRUE(world.eventually([&] { return world.door.got.size() == 1; }));
  world.on_io([&] {
    const auto& got = world.door.got.at(0);
    EXPECT_EQ(got.signal, Signal::segments);
    EXPECT_EQ(got.encoding, otlp::Encoding::protobuf);
    EXPECT_EQ(got.body, "\x0a\x0a{\"id\":\"1\"}");
    EXPECT_GE(got.charged, got.body.size());
    EXPECT_EQ(got.key, "-");
    EXPECT_NE(world.daemon->last_request_began(), Time{});
    EXPECT_GE(world.daemon->buffer_bytes(), 100'000U);
    return 0;
  });
}

TEST(XrayDaemon, MakesOneRecordOfWhatWaits) {
  XrayWorld world;
  world.on_io([&] {  // nothing is read meanwhile
    for (int i = 0; i < 40; ++i) world.send(datagram("{}"));
    return 0;
  });
  ASSERT_TRUE(world.eventually([&] { return world.daemon->counters().segments == 40; }));
  world.on_io([&] {
    EXPECT_EQ(world.door.got.size(), 1U);
    EXPECT_EQ(world.door.got.at(0).body.size(), 40U * 4);
    return 0;
  });
}

TEST(XrayDaemon, TakesTheLargestDatagramThereIs) {
  XrayWorld world;
  const std::string document(65'507 - xray_header.size(), 'x');
  world.send(datagram(document));
  ASSERT_TRUE(world.eventually([&] { return world.door.got.size() == 1; }));
  world.on_io([&] {
    EXPECT_TRUE(world.door.got.at(0).body.ends_with(document));
    return 0;
  });
}

TEST(XrayDaemon, HandsInNothingOverTheRequestLimitHoweverMuchWaits) {
  XrayWorld<> world([](FakeDoor& door) { door.limit = 64U << 10U; });
  world.on_io([&] {  // nothing is read meanwhile
    for (int i = 0; i < 8; ++i) world.send(datagram(std::string(30'000, 'x')));
    world.send(datagram(std::string(65'507 - xray_header.size(), 'y')));
    return 0;
  });
  ASSERT_TRUE(world.eventually([&] { return world.daemon->counters().segments == 9; }));
  world.on_io([&] {
    std::size_t bytes = 0;
    for (const auto& got : world.door.got) {
      EXPECT_LE(got.body.size(), world.door.limit);
      bytes += got.body.size();
    }
    EXPECT_EQ(bytes, 8 * (30'000U + 4) + 65'507U - xray_header.size() + 4);
    EXPECT_EQ(world.door.got.size(), 5U) << "two fit into one, and the largest is one by itself";
    return 0;
  });
}

/// A document whose spans have several times its bytes.
std::string growing(std::size_t subsegments) {
  std::string made = R"({"trace_id":"1-5880168b-fd5158284b67678a3bb5a78c","id":"1311fb11a81e2ae8",)"
                     R"("name":"n","start_time":1,"end_time":2,"subsegments":[)";
  for (std::size_t i = 0; i < subsegments; ++i)
    made += R"({"id":"1311fb11a81e2ae9","start_time":1,"end_time":2,"user":"a","fault":true},)";
  made.back() = ']';
  return made + "}";
}

TEST(XrayDaemon, CutsSpansOfSegmentsWhereTheyWouldBeOverTheLimit) {
  XrayDaemonSettings settings;
  settings.segments_as_spans = true;
  XrayWorld<> world([](FakeDoor& door) { door.limit = 64U << 10U; }, settings);
  world.on_io([&] {
    for (int i = 0; i < 12; ++i) world.send(datagram(growing(200)));
    return 0;
  });
  ASSERT_TRUE(world.eventually([&] { return world.daemon->counters().segments == 12; }));
  world.on_io([&] {
    EXPECT_EQ(world.daemon->counters().spans_made, 12U * 201);
    std::size_t spans = 0;
    for (auto& got : world.door.got) {
      EXPECT_LE(got.body.size(), world.door.limit);
      if (got.signal != Signal::traces) continue;
      const auto shape = otlp::walk(Signal::traces, got.body);
      EXPECT_TRUE(shape);
      if (shape) spans += shape->items;
    }
    EXPECT_EQ(spans, 12U * 201) << "cut between documents";
    return 0;
  });
}

TEST(XrayDaemon, ChargesWhatItGathers) {
  XrayWorld world;
  const auto used = [&] { return world.door.budget.used(); };
  const std::size_t before = world.on_io(used);
  world.send(datagram("{}"));
  ASSERT_TRUE(world.eventually([&] { return world.door.got.size() == 1; }));
  ASSERT_TRUE(world.eventually([&] { return world.daemon->open_requests() == 0; }));
  EXPECT_EQ(world.on_io(used), before + (256U << 10U)) << "as much as a body may have, once";
  world.send(datagram("{}"));
  ASSERT_TRUE(world.eventually([&] { return world.door.got.size() == 2; }));
  ASSERT_TRUE(world.eventually([&] { return world.daemon->open_requests() == 0; }));
  EXPECT_EQ(world.on_io(used), before + (256U << 10U));
  // another body, and no memory for it
  std::optional<Budget::Charge> most;
  world.on_io([&] {
    most = world.door.budget.take(world.door.budget.left() - (200U << 10U));
    return 0;
  });
  world.send(datagram("M1AAAA"));
  ASSERT_TRUE(world.eventually([&] { return world.daemon->counters().refused == 1; }));
  world.on_io([&] {
    EXPECT_EQ(world.door.turned_away, std::vector{admit::Refused::Kind::busy});
    EXPECT_TRUE(world.door.booked.empty()) << "it was not even looked at";
    most.reset();
    return 0;
  });
}

TEST(XrayDaemon, BooksWhatIsMalformedAndGoesOn) {
  XrayWorld world;
  world.send("statsd:1|c");
  world.send(xray_header);
  world.send("");
  world.send("{\"format\":\"xml\",\"version\":1}\n{}");
  world.send(datagram("T1S***"));
  world.send(datagram("{}"));
  ASSERT_TRUE(world.eventually([&] { return world.daemon->counters().segments == 1; }));
  world.on_io([&] {
    EXPECT_EQ(world.daemon->counters().malformed, 4U);
    EXPECT_EQ(world.door.booked, std::vector<ledger::Reason>(4, ledger::Reason::malformed));
    return 0;
  });
}

TEST(XrayDaemon, CountsWhatTheDoorDoesNotTake) {
  XrayWorld world;
  world.on_io([&] {
    world.door.outcome = admit::Refused{admit::Refused::Kind::unavailable, "full", {}};
    world.send(datagram("{}"));
    world.send(datagram("{}"));
    return 0;
  });
  ASSERT_TRUE(world.eventually([&] { return world.daemon->counters().refused == 2; }));
}

TEST(XrayDaemon, TurnsAwayWhatThereIsNoMemoryFor) {
  XrayWorld world;
  std::optional<Budget::Charge> all;
  world.on_io([&] {
    all = world.door.budget.take(world.door.budget.left());
    return 0;
  });
  world.send(datagram("{}"));
  ASSERT_TRUE(world.eventually([&] { return world.daemon->counters().refused == 1; }));
  world.on_io([&] {
    EXPECT_EQ(world.door.turned_away, std::vector{admit::Refused::Kind::busy});
    all.reset();
    return 0;
  });
}

TEST(XrayDaemon, LeavesItToTheKernelWhenTheDoorIsSlowAndSaysWhatItDropped) {
  XrayWorld world;
  world.on_io([&] {
    world.door.hold = true;
    return 0;
  });
  std::uint64_t sent = 0;
  const auto fill = [&] {
    for (int i = 0; i < 64; ++i, ++sent) world.send(datagram(std::string(60'000, 'x')));
    return world.on_io([&] { return world.daemon->kernel_drops() != 0; });
  };
  bool dropped = false;
  for (int i = 0; i < 400 && !dropped; ++i) dropped = fill();
  ASSERT_TRUE(dropped);
  world.on_io([&] {
    EXPECT_LE(world.daemon->open_requests(), 256U);
    world.door.hold = false;
    world.door.released.notify_all();
    return 0;
  });
  EXPECT_TRUE(world.eventually([&] {
    const XrayCounters& counters = world.daemon->counters();
    return counters.segments + world.daemon->kernel_drops() == sent;
  })) << "each datagram was read or is counted as dropped";
}

TEST(XrayDaemon, TakesWhatStillWaitsWhenItCloses) {
  XrayWorld world;
  world.on_io([&] {
    for (int i = 0; i < 50; ++i) world.send(datagram("{}"));
    world.daemon->close();
    EXPECT_EQ(world.daemon->counters().segments, 50U);
    return 0;
  });
  EXPECT_TRUE(world.eventually([&] { return world.daemon->open_requests() == 0; }));
  world.on_io([&] {
    EXPECT_FALSE(world.door.got.empty());
    return 0;
  });
}

TEST(XrayDaemon, SaysWhoHasThePortWhenItIsTaken) {
  XrayWorld world;
  XrayDaemonSettings settings;
  settings.listen = at_any_port();
  settings.listen.port = world.port;
  asio::io_context io;
  FakeDoor door(io.get_executor());
  const auto second = XrayDaemon::start(settings, io.get_executor(), door, {});
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().what.find("FORAGER_XRAY_DAEMON_LISTEN"), std::string::npos)
      << second.error().what;
  settings.listen = {};
  settings.listen.unix_path = "/run/x.sock";
  const auto third = XrayDaemon::start(settings, io.get_executor(), door, {});
  ASSERT_FALSE(third);
  EXPECT_NE(third.error().what.find("127.0.0.1:2000"), std::string::npos);
}

TEST(XrayDaemon, BringsSegmentsThroughTheRealDoor) {
  XrayDaemonSettings settings;
  settings.segments_as_spans = true;
  XrayWorld<WholeDoor> world(settings);
  world.on_io([&] {
    world.door.journal.open_cursor("xray", {true, false, false, true});
    return 0;
  });
  world.send(datagram(
      R"({"trace_id":"1-5880168b-fd5158284b67678a3bb5a78c","id":"1311fb11a81e2ae8","name":"n",)"
      R"("start_time":1,"end_time":2})"));
  ASSERT_TRUE(world.eventually(
      [&] { return world.door.ledger.door().offered(Signal::traces).requests == 1; }));
  world.on_io([&] {
    const ledger::Ledger& ledger = world.door.ledger;
    EXPECT_EQ(ledger.door().accepted(Signal::segments).items, 1U)
        << "whatever the policy for keys of Honeycomb is";
    EXPECT_EQ(world.door.journal.held_items("xray", Signal::segments), 1U);
    EXPECT_EQ(world.door.journal.held_items("xray", Signal::traces), 0U)
        << "which has them as segments";
    EXPECT_EQ(world.door.journal.held_items("honeycomb", Signal::segments), 0U);
    EXPECT_EQ(world.door.imbalance(), "");
    return 0;
  });
}

}  // namespace
}  // namespace forager::receive
