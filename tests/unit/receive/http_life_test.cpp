// The life of listeners and connections: binding, limits of time and number, draining, closing.
#include <filesystem>

#include <gtest/gtest.h>

#include "unit/receive/http_world.h"

namespace forager::receive {
namespace {

using std::chrono::milliseconds;

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

HttpSettings impatient() {
  HttpSettings settings;
  settings.header_timeout = milliseconds(60);
  settings.body_timeout = milliseconds(60);
  settings.idle_timeout = milliseconds(60);
  return settings;
}

TEST(HttpLife, AnswersASlowHeader) {
  World world(impatient());
  Client client(world.port());
  const Answer answer = client.ask("POST /v1/tra");
  EXPECT_EQ(answer.status, 408);
  EXPECT_EQ(answer.field("Connection"), "close");
  EXPECT_TRUE(client.ended());
  EXPECT_EQ(world.on_io([&] { return world.receiver->counters().timeouts; }), 1U);
}

TEST(HttpLife, EndsAHeaderThatDripsForEver) {
  HttpSettings settings = impatient();
  settings.idle_timeout = milliseconds(10'000);
  World world(settings);
  Client client(world.port());
  EXPECT_EQ(client.ask(post("x")).status, 200);
  const Time until = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  // each byte comes in time, the whole doesn't
  while (client.send("P") &&
         world.on_io([&] { return world.receiver->counters().timeouts; }) == 0) {
    ASSERT_LT(std::chrono::steady_clock::now(), until);
  }
  const int status = client.answer().status;
  EXPECT_TRUE(status == 408 || status == 431) << status;
}

TEST(HttpLife, AnswersASlowBodyAndBooksIt) {
  World world(impatient());
  Client client(world.port());
  const Answer answer = client.ask(
      "POST /v1/traces HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: "
      "100\r\n\r\nabc");
  EXPECT_EQ(answer.status, 408);
  EXPECT_TRUE(contains(answer.body, "3 bytes of it came"));
  EXPECT_EQ(world.on_io([&] { return world.door.booked; }),
            std::vector{ledger::Reason::aborted_upload});
  Client chunks(world.port());
  EXPECT_EQ(chunks
                .ask("POST /v1/traces HTTP/1.1\r\nContent-Type: "
                     "application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
                .status,
            408);
}

TEST(HttpLife, ClosesAnIdleConnectionWithoutAWord) {
  World world(impatient());
  Client silent(world.port());
  EXPECT_EQ(silent.answer().status, 0);
  EXPECT_TRUE(silent.ended());
  Client once(world.port());
  EXPECT_EQ(once.ask(post("x")).status, 200);
  EXPECT_EQ(once.answer().status, 0);
  EXPECT_TRUE(once.ended());
  EXPECT_EQ(world.on_io([&] { return world.receiver->counters().timeouts; }), 0U);
}

TEST(HttpLife, LetsTheDoorTakeItsTime) {
  World world(impatient());
  world.on_io([&] {
    world.door.hold = true;
    return 0;
  });
  Client client(world.port());
  client.send(post("x"));
  EXPECT_TRUE(world.eventually([&] { return world.door.got.size() == 1; }));
  const Time until = std::chrono::steady_clock::now() + milliseconds(200);
  EXPECT_TRUE(world.eventually([&] { return std::chrono::steady_clock::now() > until; }));
  world.on_io([&] {
    world.door.hold = false;
    world.door.released.notify_all();
    return 0;
  });
  EXPECT_EQ(client.answer().status, 200);
}

TEST(HttpLife, RefusesOneConnectionTooManyAndTakesTheNextWhenOneIsGone) {
  HttpSettings settings;
  settings.connections = 2;
  World world(settings);
  Client a(world.port());
  Client b(world.port());
  EXPECT_EQ(a.ask(post("x")).status, 200);
  EXPECT_EQ(b.ask(post("x")).status, 200);
  Client c(world.port());
  const Answer refused = c.ask(post("x"));
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.field("Retry-After"), "1");
  EXPECT_TRUE(contains(refused.body, "FORAGER_CONNECTIONS"));
  c.half_close();
  EXPECT_TRUE(c.ended());
  EXPECT_EQ(a.ask(post("x")).status, 200);
  a.close();
  EXPECT_TRUE(world.eventually([&] { return world.receiver->open_connections() == 1; }));
  Client d(world.port());
  EXPECT_EQ(d.ask(post("x")).status, 200);
  EXPECT_EQ(world.on_io([&] { return world.receiver->counters().connections_refused; }), 1U);
}

TEST(HttpLife, RefusesAConnectionThereIsNoMemoryFor) {
  World world;
  const auto held = world.on_io(
      [&] { return std::make_shared<Budget::Charge>(*world.door.room(world.door.budget.left())); });
  Client client(world.port());
  EXPECT_EQ(client.ask(post("x")).status, 503);
  world.on_io([&] {
    held->release();
    return 0;
  });
}

TEST(HttpLife, HoldsManyIdleConnectionsCheaply) {
  HttpSettings settings;
  World world(settings);
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 400; ++i) clients.push_back(std::make_unique<Client>(world.port()));
  for (const auto& client : clients) EXPECT_EQ(client->ask(post("x")).status, 200);
  EXPECT_EQ(world.on_io([&] { return world.receiver->open_connections(); }), 400U);
  EXPECT_EQ(world.on_io([&] { return world.door.budget.used(); }), 400U * 8192U);
}

TEST(HttpLife, KeepsAcceptingWhileDrainingAndClosesEachConnection) {
  World world;
  Client before(world.port());
  EXPECT_EQ(before.ask(post("x")).status, 200);
  world.on_io([&] {
    world.receiver->begin_drain();
    return 0;
  });
  EXPECT_EQ(before.ask(post("x")).field("Connection"), "close");
  EXPECT_TRUE(before.ended());
  Client after(world.port());
  const Answer answer = after.ask(post("x"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.field("Connection"), "close");
}

TEST(HttpLife, KnowsOpenRequestsAndWhenTheLastBegan) {
  World world;
  world.on_io([&] {
    world.door.hold = true;
    return 0;
  });
  EXPECT_EQ(world.on_io([&] { return world.receiver->last_request_began(); }), Time{});
  const Time start = std::chrono::steady_clock::now();
  Client client(world.port());
  client.send(post("x"));
  EXPECT_TRUE(world.eventually([&] { return world.door.got.size() == 1; }));
  EXPECT_EQ(world.on_io([&] { return world.receiver->open_requests(); }), 1U);
  EXPECT_GE(world.on_io([&] { return world.receiver->last_request_began(); }), start);
  world.on_io([&] {
    world.door.hold = false;
    world.door.released.notify_all();
    return 0;
  });
  EXPECT_EQ(client.answer().status, 200);
  EXPECT_TRUE(world.eventually([&] { return world.receiver->open_requests() == 0; }));
}

TEST(HttpLife, AnswersWhatIsWithTheDoorWhenClosed) {
  World world;
  world.on_io([&] {
    world.door.hold = true;
    return 0;
  });
  Client busy(world.port());
  Client idle(world.port());
  EXPECT_TRUE(world.eventually([&] { return world.receiver->open_connections() == 2; }));
  busy.send(post("x"));
  EXPECT_TRUE(world.eventually([&] { return world.door.got.size() == 1; }));
  world.on_io([&] {
    world.receiver->close();
    return 0;
  });
  EXPECT_TRUE(idle.ended());
  EXPECT_FALSE(Client(world.port()).connected());
  world.on_io([&] {
    world.door.hold = false;
    world.door.released.notify_all();
    return 0;
  });
  const Answer answer = busy.answer();
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.field("Connection"), "close");
  EXPECT_TRUE(world.eventually([&] { return world.receiver->open_connections() == 0; }));
}

TEST(HttpLife, TellsWhenTheLastConnectionIsGone) {
  asio::io_context io{1};
  FakeDoor door(io.get_executor());
  HttpSettings settings;
  settings.listen.push_back(at_any_port());
  auto receiver = HttpReceiver::start(settings, io.get_executor(), door);
  ASSERT_TRUE(receiver);
  const Client client((*receiver)->bound_ports().at(0));
  while ((*receiver)->open_connections() == 0) io.run_one();
  (*receiver)->close();
  bool gone = false;
  asio::co_spawn(io, (*receiver)->drained(Time::max()), [&](std::exception_ptr) { gone = true; });
  io.run();
  EXPECT_TRUE(gone);
}

TEST(HttpLife, MayBeDestroyedWithConnectionsOpen) {
  auto io = std::make_unique<asio::io_context>(1);
  FakeDoor door(io->get_executor());
  HttpSettings settings;
  settings.listen.push_back(at_any_port());
  auto receiver = HttpReceiver::start(settings, io->get_executor(), door);
  ASSERT_TRUE(receiver);
  const Client client((*receiver)->bound_ports().at(0));
  while ((*receiver)->open_connections() == 0) io->run_one();
  receiver->reset();
  io.reset();  // the session's frame goes here, after its receiver
  EXPECT_EQ(door.budget.used(), 0U);
}

TEST(HttpLife, ListensOnBothLoopbacksForLocalhost) {
  HttpSettings settings;
  settings.listen.push_back(at_any_port("localhost"));
  World world(settings);
  const auto bound = world.receiver->bound();
  ASSERT_GE(bound.size(), 1U);
  EXPECT_EQ(bound[0], "127.0.0.1:" + std::to_string(world.port()));
  if (bound.size() == 2) {
    EXPECT_TRUE(bound[1].starts_with("[::1]:")) << bound[1];
    EXPECT_EQ(world.receiver->bound_ports()[1], world.port());
  }
}

TEST(HttpLife, ListensOnSeveralPlacesButNotOnThoseThatAreOff) {
  HttpSettings settings;
  settings.listen = {at_any_port(), at_any_port("127.0.0.1"), at_any_port("no.such.host.invalid")};
  settings.listen[2].off = true;
  World world(settings);
  ASSERT_EQ(world.receiver->bound_ports().size(), 2U);
  EXPECT_EQ(Client(world.receiver->bound_ports()[1]).ask(post("x")).status, 200);
}

TEST(HttpLife, ServesAUnixSocketAndReplacesOneThatIsLeftOver) {
  const std::string path =
      testing::TempDir() + "forager-http-" + std::to_string(::getpid()) + ".sock";
  HttpSettings settings;
  config::Listen listen;
  listen.unix_path = path;
  settings.listen.push_back(listen);
  {
    const int left_over = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    path.copy(at.sun_path, sizeof at.sun_path - 1);
    ASSERT_EQ(::bind(left_over, reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
    ::close(left_over);
  }
  {
    World world(settings);
    EXPECT_EQ(world.receiver->bound(), std::vector<std::string>{"unix:" + path});
    EXPECT_EQ(Client(path).ask(post("x")).status, 200);
    FakeDoor other(world.io.get_executor());
    const auto second = world.on_io(
        [&] { return HttpReceiver::start(settings, world.io.get_executor(), other).error().what; });
    EXPECT_TRUE(contains(second, "unix:" + path)) << second;
    EXPECT_EQ(Client(path).ask(post("x")).status, 200);
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

std::string start_fault(const config::Listen& listen) {
  asio::io_context io{1};
  FakeDoor door(io.get_executor());
  HttpSettings settings;
  settings.listen.push_back(listen);
  auto started = HttpReceiver::start(settings, io.get_executor(), door);
  return started ? "" : started.error().what;
}

TEST(HttpLife, SaysWhoCannotListenWhereAndTheFix) {
  World world;
  config::Listen taken = at_any_port();
  taken.port = world.port();
  const std::string in_use = start_fault(taken);
  EXPECT_TRUE(
      contains(in_use, "OTLP/HTTP can't listen on 127.0.0.1:" + std::to_string(world.port())))
      << in_use;
  EXPECT_TRUE(contains(in_use, "FORAGER_OTLP_HTTP_LISTEN"));
  EXPECT_TRUE(contains(in_use, "another process"));
  EXPECT_TRUE(contains(start_fault(at_any_port("192.0.2.1")), "no such address"));
  config::Listen nowhere;
  nowhere.unix_path = "/no/such/directory/x.sock";
  EXPECT_TRUE(contains(start_fault(nowhere), "/no/such/directory/x.sock"));
  nowhere.unix_path = std::string(200, 'x');
  EXPECT_TRUE(contains(start_fault(nowhere), "107 bytes"));
}

}  // namespace
}  // namespace forager::receive
