#include "hive/hive.h"

#include <fcntl.h>
#include <random>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "demo/encode.h"
#include "hive/terminal.h"
#include "unit/hive/bodies.h"

namespace forager::hive {
namespace {

using namespace forager::test;  // NOLINT: a test reads better without the prefix

/// A hive whose lines end up in `shown`, without their clock.
class HiveTest : public testing::Test {
 protected:
  HiveTest() {
    HiveOptions options;
    options.sink = [this](std::string_view line) {
      shown.emplace_back(line.substr(9));
      return true;
    };
    auto charge = budget.take(HiveTransport::memory(options));
    hive.emplace(io.get_executor(), std::move(options), std::move(*charge));
  }
  static net::Request request(std::string target, std::string body) {
    net::Request made;
    made.target = std::move(target);
    made.body = Chain(Slice(std::move(body)));
    return made;
  }
  net::Response send(net::Request made) {
    net::Response response;
    boost::asio::co_spawn(io, hive->send(std::move(made), std::chrono::seconds(1)),
                          [&](std::exception_ptr error, net::Answer answer) {
                            ASSERT_FALSE(error);
                            response = std::move(*answer);
                          });
    io.restart();
    while (response.status == 0 && io.run_one() != 0) {
    }
    return response;
  }
  boost::asio::io_context io{1};
  Budget budget{64U << 20U};
  std::vector<std::string> shown;
  std::optional<HiveTransport> hive;
};

TEST_F(HiveTest, TakesARequestAndShowsItOnceItsTraceIsQuiet) {
  const net::Response response = send(request(
      "/v1/traces", wire_request("checkout", {wire_span({}), wire_span({.parent_id = "p"})})));
  EXPECT_EQ(response.status, 200);
  EXPECT_TRUE(response.body.empty());
  EXPECT_TRUE(shown.empty());
  io.restart();
  io.run();  // until the timer has nothing left to wait for
  ASSERT_EQ(shown.size(), 1U);
  EXPECT_EQ(shown[0], "checkout  GET /cart  182 ms  2 spans  trace 74747474...\n");
}

TEST_F(HiveTest, ListsWhatItTookAsOtlpJson) {
  send(request("/v1/logs", wire_request("pay", {wire_log(17, "declined")})));
  ASSERT_EQ(shown.size(), 1U);
  EXPECT_EQ(shown[0], "pay  ERROR  declined  trace 74747474...\n");
  const auto json = hive->recent_json("limit=1");
  ASSERT_TRUE(json);
  EXPECT_NE(json->find("\"signal\":\"logs\",\"items\":1"), std::string::npos);
  EXPECT_NE(json->find("\"services\":[\"pay\"]"), std::string::npos);
  EXPECT_NE(json->find("\"stringValue\":\"declined\""), std::string::npos);
  EXPECT_FALSE(hive->recent_json("limit=none"));
}

TEST_F(HiveTest, TellsTheDemoInAFewLines) {
  std::mt19937_64 random(7);
  const demo::DemoRequests made = demo::make_demo(WallTime(std::chrono::hours(500'000)), random);
  EXPECT_EQ(send(request("/v1/traces", made.traces)).status, 200);
  EXPECT_EQ(send(request("/v1/logs", made.logs)).status, 200);
  EXPECT_EQ(send(request("/v1/metrics", made.metrics)).status, 200);
  hive->flush();
  ASSERT_EQ(shown.size(), 4U);
  EXPECT_NE(shown[0].find("payments  ERROR  card gateway timed out"), std::string::npos);
  EXPECT_EQ(shown[1], "web-frontend, checkout, payments  5 log records\n");
  EXPECT_EQ(shown[2],
            "web-frontend, checkout  5 data points of 3 metrics: http.server.request.duration, "
            "checkout.orders, checkout.carts.open\n");
  EXPECT_EQ(shown[3].find("web-frontend  POST /cart/checkout  "), 0U);
  EXPECT_NE(shown[3].find("12 spans, 3 services, 7 errors  trace " + made.trace_id.substr(0, 8)),
            std::string::npos);
}

TEST_F(HiveTest, ShowsABatchAsTheRequestsItWasMergedFrom) {
  const std::string one = wire_request("a", {wire_log(9, "x")});
  const std::string two = wire_request("b", {wire_log(9, "y"), wire_log(9, "z")});
  net::Request merged = request("/v1/logs", one);
  merged.body.push_back(Slice(two));
  EXPECT_EQ(send(std::move(merged)).status, 200);
  EXPECT_EQ(shown, (std::vector<std::string>{"a  1 log record\n", "b  2 log records\n"}));

  shown.clear();
  net::Request cut = request("/v1/logs", one.substr(0, 5));  // slices that end within a field
  cut.body.push_back(Slice(one.substr(5) + two));
  EXPECT_EQ(send(std::move(cut)).status, 200);
  EXPECT_EQ(shown, (std::vector<std::string>{"a, b  3 log records\n"}));
}

TEST_F(HiveTest, SaysWhyItDoesNotTakeSomething) {
  EXPECT_EQ(send(request("/v1/profiles", "")).status, 404);
  EXPECT_EQ(send(request("/v1/traces", "\x0a\xff")).status, 400);
  net::Request compressed = request("/v1/traces", "x");
  compressed.headers.push_back({"content-encoding", "gzip"});
  EXPECT_EQ(send(std::move(compressed)).status, 415);
  EXPECT_EQ(*hive->recent_json(""), "[]");
}

TEST_F(HiveTest, MayGoWhileItsTimerRuns) {
  send(request("/v1/traces", wire_request("a", {wire_span({})})));
  hive.reset();
  io.restart();
  io.run();
  EXPECT_TRUE(shown.empty());
  EXPECT_EQ(budget.used(), 0U);
}

TEST(Terminal, NeverWaitsForAFullPipe) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const Terminal terminal(ends[1]);
  const std::string line = std::string(1'000, 'x') + "\n";
  int written = 0;
  while (terminal.write_line(line)) ASSERT_LT(++written, 10'000);
  EXPECT_GT(written, 10);
  EXPECT_FALSE(terminal.is_terminal());
  close(ends[0]);
  EXPECT_TRUE(terminal.write_line(line));  // nobody reads any more: no wait, and no SIGPIPE
  close(ends[1]);
}

}  // namespace
}  // namespace forager::hive
