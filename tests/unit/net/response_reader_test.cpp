#include "net/response_reader.h"

#include <gtest/gtest.h>

namespace forager::net {
namespace {

using Kind = ResponseReader::Kind;

TEST(ResponseReader, GivesTheSameAnswerWhereverTheBytesAreCut) {
  const std::string raw =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: 1\r\n\r\n"
      "5\r\nhello\r\n6;ext\r\n world\r\n0\r\n\r\n";
  for (std::size_t cut = 0; cut <= raw.size(); ++cut) {
    ResponseReader reader(Kind::exchange, 100);
    ASSERT_FALSE(reader.feed(raw.substr(0, cut)));
    ASSERT_FALSE(reader.feed(raw.substr(cut)));
    ASSERT_TRUE(reader.done()) << cut;
    EXPECT_TRUE(reader.reusable());
    const Response response = reader.take();
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, "hello world");
    EXPECT_EQ(response.header("x-a"), "1");
  }
}

TEST(ResponseReader, TakesItByteByByte) {
  const std::string raw = "HTTP/1.1 204 No Content\r\nX: y\r\n\r\n";
  ResponseReader reader(Kind::exchange, 100);
  for (const char c : raw) {
    EXPECT_FALSE(reader.done());
    ASSERT_FALSE(reader.feed(std::string_view(&c, 1)));
  }
  EXPECT_TRUE(reader.done());
  EXPECT_EQ(reader.take().status, 204);
}

TEST(ResponseReader, KnowsWhenAConnectionIsNotToBeUsedAgain) {
  for (const char* const raw : {"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
                                "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
                                "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200"}) {
    ResponseReader reader(Kind::exchange, 100);
    ASSERT_FALSE(reader.feed(raw));
    EXPECT_TRUE(reader.done());
    EXPECT_FALSE(reader.reusable()) << raw;
  }
}

TEST(ResponseReader, HasALimitForEverything) {
  ResponseReader endless_header(Kind::exchange, 100);
  std::optional<Fault> refused = endless_header.feed("HTTP/1.1 200 OK\r\n");
  for (int i = 0; i < 1000 && !refused; ++i)
    refused = endless_header.feed("X-A: " + std::string(60, 'b') + "\r\n");
  EXPECT_TRUE(refused);

  ResponseReader interim(Kind::exchange, 100);
  refused.reset();
  for (int i = 0; i < 100 && !refused; ++i)
    refused = interim.feed("HTTP/1.1 102 Processing\r\n\r\n");
  EXPECT_TRUE(refused);

  ResponseReader body(Kind::exchange, 100);
  ASSERT_FALSE(body.feed("HTTP/1.1 200 OK\r\n\r\n" + std::string(99, 'x')));
  EXPECT_FALSE(body.done());
  ASSERT_FALSE(body.feed("xyz"));
  EXPECT_TRUE(body.done());
  EXPECT_FALSE(body.reusable());
  EXPECT_EQ(body.take().body, std::string(99, 'x') + "x");
}

TEST(ResponseReader, RefusesAmbiguousLengthsAndUnaskedProtocols) {
  for (const char* const raw :
       {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\n\r\n", "HTTP/2 200\r\n\r\n",
        "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}) {
    ResponseReader reader(Kind::exchange, 100);
    EXPECT_TRUE(reader.feed(raw)) << raw;
  }
}

TEST(ResponseReader, KnowsACutAnswerFromOneThatEndsWithTheConnection) {
  for (const char* const raw :
       {"", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"}) {
    ResponseReader reader(Kind::exchange, 100);
    ASSERT_FALSE(reader.feed(raw));
    EXPECT_FALSE(reader.close()) << raw;
  }
  ResponseReader open(Kind::exchange, 100);
  ASSERT_FALSE(open.feed("HTTP/1.1 200 OK\r\n\r\nabc"));
  EXPECT_TRUE(open.close());
  EXPECT_EQ(open.take().body, "abc");
}

TEST(ResponseReader, OfConnectReadsNoBody) {
  ResponseReader reader(Kind::connect, 0);
  ASSERT_FALSE(reader.feed("HTTP/1.1 200 Connection established\r\nContent-Length: 5\r\n\r\n"));
  EXPECT_TRUE(reader.done());
}

}  // namespace
}  // namespace forager::net
