#include "receive/xray_proxy.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "unit/receive/xray_world.h"

namespace forager::receive {
namespace {

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

std::size_t budget_used(XrayWorld<>& world) {
  return world.on_io([&] { return world.door.budget.used(); });
}

TEST(XrayProxy, ChargesConnectionsAndGivesTheMemoryBack) {
  XrayWorld world;
  const std::size_t before = budget_used(world);
  world.on_io([&] {
    world.next = net::Response{200, {}, std::string(1U << 20U, 'x')};
    return 0;
  });
  {
    Client client(world.port);
    EXPECT_EQ(client.ask(post("{}", "", "/GetSamplingRules")).body.size(), 1U << 20U);
    EXPECT_GE(budget_used(world), before + (16U << 10U)) << "for the connection";
    EXPECT_TRUE(world.eventually([&] { return world.door.budget.used() <= before + (64U << 10U); }))
        << "the answer is gone";
  }
  EXPECT_TRUE(world.eventually([&] { return world.door.budget.used() == before; }));
}

TEST(XrayProxy, SaysThatThereIsNoMemoryForARequestOrItsAnswer) {
  XrayWorld world;
  Client client(world.port);
  EXPECT_EQ(client.ask(post("{}", "", "/GetSamplingRules")).status, 200);
  std::optional<Budget::Charge> most;
  world.on_io([&] {
    most = world.door.budget.take(world.door.budget.left() - (100U << 10U));
    world.next = net::Response{200, {}, std::string(200U << 10U, 'x')};
    return 0;
  });
  const Answer large = client.ask(post("{}", "", "/GetSamplingRules"));
  EXPECT_EQ(large.status, 503) << "the answer is too large for now";
  EXPECT_NE(large.body.find("FORAGER_MEMORY_LIMIT"), std::string::npos) << large.body;
  EXPECT_EQ(large.field("Content-Type"), "application/json");
  world.on_io([&] {
    most.reset();
    most = world.door.budget.take(world.door.budget.left() - (10U << 10U));
    return 0;
  });
  const std::string body(40U << 10U, 'x');
  EXPECT_EQ(client.ask(post(body, "", "/SamplingTargets")).status, 503) << "not read at all";
  EXPECT_TRUE(client.ended());
  Client other(world.port);  // not even its connection
  EXPECT_EQ(other.ask(post("{}", "", "/GetSamplingRules")).status, 503);
  world.on_io([&] {
    EXPECT_EQ(world.forwarded.size(), 2U);
    EXPECT_EQ(world.daemon->counters().answers.at(503), 3U);
    most.reset();
    world.next = net::Response{200, {}, "{}"};
    return 0;
  });
  EXPECT_EQ(Client(world.port).ask(post(body, "", "/SamplingTargets")).status, 200);
}

TEST(XrayProxy, TakesABodyOf64KiBAndNoLargerOne) {
  XrayWorld world;
  const auto ask = [&](std::size_t bytes) {
    return Client(world.port).ask(post(std::string(bytes, 'x'), "", "/SamplingTargets")).status;
  };
  EXPECT_EQ(ask(64U << 10U), 200);
  EXPECT_EQ(ask((64U << 10U) + 1), 413);
  const std::string chunk = fmt::format("{:x}\r\n{}\r\n", 40'000, std::string(40'000, 'x'));
  const std::string head =
      "POST /SamplingTargets HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(Client(world.port).ask(head + chunk + "0\r\n\r\n").status, 200);
  EXPECT_EQ(Client(world.port).ask(head + chunk + chunk + "0\r\n\r\n").status, 413);
}

TEST(XrayProxy, KeepsTheConnectionWhenAskingThrows) {
  XrayWorld world;
  Client client(world.port);
  world.on_io([&] { return world.throws = true; });
  const Answer failed = client.ask(post("{}", "", "/GetSamplingRules"));
  EXPECT_EQ(failed.status, 502);
  EXPECT_EQ(failed.body.find("secret"), std::string::npos);
  world.on_io([&] { return world.throws = false; });
  EXPECT_EQ(client.ask(post("{}", "", "/GetSamplingRules")).status, 200);
  EXPECT_EQ(world.on_io([&] { return world.daemon->open_connections(); }), 1U);
}

TEST(XrayProxy, RefusesOneMoreWhenAllConnectionsAreBusy) {
  XrayDaemonSettings settings;
  settings.proxy.connections = 1;
  XrayWorld world(settings);
  world.on_io([&] { return world.door.hold = true; });
  Client busy(world.port);
  busy.send(post("{}", "", "/GetSamplingRules"));
  ASSERT_TRUE(world.eventually([&] { return world.forwarded.size() == 1; }));
  EXPECT_EQ(Client(world.port).ask(post("{}", "", "/GetSamplingRules")).status, 503);
  world.on_io([&] {
    world.door.hold = false;
    world.door.released.notify_all();
    return 0;
  });
  EXPECT_EQ(busy.answer().status, 200);
}

}  // namespace
}  // namespace forager::receive
