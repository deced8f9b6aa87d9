#include "net/url.h"

#include <gtest/gtest.h>

#include "net/proxy.h"

namespace forager::net {
namespace {

TEST(Origin, HasDefaultsAndKeepsAPrefix) {
  const auto plain = parse_origin("https://API.honeycomb.io");
  ASSERT_TRUE(plain);
  EXPECT_TRUE(plain->tls);
  EXPECT_EQ(plain->host, "api.honeycomb.io");
  EXPECT_EQ(plain->port, 443);
  EXPECT_EQ(plain->authority(), "api.honeycomb.io");
  EXPECT_EQ(plain->prefix, "");
  const auto full = parse_origin("http://[::1]:8080/otlp/v2//");
  ASSERT_TRUE(full);
  EXPECT_FALSE(full->tls);
  EXPECT_EQ(full->host, "::1");
  EXPECT_EQ(full->authority(), "[::1]:8080");
  EXPECT_EQ(full->prefix, "/otlp/v2");
  EXPECT_EQ(parse_origin("http://a:443")->authority(), "a:443");
}

TEST(Origin, RefusesWhatItCouldMisunderstand) {
  for (const char* const text :
       {"", "api.honeycomb.io", "ftp://a", "https://", "https://a:0", "https://a:70000",
        "https://a:x", "https://a:", "https://a b", "https://[::1", "https://[::1]x",
        "https://[nope]", "https://a/?q=1", "https://a#f", "https://a/b c", "https://a/\r\nX: y",
        "https://a\r\nX"}) {
    EXPECT_FALSE(parse_origin(text)) << text;
  }
}

TEST(Origin, NeverRepeatsCredentials) {
  for (const char* const text : {"https://joe:hunter2@a/", "joe:hunter2@a"}) {
    const auto refused = parse_origin(text);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().what.find("hunter2"), std::string::npos) << refused.error().what;
  }
}

TEST(ProxySetting, IsReadWithAndWithoutSchemeAndCredentials) {
  const auto bare = parse_proxy("proxy.corp:3128");
  ASSERT_TRUE(bare);
  EXPECT_EQ(bare->endpoint(), "proxy.corp:3128");
  EXPECT_TRUE(bare->basic.empty());
  const auto full = parse_proxy("http://us%65r:p:%2Fw@[fd00::1]/");
  ASSERT_TRUE(full);
  EXPECT_EQ(full->endpoint(), "[fd00::1]:80");
  EXPECT_EQ(full->basic.reveal(), "dXNlcjpwOi93");  // user:p:/w
}

TEST(ProxySetting, RefusesOtherSchemesAndKeepsCredentialsToItself) {
  for (const char* const text : {"https://joe:hunter2@p:1", "socks5://joe:hunter2@p",
                                 "http://joe:hunter2@p:x", "http://", "joe:hunter2@"}) {
    const auto refused = parse_proxy(text);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().what.find("hunter2"), std::string::npos) << refused.error().what;
    EXPECT_NE(refused.error().what.find("HTTPS_PROXY"), std::string::npos);
  }
}

struct Bypass {
  const char* no_proxy;
  const char* host;
  std::uint16_t port;
  bool bypassed;
};

TEST(NoProxy, FollowsTheRulesOfGo) {
  const Bypass cases[] = {{"", "api.honeycomb.io", 443, false},
                          {"*", "api.honeycomb.io", 443, true},
                          {"other.io, honeycomb.io", "api.honeycomb.io", 443, true},
                          {"honeycomb.io", "honeycomb.io", 443, true},
                          {"honeycomb.io", "nothoneycomb.io", 443, false},
                          {".honeycomb.io", "api.honeycomb.io", 443, true},
                          {".honeycomb.io", "honeycomb.io", 443, false},
                          {"*.honeycomb.io", "api.honeycomb.io", 443, true},
                          {"HONEYCOMB.IO", "api.honeycomb.io", 443, true},
                          {"api.honeycomb.io:443", "api.honeycomb.io", 443, true},
                          {"api.honeycomb.io:8443", "api.honeycomb.io", 443, false},
                          {"10.0.0.0/8", "10.20.30.40", 443, true},
                          {"10.0.0.0/8", "11.20.30.40", 443, false},
                          {"10.16.0.0/12", "10.31.0.1", 443, true},
                          {"10.16.0.0/12", "10.32.0.1", 443, false},
                          {"10.0.0.0/33", "10.0.0.1", 443, false},
                          {"10.0.0.0/x", "10.0.0.1", 443, false},
                          {"::/0", "10.0.0.1", 443, false},
                          {"fd00::/8", "fd12::1", 443, true},
                          {"fd00::1", "fd00:0::1", 443, true},
                          {"[fd00::1]:443", "fd00::1", 443, true},
                          {"[fd00::1]:80", "fd00::1", 443, false},
                          {"192.168.1.1", "192.168.1.1", 443, true},
                          {"168.1.1", "192.168.1.1", 443, false},
                          {"0.0.0.0/0", "name.example", 443, false},
                          {" , ,", "a.b", 443, false},
                          {"", "localhost", 443, true},
                          {"", "127.8.9.1", 443, true},
                          {"", "::1", 443, true},
                          {"", "128.0.0.1", 443, false}};
  for (const Bypass& c : cases) {
    EXPECT_EQ(bypasses_proxy(c.no_proxy, c.host, c.port), c.bypassed)
        << c.no_proxy << " for " << c.host;
  }
}

TEST(NoProxy, DecidesBeforeTheProxyIsRead) {
  const Origin honeycomb = *parse_origin("https://api.honeycomb.io");
  EXPECT_FALSE(choose_proxy(honeycomb, "", "")->has_value());
  EXPECT_TRUE(choose_proxy(honeycomb, "http://p:1", "")->has_value());
  EXPECT_FALSE(choose_proxy(honeycomb, "http://p:1", "honeycomb.io")->has_value());
  EXPECT_FALSE(choose_proxy(honeycomb, "socks5://p", "honeycomb.io")->has_value());
  EXPECT_FALSE(choose_proxy(honeycomb, "socks5://p", "").has_value());
  EXPECT_FALSE(choose_proxy(*parse_origin("http://collector:4318"), "http://p:1", "")->has_value());
}

}  // namespace
}  // namespace forager::net
