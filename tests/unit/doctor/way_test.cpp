#include "doctor/way.h"

#include <gtest/gtest.h>

#include "doctor/certificate.h"

namespace forager::doctor {
namespace {

constexpr std::int64_t a_day = 86'400;
constexpr std::int64_t now_s = 1'700'000'000;
const WallTime now{std::chrono::seconds(now_s)};

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

Certificate shown(std::string signer, std::string root, std::int64_t days = 60) {
  return {"TLSv1.3", std::move(signer), std::move(root), now_s + days * a_day};
}

TEST(Authorities, AreToldApartByName) {
  EXPECT_EQ(authority_of("Amazon, Amazon RSA 2048 M02"), Authority::known_public);
  EXPECT_EQ(authority_of("Let's Encrypt, R11, Internet Security Research Group"),
            Authority::known_public);
  EXPECT_EQ(authority_of("Zscaler Inc., Zscaler Root CA"), Authority::intercepting);
  EXPECT_EQ(authority_of("mitmproxy"), Authority::intercepting);
  EXPECT_EQ(authority_of("Acme Corp, Acme Root"), Authority::own);
}

TEST(Certificates, OfPublicAuthoritiesAreOkWithNameAndDay) {
  const Finding found = judge_certificate("honeycomb", "api.honeycomb.io",
                                          shown("Amazon, M02", "Amazon, Root CA 1"), now);
  EXPECT_EQ(found.level, Level::ok) << found.what;
  EXPECT_EQ(found.what,
            "TLSv1.3, the certificate is signed by Amazon, M02 (root Amazon, Root CA 1), good "
            "until 2024-01-13");
}

TEST(Certificates, OfAProxyThatOpensTlsAreAWarning) {
  const Finding found =
      judge_certificate("otlp", "otel.acme.test", shown("Zscaler Inc.", "Zscaler Inc."), now);
  EXPECT_EQ(found.level, Level::warning);
  EXPECT_TRUE(has(found.what, "opens TLS")) << found.what;
  EXPECT_TRUE(has(found.fix, "otel.acme.test")) << found.fix;
}

TEST(Certificates, OfAPrivateAuthorityAreAWarningForAVendorThatHasAPublicOne) {
  EXPECT_EQ(judge_certificate("otlp", "otel.acme.test", shown("Acme", "Acme"), now).level,
            Level::ok);
  for (const char* host : {"api.honeycomb.io", "xray.eu-west-1.amazonaws.com", "api.rollbar.com"}) {
    EXPECT_EQ(judge_certificate("x", host, shown("Acme", "Acme"), now).level, Level::warning)
        << host;
  }
  EXPECT_EQ(judge_certificate("x", "evilhoneycomb.io", shown("Acme", "Acme"), now).level,
            Level::ok);
}

TEST(Certificates, ThatEndSoonAreAWarning) {
  EXPECT_EQ(judge_certificate("otlp", "a.test", shown("Amazon", "Amazon", 7), now).level,
            Level::ok);
  const Finding soon = judge_certificate("otlp", "a.test", shown("Amazon", "Amazon", 6), now);
  EXPECT_EQ(soon.level, Level::warning);
  EXPECT_TRUE(has(soon.what, "in 6 days")) << soon.what;
}

TEST(TlsFailures, ByTheIssuerNameTheSettingOfTheCa) {
  const Finding found = judge_tls_failure(
      "otlp",
      "TLS with a.test:443 failed: certificate verify failed: unable to get local issuer "
      "certificate, issuer /O=Acme",
      "FORAGER_OTLP_CERTIFICATE");
  EXPECT_EQ(found.level, Level::failure);
  EXPECT_EQ(found.area, Area::network);
  EXPECT_TRUE(has(found.what, "/O=Acme"));
  EXPECT_TRUE(has(found.fix, "FORAGER_OTLP_CERTIFICATE")) << found.fix;
  EXPECT_FALSE(has(found.fix, "administrators")) << found.fix;
}

TEST(TlsFailures, ByAnInterceptingProxySayWhoHasItsCa) {
  const Finding found = judge_tls_failure(
      "x", "certificate verify failed: x, issuer /CN=Netskope CA", "SSL_CERT_FILE");
  EXPECT_TRUE(has(found.fix, "administrators")) << found.fix;
}

TEST(TlsFailures, ByTheClockAreNotBlamedOnTheCa) {
  const Finding found = judge_tls_failure(
      "x", "certificate has expired, issuer /O=Acme; check this machine's clock", "SSL_CERT_FILE");
  EXPECT_TRUE(has(found.fix, "clock")) << found.fix;
  EXPECT_FALSE(has(found.fix, "SSL_CERT_FILE")) << found.fix;
}

TEST(TlsFailures, ByAFileOfOursAreOfTheSettings) {
  const Finding found = judge_tls_failure(
      "otlp", "cannot load the client certificate from /c.pem: no start line", "SSL_CERT_FILE");
  EXPECT_EQ(found.area, Area::settings);
  EXPECT_EQ(found.what, "cannot load the client certificate from /c.pem: no start line");
}

TEST(Opening, TellsProxyAndTlsApart) {
  using Kind = net::TransportError::Kind;
  const auto straight = way_to("honeycomb", "https://a.test", "", "");
  const auto through = way_to("honeycomb", "https://a.test", "http://proxy.test:3128", "");
  ASSERT_TRUE(straight && through);
  const Finding late =
      judge_opening(*straight, {Kind::timeout, "timed out in the TLS handshake with a.test:443"});
  EXPECT_TRUE(late.what.starts_with("TLS: timed out")) << late.what;
  const Finding refused = judge_opening(
      *through, {Kind::proxy, "the proxy refused to connect to a.test:443 (status 403): allow it"});
  EXPECT_TRUE(refused.what.starts_with("proxy: the proxy refused")) << refused.what;
  EXPECT_TRUE(has(refused.fix, "HTTPS_PROXY")) << refused.fix;
  EXPECT_EQ(refused.area, Area::network);
  const Finding slow =
      judge_opening(*through, {Kind::timeout, "timed out while the proxy opened a way"});
  EXPECT_TRUE(slow.what.starts_with("proxy: timed out")) << slow.what;
}

TEST(NameFailures, NameTheSettingThatHasTheName) {
  auto way = way_to("honeycomb", "https://api.honeycomb.oi", "", "");
  ASSERT_TRUE(way);
  const Finding unknown = judge_name_failure(*way, "api.honeycomb.oi", "Host not found", false);
  EXPECT_TRUE(has(unknown.fix, "HONEYCOMB_API_ENDPOINT")) << unknown.fix;
  const Finding late = judge_name_failure(*way, "api.honeycomb.oi", "timed out", true);
  EXPECT_TRUE(has(late.fix, "port 53")) << late.fix;
  way = way_to("honeycomb", "https://api.honeycomb.io", "http://u:p@proxy.test:3128", "");
  ASSERT_TRUE(way && way->proxy);
  const Finding proxy = judge_name_failure(*way, "proxy.test", "Host not found", false);
  EXPECT_TRUE(has(proxy.fix, "HTTPS_PROXY")) << proxy.fix;
}

TEST(Ways, ByTheDestinationNameTheSettingOfItsCa) {
  EXPECT_EQ(way_to("otlp", "https://a.test", "", "")->ca_setting, "FORAGER_OTLP_CERTIFICATE");
  EXPECT_EQ(way_to("xray", "https://a.test", "", "")->ca_setting, "SSL_CERT_FILE");
  EXPECT_FALSE(way_to("otlp", "ftp://a.test", "", ""));
}

TEST(Plain, IsFineOnThisMachineOnly) {
  EXPECT_EQ(judge_plain(*way_to("otlp", "http://127.0.0.1:4318", "", "")).level, Level::ok);
  const Finding far = judge_plain(*way_to("otlp", "http://otel.acme.test:4318", "", ""));
  EXPECT_EQ(far.level, Level::warning);
  EXPECT_TRUE(has(far.fix, "https://")) << far.fix;
}

}  // namespace
}  // namespace forager::doctor
