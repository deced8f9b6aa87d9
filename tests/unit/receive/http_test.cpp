// What is answered to what, over real sockets: every row of PROTOCOLS 1.4 and the inputs that
// aren't as they should be.
#include <gtest/gtest.h>

#include "unit/receive/http_world.h"

namespace forager::receive {
namespace {

using Kind = admit::Refused::Kind;

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(Http, AnswersFullSuccessInTheEncodingOfTheRequest) {
  World world;
  Client client(world.port());
  const Answer protobuf = client.ask(post("abc"));
  EXPECT_EQ(protobuf.status, 200);
  EXPECT_EQ(protobuf.field("Content-Type"), "application/x-protobuf");
  EXPECT_EQ(protobuf.field("Content-Length"), "0");
  const Answer json = client.ask(post("{}", "", "/v1/logs", "application/json; charset=utf-8"));
  EXPECT_EQ(json.status, 200);
  EXPECT_EQ(json.field("Content-Type"), "application/json");
  EXPECT_EQ(json.body, "{}");
  const auto got = world.on_io([&] { return world.door.got; });
  ASSERT_EQ(got.size(), 2U);
  EXPECT_EQ(got[0].signal, Signal::traces);
  EXPECT_EQ(got[0].body, "abc");
  EXPECT_EQ(got[0].charged, 3U);
  EXPECT_EQ(got[0].encoding, otlp::Encoding::protobuf);
  EXPECT_EQ(got[1].signal, Signal::logs);
  EXPECT_EQ(got[1].encoding, otlp::Encoding::json);
}

TEST(Http, LeavesRoomInFrontOfABodyAndChargesIt) {
  World world;
  world.on_io([&] { return world.door.room_in_front = 300; });
  Client client(world.port());
  const std::string large(500'000, 'x');  // read in several steps
  EXPECT_EQ(client.ask(post("abc")).status, 200);
  EXPECT_EQ(client.ask(post(large)).status, 200);
  const auto got = world.on_io([&] { return world.door.got; });
  ASSERT_EQ(got.size(), 2U);
  EXPECT_EQ(got[0].body, "abc");
  EXPECT_EQ(got[1].body, large);
  for (const auto& one : got) {
    EXPECT_EQ(one.headroom, 300U);
    EXPECT_EQ(one.charged, one.body.size() + 300);
  }
}

TEST(Http, HandsInCodingKeyAndDataset) {
  World world;
  Client client(world.port());
  EXPECT_EQ(
      client
          .ask(post(
              "x", "content-encoding: GZIP\r\nX-Honeycomb-Team: k1\r\nx-honeycomb-DATASET: d1\r\n"))
          .status,
      200);
  EXPECT_EQ(client.ask(post("x", "Content-Encoding: identity\r\n")).status, 200);
  EXPECT_EQ(client.ask(post("")).status, 200);
  const auto got = world.on_io([&] { return world.door.got; });
  ASSERT_EQ(got.size(), 3U);
  EXPECT_EQ(got[0].coding, ContentCoding::gzip);
  EXPECT_EQ(got[0].key, "k1");
  EXPECT_EQ(got[0].dataset, "d1");
  EXPECT_EQ(got[1].coding, ContentCoding::identity);
  EXPECT_EQ(got[1].key, "-");
  EXPECT_EQ(got[2].body, "");
}

TEST(Http, AnswersAWarningAsPartialSuccess) {
  World world;
  world.on_io([&] {
    world.door.outcome = admit::Accepted{"bad"};
    return 0;
  });
  Client client(world.port());
  EXPECT_EQ(client.ask(post("x")).body, std::string("\x0a\x05\x12\x03"
                                                    "bad",
                                                    7));
  EXPECT_TRUE(contains(client.ask(post("{}", "", "/v1/logs", "application/json")).body,
                       "\"errorMessage\":\"bad\""));
}

TEST(Http, TurnsARefusalIntoItsStatusAndItsWords) {
  struct Case {
    Kind kind;
    int status;
    int code;
    bool later;
  };
  const Case cases[] = {{Kind::malformed, 400, 3, false},
                        {Kind::unauthenticated, 401, 16, false},
                        {Kind::too_large, 413, 8, false},
                        {Kind::busy, 429, 8, true},
                        {Kind::unavailable, 503, 14, true}};
  World world;
  Client client(world.port());
  for (const Case& c : cases) {
    world.on_io([&] {
      admit::Refused refused{c.kind, "why not", {}};
      if (c.later) refused.retry_after = std::chrono::seconds(7);
      world.door.outcome = refused;
      return 0;
    });
    const Answer json = client.ask(post("{}", "", "/v1/metrics", "application/json"));
    EXPECT_EQ(json.status, c.status);
    EXPECT_EQ(json.field("Content-Type"), "application/json");
    EXPECT_EQ(json.field("Retry-After"), c.later ? "7" : "");
    EXPECT_TRUE(contains(json.body, "\"message\":\"why not\"")) << json.body;
    EXPECT_TRUE(contains(json.body, "\"code\":" + std::to_string(c.code))) << json.body;
    const Answer protobuf = client.ask(post("x"));
    EXPECT_EQ(protobuf.status, c.status);
    EXPECT_EQ(protobuf.field("Content-Type"), "application/x-protobuf");
    EXPECT_TRUE(protobuf.body.starts_with(
        std::string{'\x08', static_cast<char>(c.code), '\x12', '\x07'} + "why not"));
  }
}

struct Row {
  const char* what;
  std::string request;
  int status;
  const char* says;
  bool goes_on;  ///< the connection is good for another request
};

class HttpRefuses : public testing::TestWithParam<Row> {};

TEST_P(HttpRefuses, WithStatusAndWordsAndThenGoesOnOrCloses) {
  World world;
  world.on_io([&] {
    world.door.limit = 100'000;
    return 0;
  });
  Client client(world.port());
  const Row& row = GetParam();
  const Answer answer = client.ask(row.request);
  EXPECT_EQ(answer.status, row.status);
  EXPECT_TRUE(contains(answer.body, row.says)) << answer.body;
  EXPECT_EQ(answer.field("Connection"), row.goes_on ? "" : "close");
  EXPECT_EQ(world.on_io([&] { return world.door.got.size(); }), 0U);
  EXPECT_EQ(world.on_io([&] { return world.receiver->counters().answers; }),
            (std::map<int, std::uint64_t>{{row.status, 1U}}));
  if (row.goes_on) {
    EXPECT_EQ(client.ask(post("abc")).status, 200);
  } else {
    EXPECT_EQ(client.answer().status, 0);
    EXPECT_TRUE(client.ended());
  }
}

const Row rows[] = {
    {"UnknownPath", post("abc", "", "/nope"), 404, "/v1/traces, /v1/metrics or /v1/logs", true},
    {"RootByGet", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 404, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
     true},
    {"RootByPost", post("abc", "", "/"), 404, "give it the path too", true},
    {"Singular", post("abc", "", "/v1/trace"), 404, "did you mean /v1/traces?", true},
    {"Get", "GET /v1/traces HTTP/1.1\r\nHost: x\r\n\r\n", 405, "POST only", true},
    {"Put", "PUT /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", 405, "POST only",
     true},
    {"OptionsWithoutCors",
     "OPTIONS /v1/traces HTTP/1.1\r\nOrigin: http://a\r\nAccess-Control-Request-Method: "
     "POST\r\n\r\n",
     405, "POST only", true},
    {"NoContentType", post("abc", "", "/v1/traces", ""), 415, "there is no Content-Type", true},
    {"OtherContentType", post("abc", "", "/v1/traces", "text/plain"), 415,
     "application/x-protobuf or application/json", true},
    {"OtherCoding", post("abc", "Content-Encoding: br\r\n"), 415, "gzip, zstd, deflate or none",
     true},
    {"TwoCodings", post("abc", "Content-Encoding: gzip\r\nContent-Encoding: gzip\r\n"), 415,
     "Content-Encoding", true},
    {"NoLength", "POST /v1/traces HTTP/1.1\r\nContent-Type: application/json\r\n\r\n", 411,
     "Content-Length", true},
    {"OtherExpectation", post("", "Expect: miracles\r\n"), 417, "100-continue", true},
    {"OtherTransferEncoding",
     "POST /v1/traces HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: gzip, "
     "chunked\r\n\r\n",
     501, "chunked", false},
    {"TooLargeAnnounced",
     "POST /v1/traces HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: "
     "4000000000\r\n\r\n",
     413, "the limit is 100000", false},
    {"TooLargeHere", post(std::string(100'001, 'x'), "", "/v1/traces", "application/json"), 413,
     "the limit is 100000", true},
    {"BadRequestLine", "HELLO\r\n\r\n", 400, "not an HTTP/1.1 request", false},
    {"BadField", "POST /v1/traces HTTP/1.1\r\nno colon here\r\n\r\n", 400,
     "not an HTTP/1.1 request", false},
    {"LengthAndChunks",
     "POST /v1/traces HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: "
     "3\r\nTransfer-Encoding: chunked\r\n\r\n"
     "0\r\n\r\n",
     400, "not an HTTP/1.1 request", false},
    {"TwoLengths", "POST /v1/traces HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
     400, "not an HTTP/1.1", false},
    {"NegativeLength", "POST /v1/traces HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400,
     "not an HTTP/1.1 request", false},
    {"Http2Preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "gRPC is on port 4317", false},
    {"TlsHello", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11), 400,
     "http:// instead of https://", false},
    {"HeaderFlood", "POST /v1/traces HTTP/1.1\r\nX: " + std::string(40'000, 'a') + "\r\n\r\n", 431,
     "16384", false},
    {"ManyFields",
     [] {
       std::string text = "POST /v1/traces HTTP/1.1\r\n";
       for (int i = 0; i < 4000; ++i) text += "X" + std::to_string(i) + ": y\r\n";
       return text + "\r\n";
     }(),
     431, "16384", false},
    {"LongTarget", "POST /" + std::string(40'000, 'a') + " HTTP/1.1\r\n\r\n", 431, "16384", false},
    {"BadChunk",
     "POST /v1/traces HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: "
     "chunked\r\n\r\nxyz\r\n",
     400, "chunks", false},
    {"ChunkExtensionFlood",
     "POST /v1/traces HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: "
     "chunked\r\n\r\n3;" +
         std::string(40'000, 'a'),
     400, "chunks", false},
    {"ChunksOverTheLimit",
     "POST /v1/traces HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: "
     "chunked\r\n\r\n186a1\r\n" +
         std::string(100'001, 'x') + "\r\n0\r\n\r\n",
     413, "more than 100000 bytes", false},
};
INSTANTIATE_TEST_SUITE_P(Rows, HttpRefuses, testing::ValuesIn(rows),
                         [](const auto& row) { return row.param.what; });

TEST(Http, NamesWhatItTakesWhereTheStandardAsksForIt) {
  World world;
  Client client(world.port());
  EXPECT_EQ(client.ask("GET /v1/traces HTTP/1.1\r\n\r\n").field("Allow"), "POST");
  EXPECT_EQ(client.ask(post("x", "", "/v1/traces", "a/b")).field("Accept"),
            "application/x-protobuf, application/json");
  EXPECT_EQ(client.ask(post("x", "Content-Encoding: br\r\n")).field("Accept-Encoding"),
            "gzip, zstd, deflate");
}

TEST(Http, BooksWhatItRefusesOfAnAppsTelemetry) {
  World world;
  Client client(world.port());
  client.ask(post("x", "", "/v1/traces", "a/b"));
  client.ask(post("x", "Content-Encoding: br\r\n"));
  client.ask(post(std::string((1U << 20U) + 1, 'x')));
  client.ask(post("x", "", "/nope"));  // no signal, no telemetry
  const auto booked = world.on_io([&] { return world.door.booked; });
  EXPECT_EQ(booked, (std::vector{ledger::Reason::unsupported_media_type,
                                 ledger::Reason::unsupported_encoding, ledger::Reason::too_large}));
}

TEST(Http, SendsNoBodyToHead) {
  World world;
  Client client(world.port());
  client.send("HEAD /v1/traces HTTP/1.1\r\n\r\n");
  const Answer answer = client.answer(true);
  EXPECT_EQ(answer.status, 405);
  EXPECT_EQ(client.ask(post("x")).status, 200);
}

TEST(Http, ReadsABodyThatComesInPieces) {
  World world;
  const std::string body(300'000, 'b');
  const std::string request = post(body);
  Client client(world.port());
  for (std::size_t at = 0; at < request.size(); at += 7'919) client.send(request.substr(at, 7'919));
  EXPECT_EQ(client.answer().status, 200);
  EXPECT_TRUE(world.on_io([&] { return world.door.got.at(0).body; }) == body);
}

TEST(Http, ReadsAHeaderThatComesByteByByte) {
  World world;
  Client client(world.port());
  for (const char c : post("abc")) client.send({&c, 1});
  EXPECT_EQ(client.answer().status, 200);
  EXPECT_EQ(world.on_io([&] { return world.door.got.at(0).body; }), "abc");
}

std::string chunked(const std::string& body, std::size_t size,
                    std::string_view last = "0\r\n\r\n") {
  std::string request =
      "POST /v1/traces HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: "
      "chunked\r\n\r\n";
  for (std::size_t at = 0; at < body.size(); at += size) {
    const std::string chunk = body.substr(at, size);
    char length[32];
    std::snprintf(length, sizeof length, "%zx\r\n", chunk.size());
    request += length + chunk + "\r\n";
  }
  return request + std::string(last);
}

TEST(Http, ReadsChunksOfAnySizeAndIgnoresTrailers) {
  World world;
  std::string body;
  for (int i = 0; i < 30'000; ++i) body += std::to_string(i);
  Client client(world.port());
  for (const std::size_t size :
       {std::size_t{1'000'000}, std::size_t{65'536}, std::size_t{4'099}, std::size_t{61}}) {
    EXPECT_EQ(client.ask(chunked(body, size)).status, 200) << size;
    EXPECT_TRUE(world.on_io([&] { return world.door.got.back().body; }) == body) << size;
  }
  EXPECT_EQ(client.ask(chunked("", 10)).status, 200);
  EXPECT_EQ(client.ask(chunked("abc", 10, "0\r\nX-Honeycomb-Team: sneaky\r\n\r\n")).status, 200);
  EXPECT_EQ(world.on_io([&] { return world.door.got.back().key; }), "-");
  const std::string slow = chunked("slowly, slowly", 3);
  for (const char c : slow) client.send({&c, 1});
  EXPECT_EQ(client.answer().status, 200);
  EXPECT_EQ(world.on_io([&] { return world.door.got.back().body; }), "slowly, slowly");
  EXPECT_EQ(client.ask(post("then a plain one")).status, 200);
}

TEST(Http, ServesPipelinedRequestsInOrder) {
  World world;
  Client client(world.port());
  client.send(post("one") + post("{}", "", "/v1/logs", "application/json") + chunked("three", 2) +
              "\r\n" + post("x", "", "/nope") + post("five"));
  EXPECT_EQ(client.answer().field("Content-Type"), "application/x-protobuf");
  EXPECT_EQ(client.answer().body, "{}");
  EXPECT_EQ(client.answer().status, 200);
  EXPECT_EQ(client.answer().status, 404);
  EXPECT_EQ(client.answer().status, 200);
  const auto got = world.on_io([&] { return world.door.got; });
  ASSERT_EQ(got.size(), 4U);
  EXPECT_EQ(got[2].body, "three");
  EXPECT_EQ(got[3].body, "five");
}

TEST(Http, SaysContinueOnlyWhenItWillReadTheBody) {
  World world;
  Client client(world.port());
  client.send(
      "POST /v1/traces HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 3\r\nExpect: "
      "100-continue\r\n\r\n");
  EXPECT_EQ(client.answer().status, 100);
  EXPECT_EQ(client.ask("abc").status, 200);
  Client large(world.port());
  EXPECT_EQ(large
                .ask("POST /v1/traces HTTP/1.1\r\nContent-Type: "
                     "application/json\r\nContent-Length: 99999999\r\n"
                     "Expect: 100-continue\r\n\r\n")
                .status,
            413);
  EXPECT_TRUE(large.ended());
  Client streaming(world.port());
  streaming.send(
      "POST /v1/traces HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
      "Expect: 100-continue\r\n\r\n");
  EXPECT_EQ(streaming.answer().status, 100);
  EXPECT_EQ(streaming.ask("3\r\nabc\r\n0\r\n\r\n").status, 200);
}

TEST(Http, LetsTheSenderOfATooLargeBodySeeTheAnswer) {
  World world;
  Client client(world.port());
  // more than the socket buffers hold: without somebody who reads, this send would end in a reset
  EXPECT_TRUE(client.send(post(std::string(20U << 20U, 'x'))));
  EXPECT_EQ(client.answer().status, 413);
}

TEST(Http, AnswersBusyWithoutMemoryAndKeepsTheConnection) {
  World world;
  world.on_io([&] {
    world.door.limit = 100U << 20U;
    return 0;
  });
  Client client(world.port());
  EXPECT_EQ(client.ask(post("abc")).status, 200);
  const auto held = world.on_io([&] {
    return std::make_shared<Budget::Charge>(*world.door.room(world.door.budget.left() - 10));
  });
  const Answer answer = client.ask(post(std::string(5000, 'x')));
  EXPECT_EQ(answer.status, 429);
  EXPECT_EQ(answer.field("Retry-After"), "7");
  EXPECT_EQ(client.ask(chunked(std::string(5000, 'x'), 100)).status, 429);
  EXPECT_TRUE(client.ended());
  EXPECT_EQ(world.on_io([&] { return world.door.turned_away; }),
            (std::vector{Kind::busy, Kind::busy}));
  world.on_io([&] {
    held->release();
    return 0;
  });
  Client again(world.port());
  EXPECT_EQ(again.ask(post(std::string(5000, 'x'))).status, 200);
}

TEST(Http, CountsAnUploadThatEndsTooEarly) {
  World world;
  const auto lying = [](std::string_view body) {
    return "POST /v1/traces HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: "
           "100\r\n\r\n" +
           std::string(body);
  };
  Client half(world.port());
  half.send(lying("only this"));
  half.half_close();
  const Answer answer = half.answer();
  EXPECT_EQ(answer.status, 400);
  EXPECT_TRUE(contains(answer.body, "ended after 9 bytes"));
  Client gone(world.port());
  gone.send(lying("x"));
  EXPECT_TRUE(world.eventually([&] { return world.receiver->counters().requests == 2; }));
  gone.reset();
  EXPECT_TRUE(world.eventually([&] { return world.receiver->counters().aborted_uploads == 2; }));
  Client chunks(world.port());
  chunks.send(
      "POST /v1/traces HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: "
      "chunked\r\n\r\n5\r\nab");
  chunks.half_close();
  EXPECT_EQ(chunks.answer().status, 400);
  EXPECT_TRUE(world.eventually([&] { return world.receiver->counters().aborted_uploads == 3; }));
  EXPECT_EQ(world.on_io([&] { return world.door.booked; }),
            std::vector(3, ledger::Reason::aborted_upload));
  EXPECT_TRUE(world.eventually([&] { return world.receiver->open_requests() == 0; }));
  EXPECT_EQ(world.on_io([&] { return world.door.got.size(); }), 0U);
}

TEST(Http, ReturnsAllMemoryWhenConnectionsAreGone) {
  World world;
  {
    Client a(world.port());
    Client b(world.port());
    a.ask(post("abc"));
    b.ask(chunked(std::string(50'000, 'x'), 1000));
    EXPECT_EQ(world.on_io([&] { return world.door.budget.used(); }), 2U * 8192U);
  }
  EXPECT_TRUE(world.eventually(
      [&] { return world.door.budget.used() == 0 && world.receiver->open_connections() == 0; }));
}

TEST(Http, ChargesALongHeaderAsLongAsItIsThere) {
  World world;
  Client client(world.port());
  const std::string long_header = "POST /v1/traces HTTP/1.1\r\nX: " + std::string(13'000, 'a');
  client.send(long_header);
  EXPECT_TRUE(world.eventually([&] { return world.door.budget.used() > 8192U + 13'000U; }));
  client.send("\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
  EXPECT_EQ(client.answer().status, 200);
  EXPECT_TRUE(world.eventually([&] { return world.door.budget.used() == 8192U; }));
}

TEST(Http, SpeaksHttp10) {
  World world;
  Client once(world.port());
  const std::string request =
      "POST /v1/traces HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: 2\r\n";
  EXPECT_EQ(once.ask(request + "\r\n{}").field("Connection"), "close");
  EXPECT_TRUE(once.ended());
  Client kept(world.port());
  EXPECT_EQ(kept.ask(request + "Connection: keep-alive\r\n\r\n{}").field("Connection"),
            "keep-alive");
  EXPECT_EQ(kept.ask(request + "Connection: keep-alive\r\n\r\n{}").status, 200);
}

TEST(Http, ClosesWhenAskedTo) {
  World world;
  Client client(world.port());
  EXPECT_EQ(client.ask(post("abc", "Connection: close\r\n")).field("Connection"), "close");
  EXPECT_TRUE(client.ended());
}

TEST(Http, LetsConfiguredOriginsIn) {
  HttpSettings settings;
  settings.cors_origins = {"https://shop.example"};
  World world(settings);
  Client client(world.port());
  const std::string preflight =
      "OPTIONS /v1/traces HTTP/1.1\r\nAccess-Control-Request-Method: POST\r\n"
      "Access-Control-Request-Headers: content-type,x-custom\r\nOrigin: ";
  const Answer yes = client.ask(preflight + "https://shop.example\r\n\r\n");
  EXPECT_EQ(yes.status, 204);
  EXPECT_EQ(yes.field("Access-Control-Allow-Origin"), "https://shop.example");
  EXPECT_EQ(yes.field("Access-Control-Allow-Methods"), "POST");
  EXPECT_EQ(yes.field("Access-Control-Allow-Headers"), "content-type,x-custom");
  EXPECT_EQ(yes.field("Vary"), "Origin");
  const Answer no = client.ask(preflight + "https://evil.example\r\n\r\n");
  EXPECT_EQ(no.status, 405);
  EXPECT_EQ(no.field("Access-Control-Allow-Origin"), "");
  EXPECT_EQ(no.field("Allow"), "POST, OPTIONS");
  const Answer sent =
      client.ask(post("{}", "Origin: https://shop.example\r\n", "/v1/traces", "application/json"));
  EXPECT_EQ(sent.status, 200);
  EXPECT_EQ(sent.body, "{}");
  EXPECT_EQ(sent.field("Access-Control-Allow-Origin"), "https://shop.example");
}

}  // namespace
}  // namespace forager::receive
