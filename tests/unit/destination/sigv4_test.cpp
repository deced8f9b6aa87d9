#include "destination/sigv4.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace forager::destination {
namespace {

using namespace std::chrono_literals;

// The keys and the time of the published examples; they open nothing.
const AwsKeys example{"AKIDEXAMPLE", Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), Secret()};
constexpr WallTime then =
    std::chrono::sys_days(std::chrono::year(2015) / 8 / 30) + 12h + 36min;  // 20150830T123600Z

std::vector<std::string> values(const net::Request& request, std::string_view name) {
  std::vector<std::string> found;
  for (const auto& h : request.headers) {
    if (h.name == name) found.push_back(h.value);
  }
  for (const auto& [n, value] : request.secret_headers) {
    if (n == name) found.emplace_back(value.reveal());
  }
  return found;
}

std::string signature(const net::Request& request) {
  const std::string all = values(request, "Authorization").at(0);
  return all.substr(all.find("Signature=") + 10);
}

struct Made {
  net::Request request;
  std::string service;
  std::string host;
};

Made otlp(std::string_view service, std::string_view path, std::string_view type,
          std::string_view body) {
  Made made;
  made.service = service;
  made.host = fmt::format("{}.us-east-1.amazonaws.com", service);
  made.request.target = path;
  made.request.headers.push_back({"Content-Type", std::string(type)});
  if (!body.empty()) made.request.body = Chain(Slice(std::string(body)));
  return made;
}

net::Request signed_by(const Made& made, const AwsKeys& keys = example, WallTime now = then) {
  net::Request request = made.request;
  SigV4({"us-east-1", made.service, made.host}).sign(request, keys, now);
  return request;
}

AwsKeys with_token(std::string token) {
  AwsKeys keys = example;
  keys.token = Secret(std::move(token));
  return keys;
}

TEST(SigV4, SignsOurRequestsAsTheFactsSay) {
  // PROTOCOLS 3.2, vectors 1 to 4: signature, and the hash of the canonical request.
  struct Vector {
    Made made;
    AwsKeys keys;
    std::string_view canonical_hash;
    std::string_view signature;
  };
  auto logs = otlp("logs", "/v1/logs", "application/json", "{}");
  auto named = logs;
  named.request.headers.push_back({"x-aws-log-group", "/ecs/app"});
  named.request.headers.push_back({"x-aws-log-stream", "web/1"});
  const std::vector<Vector> vectors{
      {otlp("xray", "/v1/traces", "application/x-protobuf", ""), example,
       "874d3f715731b420be4217bde9eb4bcccfbb3140a48340254cfe071c4e865925",
       "614b1f713cbe9acef0adec825f57821cab8699a063ef86d2e2588b55b8cc6547"},
      {logs, with_token("EXAMPLESESSIONTOKEN"),
       "8840eb4fb27321ac404e81f8636a2b081d2eaf913c64eb87e9385049b1b744dc",
       "068d39c945d8e3e2ee9599c5951e80eb0e0f4879cc303c5546d08a0ad685a8d1"},
      {named, with_token("EXAMPLESESSIONTOKEN"),
       "f60b322ef3814dd181b4edbb5ad9503949d2a74ef2bcc2505c76710a62001e7e",
       "9b00c6448c0d9f0e64303eb72c6047b43ff90bcddc32723b36b2ce7332589703"},
      {otlp("monitoring", "/v1/metrics", "application/x-protobuf", ""), example,
       "02282e194fa0b96fa8401c62cc254db1b58003c4bebc4aca2d16abea50a866b2",
       "82e4b184b92fbcef6d4d11b009fa8e53da3f9333798e6e9d722203b42954f55d"},
  };
  for (const Vector& v : vectors) {
    const net::Request request = signed_by(v.made, v.keys);
    EXPECT_EQ(hex_sha256(canonical_request(request, v.made.host)), v.canonical_hash);
    EXPECT_EQ(signature(request), v.signature) << v.made.request.target;
    EXPECT_EQ(values(request, "X-Amz-Date"), std::vector<std::string>{"20150830T123600Z"});
  }
}

net::Request of_suite(std::string method, std::string target, std::vector<net::Header> headers) {
  net::Request request;
  request.method = std::move(method);
  request.target = std::move(target);
  request.headers = std::move(headers);
  return request;
}

std::string suite_signature(net::Request request, const AwsKeys& keys = example) {
  SigV4({"us-east-1", "service", "example.amazonaws.com"}).sign(request, keys, then);
  return signature(request);
}

TEST(SigV4, AgreesWithTheCheckValuesOfThePublishedSuite) {
  EXPECT_EQ(suite_signature(of_suite("GET", "/", {})),
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
  const std::string token =
      "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfp"
      "SPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQ"
      "DYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+s"
      "cqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";
  EXPECT_EQ(suite_signature(of_suite("POST", "/", {}), with_token(token)),
            "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead");
}

TEST(SigV4, TakesDotSegmentsAndEmptySegmentsOutOfThePathAndEncodesTheRestOnce) {
  struct Case {
    std::string_view path;
    std::string_view canonical;
  };
  const std::vector<Case> cases{
      {"", "/"},
      {"/", "/"},
      {"//", "/"},
      {"/.", "/"},
      {"/./", "/"},
      {"/..", "/"},
      {"/example/..", "/"},
      {"/example1/example2/../..", "/"},
      {"//example//", "/example/"},
      {"/./example", "/example"},
      {"/a/./b/../c/", "/a/c/"},
      {"/example space/", "/example%20space/"},
      {"/already%20encoded", "/already%2520encoded"},
      {"/-._~0123456789abcABC", "/-._~0123456789abcABC"},
      {"/\xE1\x88\xB4", "/%E1%88%B4"},
      {"/a:b@c=d&e+f,g;h$i!j*k'l(m)", "/a%3Ab%40c%3Dd%26e%2Bf%2Cg%3Bh%24i%21j%2Ak%27l%28m%29"},
  };
  for (const Case& c : cases) EXPECT_EQ(canonical_path(c.path), c.canonical) << c.path;
  EXPECT_EQ(suite_signature(of_suite("GET", "/a/../", {})),
            suite_signature(of_suite("GET", "/", {})));
}

TEST(SigV4, SortsTheQueryByWhatItSaysOnceEncoded) {
  struct Case {
    std::string_view query;
    std::string_view canonical;
  };
  const std::vector<Case> cases{
      {"", ""},
      {"Param2=value2&Param1=value1", "Param1=value1&Param2=value2"},
      {"Param1=value2&Param1=Value1", "Param1=Value1&Param1=value2"},
      {"a=b=c&a=", "a=&a=b%3Dc"},
      {"flag&&b=1", "b=1&flag="},
      {"\xE1\x88\xB4=bar", "%E1%88%B4=bar"},
      {"%e1%88%b4=b%61r", "%E1%88%B4=bar"},
      {"p=a%20b&p=a%2fb&p=100%", "p=100%25&p=a%20b&p=a%2Fb"},
      {"-._~=-._~", "-._~=-._~"},
  };
  for (const Case& c : cases) EXPECT_EQ(canonical_query(c.query), c.canonical) << c.query;
}

TEST(SigV4, TrimsHeaderValuesAndJoinsRepeatsInTheirOrder) {
  const auto request = of_suite("GET", "/",
                                {{"My-Header1", "  value4 "},
                                 {"my-header1", "value1"},
                                 {"MY-HEADER1", "value3"},
                                 {"My-Header2", " \"a   b   c\"\t d "}});
  EXPECT_EQ(canonical_request(request, "example.amazonaws.com"),
            "GET\n/\n\nhost:example.amazonaws.com\nmy-header1:value4,value1,value3\n"
            "my-header2:\"a b c\" d\n\nhost;my-header1;my-header2\n"
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(SigV4, LeavesOutWhatProxiesAndTheTransportChange) {
  std::vector<net::Header> headers;
  for (const char* name : {"Connection", "expect", "Keep-Alive", "Proxy-Authorization",
                           "proxy-connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade",
                           "User-Agent", "X-Amzn-Trace-Id", "Content-Length", "Host"}) {
    headers.push_back({name, "something"});
  }
  EXPECT_EQ(signed_headers(of_suite("GET", "/", headers)), "host");
  headers.push_back({"X-Amz-Target", "Logs_20140328.CreateLogGroup"});
  headers.push_back({"Content-Encoding", "gzip"});
  EXPECT_EQ(signed_headers(of_suite("GET", "/", headers)), "content-encoding;host;x-amz-target");
}

TEST(SigV4, SignsAgainInPlaceOfAnEarlierSignature) {
  Made made = otlp("logs", "/", "application/x-amz-json-1.1", "{}");
  made.request.headers.push_back({"X-Amz-Target", "Logs_20140328.CreateLogGroup"});
  SigV4 signer({"us-east-1", "logs", made.host});
  net::Request again = made.request;
  again.headers.push_back({"authorization", "from elsewhere"});
  signer.sign(again, with_token("old"), then - 1h);
  signer.sign(again, example, then);
  const net::Request fresh = signed_by(made);
  EXPECT_EQ(again.headers.size(), fresh.headers.size());
  EXPECT_EQ(again.secret_headers.size(), 1U);
  EXPECT_EQ(values(again, "Authorization"), values(fresh, "Authorization"));
  EXPECT_EQ(values(again, "X-Amz-Security-Token").size(), 0U);
  EXPECT_EQ(values(again, "X-Amz-Target").size(), 1U);
  EXPECT_EQ(values(again, "X-Amz-Date"), std::vector<std::string>{"20150830T123600Z"});
}

TEST(SigV4, NoticesANewDayAndNewKeysThoughItRemembersTheKeyOfTheDay) {
  const Made made = otlp("xray", "/v1/traces", "application/x-protobuf", "body");
  SigV4 kept({"us-east-1", "xray", made.host});
  AwsKeys other = example;
  other.secret = Secret("another secret");
  const std::vector<std::pair<AwsKeys, WallTime>> turns{{example, then},       {example, then + 1s},
                                                        {example, then + 24h}, {other, then + 24h},
                                                        {example, then + 24h}, {example, then}};
  for (const auto& [keys, now] : turns) {
    net::Request request = made.request;
    kept.sign(request, keys, now);
    EXPECT_EQ(values(request, "Authorization"),
              values(signed_by(made, keys, now), "Authorization"));
  }
}

TEST(SigV4, HashesTheSlicesOfABodyAsOne) {
  Chain parts;
  for (const char* part : {"hello ", "", "wor", "ld"}) parts.push_back(Slice(std::string(part)));
  EXPECT_EQ(hex_sha256(parts), hex_sha256(std::string_view("hello world")));
  EXPECT_EQ(hex_sha256(std::string_view("{}")),
            "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
}

TEST(SigV4, SignsTheHostAsTheTransportSendsIt) {
  Made plain = otlp("xray", "/v1/traces", "application/x-protobuf", "");
  Made with_port = plain;
  with_port.host = "127.0.0.1:4566";
  const auto request = signed_by(with_port);
  EXPECT_NE(canonical_request(request, with_port.host).find("\nhost:127.0.0.1:4566\n"),
            std::string::npos);
  EXPECT_NE(signature(request), signature(signed_by(plain)));
}

TEST(SigV4, KeepsCredentialsAmongTheSecretHeaders) {
  const auto request =
      signed_by(otlp("xray", "/v1/traces", "application/x-protobuf", ""), with_token("session"));
  for (const auto& h : request.headers) {
    EXPECT_NE(h.name, "Authorization");
    EXPECT_NE(h.name, "X-Amz-Security-Token");
  }
  EXPECT_EQ(request.secret_headers.size(), 2U);
}

}  // namespace
}  // namespace forager::destination
