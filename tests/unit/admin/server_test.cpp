#include "admin/server.h"

#include <sys/stat.h>
#include <thread>
#include <unistd.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "admin/healthcheck.h"
#include "admin/plain_http.h"
#include "unit/admin/a_source.h"

namespace forager::admin {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

/// A server on its own thread, as the io thread is; the tests are its clients.
class AdminServerTest : public testing::Test {
 protected:
  ~AdminServerTest() override { finish(); }
  void serve(config::Listen listen = {false, "localhost", 0, ""}, ServerOptions options = {}) {
    server.emplace(io.get_executor(), state.source(), std::move(options));
    const auto started = server->start(listen);
    ASSERT_TRUE(started) << started.error().what;
    thread = std::thread([this] { io.run(); });
  }
  /// Stops the server and waits for everything it started: a session that never ends would hang
  /// here.
  void finish() {
    if (server) asio::post(io, [this] { server->stop(); });
    if (thread.joinable()) thread.join();
  }
  tcp::socket connect(const char* address = "127.0.0.1") {
    tcp::socket socket(client);
    socket.connect(tcp::endpoint(asio::ip::make_address(address), server->port()));
    return socket;
  }
  /// Everything the server says until it closes.
  static std::string rest_of(tcp::socket& socket) {
    std::string all;
    boost::system::error_code error;
    asio::read(socket, asio::dynamic_buffer(all), error);
    return all;
  }
  std::string ask(std::string_view request) {
    tcp::socket socket = connect();
    asio::write(socket, asio::buffer(request));
    return rest_of(socket);
  }
  test::ASource state;
  asio::io_context io{1};
  asio::io_context client;
  std::optional<AdminServer> server;
  std::thread thread;
};

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST_F(AdminServerTest, AnswersWithItsGuardHeaders) {
  serve();
  const std::string answer =
      ask("GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(answer.ends_with("\r\n\r\nlive\n"));
  EXPECT_TRUE(has(answer, "Content-Security-Policy: default-src 'none'"));
  EXPECT_TRUE(has(answer, "X-Content-Type-Options: nosniff"));
  EXPECT_TRUE(has(answer, "Cache-Control: no-store"));
  EXPECT_FALSE(has(answer, "Access-Control"));
}

TEST_F(AdminServerTest, AnswersOnBothLoopbacksOnOnePort) {
  serve();
  for (const std::string& address : server->addresses())
    EXPECT_TRUE(address.ends_with(":" + std::to_string(server->port())));
  for (const char* host : {"127.0.0.1", "::1"}) {
    if (server->addresses().size() == 1 && host[0] == ':') continue;  // a machine without IPv6
    const auto response = plain_exchange({host, server->port(), {}}, {}, std::chrono::seconds(5));
    ASSERT_TRUE(response) << response.error().what;
    EXPECT_EQ(response->status, 404);
  }
}

TEST_F(AdminServerTest, KeepsAConnectionForTheNextRequest) {
  serve();
  const std::string answers =
      ask("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
          "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(has(answers, "\r\n\r\nlive\nHTTP/1.1 200 OK"));
  EXPECT_TRUE(answers.ends_with("\r\n\r\nready\n"));
}

TEST_F(AdminServerTest, AnswersHeadWithoutABody) {
  serve();
  const std::string answer =
      ask("HEAD /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(has(answer, "Content-Length: 5\r\n"));
  EXPECT_TRUE(answer.ends_with("\r\n\r\n"));
}

TEST_F(AdminServerTest, RefusesAForeignNameAndTwoOfThem) {
  serve();
  EXPECT_TRUE(ask("GET /status HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")
                  .starts_with("HTTP/1.1 421 "));
  EXPECT_TRUE(
      ask("GET /status HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\nConnection: close\r\n\r\n")
          .starts_with("HTTP/1.1 400 "));
  EXPECT_TRUE(ask("GET /status HTTP/1.1\r\nHost: localhost\r\nOrigin: "
                  "http://localhost:1\r\nConnection: close\r\n\r\n")
                  .starts_with("HTTP/1.1 403 "));
}

TEST_F(AdminServerTest, TakesNoBodyNoLongHeadersAndNoNonsense) {
  serve();
  EXPECT_TRUE(ask("POST /status HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello")
                  .starts_with("HTTP/1.1 413 "));
  EXPECT_TRUE(ask(fmt::format("GET / HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n",
                              std::string(20'000, 'x')))
                  .starts_with("HTTP/1.1 431 "));
  EXPECT_TRUE(ask("\x16\x03\x01\x02 this is TLS\r\n\r\n").starts_with("HTTP/1.1 400 "));
}

TEST_F(AdminServerTest, ClosesAConnectionThatSaysNothing) {
  ServerOptions options;
  options.header_timeout = std::chrono::milliseconds(30);
  serve({false, "127.0.0.1", 0, ""}, options);
  tcp::socket silent = connect();
  EXPECT_EQ(rest_of(silent), "");
}

TEST_F(AdminServerTest, MakesRoomForAProbeAmongIdleConnections) {
  ServerOptions options;
  options.connections = 4;
  serve({false, "127.0.0.1", 0, ""}, options);
  std::vector<tcp::socket> idle;
  for (int i = 0; i < 4; ++i) idle.push_back(connect());
  EXPECT_TRUE(
      has(ask("GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"), "200 OK"));
  EXPECT_EQ(rest_of(idle.front()), "");  // the oldest had to go
}

TEST_F(AdminServerTest, SaysWhoseTheAddressIs) {
  serve();
  AdminServer second(io.get_executor(), state.source());
  const auto started = second.start({false, "127.0.0.1", server->port(), ""});
  ASSERT_FALSE(started);
  EXPECT_TRUE(has(started.error().what, fmt::format("127.0.0.1:{}", server->port())));
  EXPECT_TRUE(has(started.error().what, "another Forager"));
  EXPECT_TRUE(has(started.error().what, "FORAGER_ADMIN_LISTEN"));
}

TEST_F(AdminServerTest, IsSilentWhenOff) {
  serve({true, "", 0, ""});
  EXPECT_EQ(server->port(), 0);
  EXPECT_TRUE(server->addresses().empty());
}

TEST_F(AdminServerTest, StopsWithOpenConnections) {
  serve();
  tcp::socket idle = connect();
  asio::write(idle,
              asio::buffer(std::string_view("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")));
  char first = 0;
  asio::read(idle, asio::buffer(&first, 1));
  finish();
  EXPECT_EQ(server->open_connections(), 0U);
}

/// What healthcheck() answers and prints.
struct Checked {
  int code = -1;
  std::string line;
};
Checked check(const config::Listen& where, Probe probe) {
  char* text = nullptr;
  std::size_t size = 0;
  std::FILE* out = open_memstream(&text, &size);
  Checked checked;
  checked.code = healthcheck(where, probe, std::chrono::seconds(2), out);
  std::fclose(out);
  checked.line.assign(text, size);
  std::free(text);
  return checked;
}

TEST_F(AdminServerTest, IsHealthyForTheHealthcheck) {
  serve();
  const config::Listen where{false, "localhost", server->port(), ""};
  const Checked ready = check(where, Probe::ready);
  EXPECT_EQ(ready.code, 0);
  EXPECT_EQ(ready.line,
            fmt::format("ready: http://localhost:{}/readyz answered 200\n", server->port()));
  EXPECT_EQ(check({false, "0.0.0.0", server->port(), ""}, Probe::live).code, 0);
}

TEST_F(AdminServerTest, IsLiveButNotReadyWhileDraining) {
  state.phase = Phase::draining;
  serve();
  const config::Listen where{false, "127.0.0.1", server->port(), ""};
  EXPECT_EQ(check(where, Probe::live).code, 0);
  const Checked ready = check(where, Probe::ready);
  EXPECT_EQ(ready.code, 1);
  EXPECT_TRUE(has(ready.line, "answered 503 (not ready: draining)"));
}

TEST_F(AdminServerTest, ServesAUnixSocketAndRemovesIt) {
  const std::string path = testing::TempDir() + fmt::format("forager-admin-{}.sock", getpid());
  const config::Listen where{false, "", 0, path};
  serve(where);
  const Checked live = check(where, Probe::live);
  EXPECT_EQ(live.code, 0) << live.line;
  EXPECT_EQ(live.line, fmt::format("live: unix:{}/livez answered 200\n", path));
  AdminServer second(io.get_executor(), state.source());
  EXPECT_FALSE(second.start(where));
  finish();
  EXPECT_NE(access(path.c_str(), F_OK), 0);
  EXPECT_EQ(check(where, Probe::live).code, 1);
}

TEST(UnixSocket, OfADeadOwnerIsReplacedButAFileIsNot) {
  asio::io_context io;
  test::ASource state;
  const std::string path = testing::TempDir() + fmt::format("forager-stale-{}", getpid());
  {
    asio::local::stream_protocol::acceptor dead(io, asio::local::stream_protocol::endpoint(path));
  }
  ASSERT_EQ(access(path.c_str(), F_OK), 0);
  {
    AdminServer server(io.get_executor(), state.source());
    EXPECT_TRUE(server.start({false, "", 0, path}));
  }
  std::FILE* file = std::fopen(path.c_str(), "w");
  ASSERT_NE(file, nullptr);
  std::fclose(file);
  {
    AdminServer server(io.get_executor(), state.source());
    EXPECT_FALSE(server.start({false, "", 0, path}));
  }
  EXPECT_EQ(unlink(path.c_str()), 0);
}

TEST(Healthcheck, SaysWhatToLookAtWhenNobodyIsThere) {
  asio::io_context io;
  tcp::acceptor closed(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  const std::uint16_t port = closed.local_endpoint().port();
  closed.close();
  const Checked checked = check({false, "127.0.0.1", port, ""}, Probe::ready);
  EXPECT_EQ(checked.code, 1);
  EXPECT_EQ(checked.line, fmt::format("not ready: connection refused at 127.0.0.1:{}: is Forager "
                                      "running? FORAGER_ADMIN_LISTEN says where\n",
                                      port));
  EXPECT_EQ(check({true, "", 0, ""}, Probe::live).code, 1);
}

TEST(Healthcheck, DoesNotWaitForEverNorBelieveNonsense) {
  asio::io_context io;
  tcp::acceptor silent(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  const auto response = plain_exchange({"127.0.0.1", silent.local_endpoint().port(), {}}, {},
                                       std::chrono::milliseconds(50));
  ASSERT_FALSE(response);
  EXPECT_TRUE(has(response.error().what, "no answer in time at 127.0.0.1:"));

  std::thread babbler([&] {
    tcp::socket waiting = silent.accept();  // the one above, which has given up
    tcp::socket peer = silent.accept();
    char request[16];
    peer.read_some(asio::buffer(request));
    asio::write(peer, asio::buffer(std::string_view("SSH-2.0-OpenSSH\r\n\r\n")));
  });
  const auto second = plain_exchange({"127.0.0.1", silent.local_endpoint().port(), {}}, {},
                                     std::chrono::seconds(5));
  babbler.join();
  ASSERT_FALSE(second);
  EXPECT_TRUE(has(second.error().what, "does not speak HTTP") ||
              has(second.error().what, "closed"));
}

}  // namespace
}  // namespace forager::admin
