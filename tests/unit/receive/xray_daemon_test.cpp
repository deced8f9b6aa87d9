#include "receive/xray_daemon.h"

#include <gtest/gtest.h>

#include "unit/receive/http_world.h"
#include "unit/receive/whole_door.h"

namespace forager::receive {
namespace {

constexpr std::string_view header = "{\"format\":\"json\",\"version\":1}\n";

std::string datagram(std::string_view document) {
  return std::string(header) + std::string(document);
}

/// A real XrayDaemon on a thread of its own.
template <class DoorType = FakeDoor>
class XrayWorld {
 public:
  explicit XrayWorld(XrayDaemonSettings settings = {}, bool with_forward = true)
      : door(io.get_executor()), work_(io.get_executor()) {
    settings.listen = at_any_port();
    XrayForward forward;
    if (with_forward) forward = [this](net::Request request) { return answer(std::move(request)); };
    auto started =
        XrayDaemon::start(std::move(settings), io.get_executor(), door, std::move(forward));
    if (!started) throw std::runtime_error(started.error().what);
    daemon = *std::move(started);
    const std::string name = daemon->bound().at(0);
    port = static_cast<std::uint16_t>(std::stoi(name.substr(name.rfind(':') + 1)));
    socket_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    thread_ = std::thread([this] { io.run(); });
  }
  ~XrayWorld() {
    on_io([this] {
      door_open();
      daemon->close();
      return 0;
    });
    work_.reset();
    thread_.join();
    ::close(socket_);
  }
  XrayWorld(const XrayWorld&) = delete;
  XrayWorld& operator=(const XrayWorld&) = delete;

  void send(std::string_view bytes) const {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::sendto(socket_, bytes.data(), bytes.size(), 0,
                       reinterpret_cast<const sockaddr*>(&at), sizeof at),
              static_cast<ssize_t>(bytes.size()));
  }
  template <class Work>
  auto on_io(Work work) {
    std::packaged_task<decltype(work())()> task(std::move(work));
    auto result = task.get_future();
    asio::post(io, [&task] { task(); });
    return result.get();
  }
  template <class Condition>
  bool eventually(Condition condition) {
    const Time until = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (std::chrono::steady_clock::now() < until) {
      if (on_io(condition)) return true;
      std::this_thread::yield();
    }
    return false;
  }

  asio::io_context io{1};
  DoorType door;
  std::unique_ptr<XrayDaemon> daemon;
  std::uint16_t port = 0;
  std::vector<net::Request> forwarded;
  XrayAnswer next = net::Response{200, {{"Content-Type", "application/json"}}, "{}"};

 private:
  void door_open() {
    if constexpr (std::is_same_v<DoorType, FakeDoor>) {
      door.hold = false;
      door.released.notify_all();
    }
  }
  asio::awaitable<XrayAnswer> answer(net::Request request) {
    forwarded.push_back(std::move(request));
    co_return next;
  }

  asio::executor_work_guard<asio::io_context::executor_type> work_;
  int socket_ = -1;
  std::thread thread_;
};

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
  const std::string document(65'507 - header.size(), 'x');
  world.send(datagram(document));
  ASSERT_TRUE(world.eventually([&] { return world.door.got.size() == 1; }));
  world.on_io([&] {
    EXPECT_TRUE(world.door.got.at(0).body.ends_with(document));
    return 0;
  });
}

TEST(XrayDaemon, BooksWhatIsMalformedAndGoesOn) {
  XrayWorld world;
  world.send("statsd:1|c");
  world.send(header);
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

// --- the sampling proxy

TEST(XrayProxy, ForwardsTheTwoCallsOfTheSdks) {
  XrayWorld world;
  world.on_io([&] {
    world.next = net::Response{200,
                               {{"Content-Type", "application/json"},
                                {"x-amzn-RequestId", "r1"},
                                {"Set-Cookie", "no"},
                                {"Connection", "close"}},
                               R"({"SamplingRuleRecords":[]})"};
    return 0;
  });
  Client client(world.port);
  const Answer rules = client.ask(post("{}", "X-Secret: 1\r\n", "/GetSamplingRules"));
  EXPECT_EQ(rules.status, 200);
  EXPECT_EQ(rules.body, R"({"SamplingRuleRecords":[]})");
  EXPECT_EQ(rules.field("x-amzn-requestid") + rules.field("x-amzn-RequestId"), "r1");
  EXPECT_EQ(rules.field("Set-Cookie"), "");
  EXPECT_EQ(client.ask(post("{\"a\":1}", "", "/SamplingTargets")).status, 200) << "kept alive";
  world.on_io([&] {
    EXPECT_EQ(world.forwarded.size(), 2U);
    const net::Request& request = world.forwarded.at(0);
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.target, "/GetSamplingRules");
    EXPECT_EQ(request.headers.size(), 1U) << "none of the app's own";
    EXPECT_EQ(request.body.joined(), "{}");
    EXPECT_EQ(world.forwarded.at(1).body.joined(), "{\"a\":1}");
    EXPECT_EQ(world.daemon->counters().answers.at(200), 2U);
    return 0;
  });
}

TEST(XrayProxy, GivesBackErrorsOfXRayAndOfTheWayThere) {
  XrayWorld world;
  Client client(world.port);
  world.on_io([&] {
    world.next = net::Response{403, {{"x-amzn-ErrorType", "AccessDeniedException"}}, "{}"};
    return 0;
  });
  const Answer denied = client.ask(post("{}", "", "/GetSamplingRules"));
  EXPECT_EQ(denied.status, 403);
  EXPECT_EQ(denied.field("x-amzn-errortype") + denied.field("x-amzn-ErrorType"),
            "AccessDeniedException");
  world.on_io([&] {
    world.next = net::TransportError{net::TransportError::Kind::connect, "secret-host refused"};
    return 0;
  });
  const Answer away = client.ask(post("{}", "", "/GetSamplingRules"));
  EXPECT_EQ(away.status, 502);
  EXPECT_EQ(away.body.find("secret-host"), std::string::npos);
}

TEST(XrayProxy, ForwardsNothingElse) {
  XrayWorld world;
  const auto ask = [&](const std::string& request) {
    return Client(world.port).ask(request).status;
  };
  EXPECT_EQ(ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), 404);
  EXPECT_EQ(ask(post("{}", "", "/TraceSegments")), 404);
  EXPECT_EQ(ask(post("{}", "", "/GetSamplingRules?x=1")), 404);
  EXPECT_EQ(ask(post("{}", "", "http://169.254.169.254/latest/meta-data/")), 404);
  EXPECT_EQ(ask("CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n"), 404);
  EXPECT_EQ(ask("GET /GetSamplingRules HTTP/1.1\r\nHost: a\r\n\r\n"), 405);
  EXPECT_EQ(ask(post("{}", "Origin: http://evil.example\r\n", "/GetSamplingRules")), 403);
  EXPECT_EQ(ask(post(std::string(300U << 10U, 'x'), "", "/SamplingTargets")), 413);
  EXPECT_EQ(ask("no HTTP at all\r\n\r\n"), 0);
  world.on_io([&] {
    EXPECT_TRUE(world.forwarded.empty());
    return 0;
  });
}

TEST(XrayProxy, RefusesWhereXRayIsNoDestination) {
  XrayWorld world({}, false);
  EXPECT_EQ(Client(world.port).ask(post("{}", "", "/GetSamplingRules")).status, 403);
}

TEST(XrayProxy, ClosesTheConnectionThatWasIdleLongestForOneMore) {
  XrayDaemonSettings settings;
  settings.proxy.connections = 2;
  XrayWorld world(settings);
  Client first(world.port);
  Client second(world.port);
  EXPECT_EQ(first.ask(post("{}", "", "/GetSamplingRules")).status, 200);
  EXPECT_EQ(second.ask(post("{}", "", "/GetSamplingRules")).status, 200);
  Client third(world.port);
  EXPECT_EQ(third.ask(post("{}", "", "/GetSamplingRules")).status, 200);
  EXPECT_TRUE(first.ended());
  EXPECT_EQ(second.ask(post("{}", "", "/GetSamplingRules")).status, 200);
}

}  // namespace
}  // namespace forager::receive
