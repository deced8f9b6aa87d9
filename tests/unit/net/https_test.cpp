#include "net/https.h"

#include <gtest/gtest.h>

#include "client.h"
#include "support/tls_server.h"

namespace forager::net {
namespace {

using test::Peer;
using test::Server;
using Kind = TransportError::Kind;

std::string url_of(const Server& server) {
  return "http://127.0.0.1:" + std::to_string(server.port());
}

void answer_all(Peer& peer) {
  while (!peer.read_request().empty()) peer.reply(200, "ok");
}

/// What one raw answer, followed by the connection's end, comes to.
Answer answer_to(const std::string& raw, HttpsSettings settings = {}) {
  Server server(nullptr, [&](Peer& peer) {
    peer.read_request();
    peer.write(raw);
  });
  ClientOptions options;
  options.settings = settings;
  Client client(url_of(server), options);
  return client.send(post("body"));
}

TEST(Https, SendsHeaderSecretsAndAllSlicesOfTheBody) {
  std::string seen;
  Server server(nullptr, [&](Peer& peer) {
    seen = peer.read_request();
    peer.reply(200, "", "X-Id: 7\r\n");
  });
  Client client(url_of(server) + "/base/");
  Request request = post("one,");
  request.body.push_back(Slice(std::string()));
  request.body.push_back(Slice(std::string("two,")));
  request.body.push_back(Slice(std::string(300'000, '3')));
  request.headers.push_back({"Content-Type", "application/x-protobuf"});
  request.headers.push_back({"Host", "signed.example"});
  request.secret_headers.emplace_back("x-honeycomb-team", Secret("hidden"));
  const Answer answer = client.send(std::move(request));
  ASSERT_TRUE(answer) << answer.error().what;
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->header("x-id"), "7");
  EXPECT_TRUE(seen.starts_with("POST /base/v1/traces HTTP/1.1\r\nHost: 127.0.0.1:"));
  EXPECT_NE(seen.find("\r\nContent-Length: 300008\r\n"), std::string::npos);
  EXPECT_NE(seen.find("\r\nx-honeycomb-team: hidden\r\n"), std::string::npos);
  EXPECT_EQ(seen.find("Accept-Encoding"), std::string::npos);
  EXPECT_EQ(seen.find("signed.example"), std::string::npos);
  EXPECT_TRUE(seen.ends_with("\r\n\r\none,two," + std::string(300'000, '3')));
}

TEST(Https, KeepsAConnectionForTheNextRequest) {
  Server server(nullptr, answer_all);
  Client client(url_of(server));
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(client.send(post("x")));
  EXPECT_EQ(server.connections(), 1);
  EXPECT_EQ(client.transport().counts().reused, 4U);
}

TEST(Https, OpensAConnectionForEachRequestThatRunsAtTheSameTime) {
  Server server(nullptr, answer_all);
  Client client(url_of(server));
  std::array<std::optional<Answer>, 3> answers;
  for (auto& answer : answers) client.start(post("x"), seconds(5), answer);
  ASSERT_TRUE(client.run_until([&] { return client.transport().idle() == 3; }));
  EXPECT_EQ(server.connections(), 3);
}

TEST(Https, RepeatsOnAFreshConnectionWhatAClosedOneNeverAnswered) {
  Server server(nullptr, [](Peer& peer) {
    peer.read_request();
    peer.reply(200);
    if (peer.number() == 0) {
      peer.read_request();  // the second request is read and never answered
      return;
    }
    answer_all(peer);
  });
  Client client(url_of(server));
  ASSERT_TRUE(client.send(post("first")));
  const Answer second = client.send(post("second"));
  ASSERT_TRUE(second) << second.error().what;
  EXPECT_EQ(client.transport().counts().stale, 1U);
  EXPECT_EQ(server.connections(), 2);
}

TEST(Https, RepeatsOnceAndNoMore) {
  Server server(nullptr, [](Peer& peer) {
    peer.read_request();
    if (peer.number() == 0) {
      peer.reply(200);
      peer.read_request();
    }
  });
  Client client(url_of(server));
  ASSERT_TRUE(client.send(post("first")));
  const Answer second = client.send(post("second"));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, Kind::reset);
  EXPECT_EQ(server.connections(), 2);
}

TEST(Https, DoesNotRepeatAnAnswerThatBroke) {
  Server server(nullptr, [](Peer& peer) {
    peer.read_request();
    peer.reply(200);
    peer.read_request();
    peer.write("HTTP/1.1 2");
  });
  Client client(url_of(server));
  ASSERT_TRUE(client.send(post("first")));
  const Answer second = client.send(post("second"));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, Kind::reset);
  EXPECT_EQ(server.connections(), 1);
}

TEST(Https, SeesThatAnIdleConnectionWasClosedBeforeItIsUsed) {
  Server server(nullptr, [](Peer& peer) {
    peer.read_request();
    peer.reply(200);
  });
  Client client(url_of(server));
  ASSERT_TRUE(client.send(post("first")));
  ASSERT_TRUE(client.send(post("second")));
  EXPECT_EQ(server.connections(), 2);
}

TEST(Https, ClosesConnectionsAtTheirIdleLimit) {
  Server server(nullptr, answer_all);
  ClientOptions options;
  options.settings.idle_limit = milliseconds(30);
  Client client(url_of(server), options);
  ASSERT_TRUE(client.send(post("x")));
  EXPECT_EQ(client.transport().idle(), 1U);
  EXPECT_TRUE(client.run_until([&] { return client.transport().idle() == 0; }));
}

TEST(Https, DoesNotUseAConnectionPastItsAge) {
  Server server(nullptr, answer_all);
  ClientOptions options;
  options.settings.age_limit = Duration::zero();
  Client client(url_of(server), options);
  ASSERT_TRUE(client.send(post("x")));
  ASSERT_TRUE(client.send(post("x")));
  EXPECT_EQ(server.connections(), 2);
}

TEST(Https, RefreshForgetsIdleConnectionsAndThoseInUse) {
  Server server(nullptr, answer_all);
  Client client(url_of(server));
  std::optional<Answer> answer;
  client.start(post("x"), seconds(5), answer);
  ASSERT_TRUE(client.run_until([&] { return server.connections() == 1; }));
  client.transport().refresh();
  ASSERT_TRUE(client.run_until([&] { return answer.has_value(); }));
  EXPECT_EQ(client.transport().idle(), 0U);
}

TEST(Https, ReturnsItsMemoryToTheBudget) {
  Budget budget(1U << 20U);
  {
    Server server(nullptr, answer_all);
    ClientOptions options;
    options.settings.budget = &budget;
    Client client(url_of(server), options);
    ASSERT_TRUE(client.send(post("x")));
    EXPECT_EQ(budget.used(), 64U << 10U);  // one idle connection
  }
  EXPECT_EQ(budget.used(), 0U);
}

TEST(Https, ReadsChunkedAnswers) {
  const Answer answer = answer_to(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: "
      "chunked\r\n\r\n3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n");
  ASSERT_TRUE(answer) << answer.error().what;
  EXPECT_EQ(answer->body, "abcdefg");
}

TEST(Https, ReadsAnAnswerThatEndsWithTheConnection) {
  const Answer answer = answer_to("HTTP/1.0 503 Busy\r\nRetry-After: 3\r\n\r\ncome back");
  ASSERT_TRUE(answer) << answer.error().what;
  EXPECT_EQ(answer->status, 503);
  EXPECT_EQ(answer->body, "come back");
  EXPECT_EQ(answer->header("retry-after"), "3");
}

TEST(Https, RefusesATruncatedBody) {
  const Answer answer = answer_to("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, Kind::reset);
}

TEST(Https, DoesNotKeepAConnectionWithBytesBehindTheAnswer) {
  Server server(nullptr, [](Peer& peer) {
    peer.read_request();
    peer.write("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef");
    peer.wait_closed();
  });
  Client client(url_of(server));
  const Answer answer = client.send(post("x"));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, "abc");
  EXPECT_EQ(client.transport().idle(), 0U);
}

TEST(Https, CutsAnAnswerThatIsTooLongAndKeepsItsStatus) {
  HttpsSettings settings;
  settings.response_limit = 1000;
  const Answer answer =
      answer_to("HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n" + std::string(5000, 'z'),
                settings);
  ASSERT_TRUE(answer) << answer.error().what;
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, std::string(1000, 'z'));
}

TEST(Https, CutsALongAnswerForWhichThereIsNoMemory) {
  Budget budget(200'000);
  HttpsSettings settings;
  settings.budget = &budget;
  const Answer answer = answer_to(
      "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + std::string(1'000'000, 'z'), settings);
  ASSERT_TRUE(answer) << answer.error().what;
  EXPECT_LT(answer->body.size(), 250'000U);
  EXPECT_EQ(budget.used(), 0U);
}

TEST(Https, RefusesAGiantHeader) {
  const Answer answer =
      answer_to("HTTP/1.1 200 OK\r\nX-Big: " + std::string(40'000, 'h') + "\r\n\r\n");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, Kind::protocol);
  EXPECT_NE(answer.error().what.find("over 32 KiB"), std::string::npos);
}

TEST(Https, RefusesWhatIsNotHttp) {
  const Answer answer = answer_to("SSH-2.0-OpenSSH_9.2\r\n\r\n");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, Kind::protocol);
}

TEST(Https, SkipsInterimAnswersAndNeverFollowsARedirect) {
  const Answer answer = answer_to(
      "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 302 Found\r\nLocation: "
      "http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
  ASSERT_TRUE(answer) << answer.error().what;
  EXPECT_EQ(answer->status, 302);
  EXPECT_FALSE(answer->header("link"));
}

TEST(Https, FindsTheRefusalOfABodyThatWasNotReadToItsEnd) {
  Server server(nullptr, [](Peer& peer) {
    peer.read_some();
    peer.reply(413, "too large", "Connection: close\r\n");
    peer.cut();  // unread bytes: the kernel sends RST behind the answer
  });
  Client client(url_of(server));
  const Answer answer = client.send(post(std::string(20'000'000, 'b')));
  ASSERT_TRUE(answer) << answer.error().what;
  EXPECT_EQ(answer->status, 413);
}

TEST(Https, RefusesALineBreakInAHeaderWithoutShowingTheValue) {
  Client client("http://127.0.0.1:9");
  Request request = post("x");
  request.secret_headers.emplace_back("x-key", Secret("abc\r\nHost: evil"));
  const Answer answer = client.send(std::move(request));
  ASSERT_FALSE(answer);
  EXPECT_NE(answer.error().what.find("x-key"), std::string::npos);
  EXPECT_EQ(answer.error().what.find("evil"), std::string::npos);
}

TEST(Https, SaysThatNobodyListens) {
  std::uint16_t port = 0;
  {
    Server gone(nullptr, answer_all);
    port = gone.port();
  }
  Client client("http://127.0.0.1:" + std::to_string(port));
  const Answer answer = client.send(post("x"));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, Kind::connect);
  EXPECT_NE(answer.error().what.find("127.0.0.1:" + std::to_string(port) + ": Connection refused"),
            std::string::npos)
      << answer.error().what;
}

TEST(Https, SaysThatANameDoesNotResolve) {
  const std::string host(70, 'a');  // a label over 63 characters: no name server is asked
  Client client("http://" + host);
  const Answer answer = client.send(post("x"));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, Kind::resolve);
  EXPECT_NE(answer.error().what.find("cannot resolve " + host), std::string::npos);
}

TEST(Https, StopEndsExchangesUnderWayAndRefusesNewOnes) {
  Server server(nullptr, [](Peer& peer) { peer.wait_closed(); });
  Client client(url_of(server));
  std::optional<Answer> answer;
  client.start(post("x"), seconds(30), answer);
  ASSERT_TRUE(client.run_until([&] { return server.connections() == 1; }));
  client.transport().stop();
  ASSERT_TRUE(client.run_until([&] { return answer.has_value(); }));
  ASSERT_FALSE(*answer);
  EXPECT_EQ(answer->error().kind, Kind::stopped);
  const Answer later = client.send(post("x"));
  ASSERT_FALSE(later);
  EXPECT_EQ(later.error().kind, Kind::stopped);
}

TEST(Https, TimesOutWhileConnecting) {
  // a listener whose queue is full: the kernel leaves further SYNs unanswered
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ::listen(listener, 0);
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  std::vector<int> fillers;
  for (int i = 0; i < 3; ++i) {
    fillers.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    ::connect(fillers.back(), reinterpret_cast<sockaddr*>(&address), size);
  }
  Client client("http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)));
  const Answer answer = client.send(post("x"), milliseconds(50));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, Kind::timeout);
  EXPECT_NE(answer.error().what.find("cannot connect to"), std::string::npos);
  for (const int fd : fillers) ::close(fd);
  ::close(listener);
}

TEST(Https, TimesOutWhileSending) {
  std::atomic<bool> over = false;
  Server stuck(nullptr, [&](Peer&) { over.wait(false); });
  Client client(url_of(stuck));
  const Answer answer = client.send(post(std::string(50'000'000, 'b')), milliseconds(100));
  over = true;
  over.notify_all();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, Kind::timeout);
  EXPECT_NE(answer.error().what.find("while sending"), std::string::npos) << answer.error().what;
}

TEST(Https, TimesOutWhileWaitingForTheAnswer) {
  Server server(nullptr, [](Peer& peer) { peer.wait_closed(); });
  Client client(url_of(server));
  const Answer answer = client.send(post("x"), milliseconds(50));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, Kind::timeout);
  EXPECT_NE(answer.error().what.find("while waiting"), std::string::npos) << answer.error().what;
}

TEST(Https, TimesOutWhileReadingTheAnswer) {
  Server server(nullptr, [](Peer& peer) {
    peer.read_request();
    peer.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
    peer.wait_closed();
  });
  Client client(url_of(server));
  const Answer answer = client.send(post("x"), milliseconds(50));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, Kind::timeout);
  EXPECT_NE(answer.error().what.find("while reading"), std::string::npos) << answer.error().what;
}

}  // namespace
}  // namespace forager::net
