// Health, binding and the end of OTLP/gRPC.
#include <filesystem>
#include <fstream>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/temp_folder.h"
#include "unit/receive/grpc_world.h"
#include "unit/receive/http_world.h"

namespace forager::receive {
namespace {

using grpc::StatusCode;

const std::string traces_method(facts(Signal::traces).grpc_method);
const std::string check = "/grpc.health.v1.Health/Check";
const std::string watch = "/grpc.health.v1.Health/Watch";
const std::string serving = "\x08\x01";
const std::string not_serving = "\x08\x02";
const std::string service_unknown = "\x08\x03";

std::string asking_for(const std::string& service) {
  return std::string{'\x0a', static_cast<char>(service.size())} + service;
}

void start_watch(GrpcCall& call, const std::string& request) {
  ASSERT_TRUE(call.start() && call.send(request) && call.half_close());
}

TEST(GrpcHealth, ChecksTheServerAndItsServices) {
  GrpcWorld<FakeDoor> world;
  GrpcClient client(world.address());
  EXPECT_EQ(client.ask(check, "").body, serving);
  for (const Signal s : otlp_signals) {
    const std::string method(facts(s).grpc_method);
    const std::string service = method.substr(1, method.rfind('/') - 1);
    EXPECT_EQ(client.ask(check, asking_for(service)).body, serving) << service;
  }
  EXPECT_EQ(client.ask(check, asking_for("no.such.Service")).code(), StatusCode::NOT_FOUND);
  EXPECT_EQ(client.ask(check, "\x0a\x09x").code(), StatusCode::INVALID_ARGUMENT);
  // a field of the future before the service's name
  EXPECT_EQ(client.ask(check, "\x10\x01" + asking_for("no.such.Service")).code(),
            StatusCode::NOT_FOUND);
  world.on_io([&] {
    world.receiver->begin_drain();
    return 0;
  });
  EXPECT_EQ(client.ask(check, "").body, not_serving);
  EXPECT_TRUE(client.ask(traces_method, "x").status.ok()) << "the port outlives the app";
  EXPECT_EQ(world.on_io([&] { return world.receiver->counters().calls; }), 1U);
}

TEST(GrpcHealth, TellsWatchersOfTheDrainAndSendsThemAwayAtTheEnd) {
  GrpcWorld<FakeDoor> world;
  GrpcClient client(world.address());
  GrpcCall one(client.stub(), watch);
  GrpcCall other(client.stub(), watch);
  GrpcCall stranger(client.stub(), watch);
  start_watch(one, "");
  start_watch(other, "");
  start_watch(stranger, asking_for("no.such.Service"));
  EXPECT_EQ(one.receive(), serving);
  EXPECT_EQ(other.receive(), serving);
  EXPECT_EQ(stranger.receive(), service_unknown);
  world.on_io([&] {
    world.receiver->begin_drain();
    world.receiver->begin_drain();  // says it once
    return 0;
  });
  EXPECT_EQ(one.receive(), not_serving);
  EXPECT_EQ(other.receive(), not_serving);
  const Time before = std::chrono::steady_clock::now();
  world.close(std::chrono::seconds(30));
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(5))
      << "watchers must not hold up the end";
  for (GrpcCall* const call : {&one, &other, &stranger}) {
    EXPECT_EQ(call->receive(), std::nullopt);
    EXPECT_EQ(call->finish().error_code(), StatusCode::UNAVAILABLE);
  }
  world.receiver.reset();
}

TEST(GrpcHealth, LetsWatchersGo) {
  GrpcWorld<FakeDoor> world;
  GrpcClient client(world.address());
  for (int i = 0; i < 20; ++i) {
    GrpcCall call(client.stub(), watch);
    start_watch(call, "");
    EXPECT_EQ(call.receive(), serving);
    call.context.TryCancel();
    EXPECT_EQ(call.finish().error_code(), StatusCode::CANCELLED);
  }
  world.on_io([&] {
    world.receiver->begin_drain();  // some are still going
    return 0;
  });
  GrpcCall silent(client.stub(), watch);
  ASSERT_TRUE(silent.start() && silent.half_close());
  EXPECT_EQ(silent.finish().error_code(), StatusCode::INVALID_ARGUMENT);
}

TEST(GrpcClose, CancelsCallsThatTheDoorHoldsBeyondTheDeadline) {
  GrpcWorld<FakeDoor> world;
  GrpcClient client(world.address());
  world.on_io([&] { return world.door.hold = true; });
  GrpcCall call(client.stub(), traces_method);
  ASSERT_TRUE(call.start() && call.send("x") && call.half_close());
  ASSERT_TRUE(world.eventually([&] { return world.receiver->open_requests() == 1; }));
  std::thread closer([&] { world.close(std::chrono::milliseconds(50)); });
  const grpc::Status status = call.finish();
  EXPECT_FALSE(status.ok());
  world.on_io([&] {
    world.door.hold = false;
    world.door.released.notify_all();
    return 0;
  });
  closer.join();
  EXPECT_EQ(world.on_io([&] { return world.receiver->open_requests(); }), 0U);
  world.receiver.reset();
}

TEST(GrpcClose, AnswersCallsThatEndInTime) {
  GrpcWorld<FakeDoor> world;
  GrpcClient client(world.address());
  world.on_io([&] { return world.door.hold = true; });
  GrpcCall call(client.stub(), traces_method);
  ASSERT_TRUE(call.start() && call.send("x") && call.half_close());
  ASSERT_TRUE(world.eventually([&] { return world.receiver->open_requests() == 1; }));
  std::thread closer([&] { world.close(std::chrono::seconds(10)); });
  world.on_io([&] {
    world.door.hold = false;
    world.door.released.notify_all();
    return 0;
  });
  EXPECT_EQ(call.receive(), "");
  EXPECT_TRUE(call.finish().ok());
  closer.join();
  world.receiver.reset();
}

std::string why_not(const GrpcSettings& settings) {
  asio::io_context io;
  FakeDoor door(io.get_executor());
  const auto started = GrpcReceiver::start(settings, io.get_executor(), door);
  return started ? "" : started.error().what;
}

TEST(GrpcBind, SaysWhichPortIsTakenAndWhatToDo) {
  GrpcWorld<FakeDoor> world;
  GrpcSettings second = at_any_grpc_port();
  const std::string port = world.address().substr(world.address().rfind(':') + 1);
  for (const char* host : {"127.0.0.1", "localhost", "0.0.0.0"}) {
    second.host = host;
    second.port = static_cast<std::uint16_t>(std::stoi(port));
    const std::string why = why_not(second);
    EXPECT_NE(why.find(port), std::string::npos) << why;
    EXPECT_NE(why.find("in use"), std::string::npos) << why;
    EXPECT_NE(why.find("FORAGER_OTLP_GRPC_LISTEN"), std::string::npos) << why;
  }
  EXPECT_TRUE(GrpcClient(world.address()).ask(traces_method, "x").status.ok());
}

TEST(GrpcBind, SaysThatAnAddressIsNotOurs) {
  GrpcSettings settings = at_any_grpc_port();
  settings.host = "192.0.2.1";
  const std::string why = why_not(settings);
  EXPECT_NE(why.find("192.0.2.1"), std::string::npos) << why;
  EXPECT_NE(why.find("FORAGER_OTLP_GRPC_LISTEN"), std::string::npos) << why;
}

bool has_ipv6() {
  sockaddr_in6 at{};
  at.sin6_family = AF_INET6;
  at.sin6_addr = in6addr_loopback;
  const int probe = ::socket(AF_INET6, SOCK_STREAM, 0);
  const bool bound =
      probe >= 0 && ::bind(probe, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0;
  if (probe >= 0) ::close(probe);
  return bound;
}

TEST(GrpcBind, ListensOnAllInterfacesOfBothFamilies) {
  GrpcSettings settings = at_any_grpc_port();
  settings.host = "0.0.0.0";
  GrpcWorld<FakeDoor> world(settings);
  const std::string port = world.address().substr(world.address().rfind(':'));
  EXPECT_EQ(world.address(), "0.0.0.0" + port);
  EXPECT_TRUE(GrpcClient("127.0.0.1" + port).ask(traces_method, "x").status.ok());
  if (!has_ipv6()) {
    EXPECT_EQ(world.receiver->bound().size(), 1U);
    return;
  }
  ASSERT_EQ(world.receiver->bound().size(), 2U);
  EXPECT_EQ(world.receiver->bound()[1], "[::]" + port);
  EXPECT_TRUE(GrpcClient("[::1]" + port).ask(traces_method, "x").status.ok());
}

class GrpcUnix : public testing::Test {
 protected:
  void SetUp() override { settings.unix_path = folder.path() + "/otlp.sock"; }
  test::TempFolder folder;
  GrpcSettings settings;
};

TEST_F(GrpcUnix, ListensOnAUnixSocketThatAnyUserMayOpen) {
  GrpcWorld<FakeDoor> world(settings);
  EXPECT_EQ(world.address(), "unix:" + settings.unix_path);
  EXPECT_EQ(std::filesystem::status(settings.unix_path).permissions(),
            std::filesystem::perms(0666));
  EXPECT_TRUE(GrpcClient(world.address()).ask(traces_method, "x").status.ok());
  world.close(std::chrono::seconds(1));
  world.receiver.reset();
  EXPECT_FALSE(std::filesystem::exists(settings.unix_path));
}

TEST_F(GrpcUnix, LeavesASocketAloneOnWhichSomebodyAnswers) {
  GrpcWorld<FakeDoor> world(settings);
  const std::string why = why_not(settings);
  EXPECT_NE(why.find("in use"), std::string::npos) << why;
  EXPECT_NE(why.find(settings.unix_path), std::string::npos) << why;
  EXPECT_TRUE(GrpcClient(world.address()).ask(traces_method, "x").status.ok());
}

TEST_F(GrpcUnix, ReplacesASocketWhoseOwnerIsGone) {
  const int left = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  settings.unix_path.copy(at.sun_path, sizeof at.sun_path - 1);
  ASSERT_EQ(::bind(left, reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
  ::close(left);
  GrpcWorld<FakeDoor> world(settings);
  EXPECT_TRUE(GrpcClient(world.address()).ask(traces_method, "x").status.ok());
}

TEST_F(GrpcUnix, SaysWhyAPathCannotBe) {
  GrpcSettings longer;
  longer.unix_path = folder.path() + "/" + std::string(120, 'x');
  EXPECT_NE(why_not(longer).find("107 bytes"), std::string::npos) << why_not(longer);
  GrpcSettings nowhere;
  nowhere.unix_path = folder.path() + "/no/such/folder";
  EXPECT_NE(why_not(nowhere).find("No such file"), std::string::npos) << why_not(nowhere);
  std::ofstream(settings.unix_path) << "precious";
  EXPECT_NE(why_not(settings), "");
  EXPECT_TRUE(std::filesystem::is_regular_file(settings.unix_path)) << "a file is not ours to take";
}

}  // namespace
}  // namespace forager::receive
