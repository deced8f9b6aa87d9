// A name server that never answers, by a getaddrinfo that waits until the test lets it go.
#include <atomic>
#include <dlfcn.h>
#include <netdb.h>

#include <gtest/gtest.h>

#include "client.h"
#include "support/tls_server.h"

namespace {

std::atomic<bool> name_server_answers = false;
std::atomic<int> lookups = 0;

}  // namespace

extern "C" int getaddrinfo(const char* node, const char* service, const addrinfo* hints,
                           addrinfo** result) {
  if (node != nullptr && std::string_view(node) == "hangs.test") {
    ++lookups;
    name_server_answers.wait(false);
    return EAI_AGAIN;
  }
  using Function = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
  static const auto real = reinterpret_cast<Function>(dlsym(RTLD_NEXT, "getaddrinfo"));
  return real(node, service, hints, result);
}

namespace forager::net {
namespace {

using Kind = TransportError::Kind;

TEST(Resolve, GivesUpInTimeAndSharesTheLookupThatHangs) {
  name_server_answers = false;
  Client client("http://hangs.test:1");
  for (int i = 0; i < 3; ++i) {
    const Answer answer = client.send(post("x"), milliseconds(30));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, Kind::timeout);
    EXPECT_NE(answer.error().what.find("while resolving hangs.test"), std::string::npos)
        << answer.error().what;
  }
  EXPECT_EQ(lookups, 1);
  std::optional<Answer> answer;
  client.start(post("x"), seconds(5), answer);
  name_server_answers = true;
  name_server_answers.notify_all();
  ASSERT_TRUE(client.run_until([&] { return answer.has_value(); }));
  EXPECT_EQ(answer->error().kind, Kind::resolve);
  const Answer anew = client.send(post("x"));
  EXPECT_EQ(anew.error().kind, Kind::resolve);
  EXPECT_EQ(lookups, 2);
}

TEST(Resolve, StopsAWaitingExchange) {
  name_server_answers = false;
  Client client("http://hangs.test:1");
  std::optional<Answer> answer;
  client.start(post("x"), seconds(5), answer);
  const int before = lookups;
  ASSERT_TRUE(client.run_until([&] { return lookups > before; }));
  client.transport().stop();
  ASSERT_TRUE(client.run_until([&] { return answer.has_value(); }));
  EXPECT_EQ(answer->error().kind, Kind::stopped);
  name_server_answers = true;
  name_server_answers.notify_all();
}

}  // namespace
}  // namespace forager::net
