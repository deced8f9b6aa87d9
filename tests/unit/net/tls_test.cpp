#include "net/tls.h"

#include <cstring>
#include <fstream>

#include <gtest/gtest.h>

#include "client.h"
#include "support/tls_server.h"

namespace forager::net {
namespace {

using test::Authority;
using test::Peer;
using test::Server;
using test::ServerTls;
using Kind = TransportError::Kind;

const Authority& authority() {
  static const Authority made;
  return made;
}

void answer_all(Peer& peer) {
  while (!peer.read_request().empty()) peer.reply(200, "ok");
}

ClientOptions trusting(const Authority& whom) {
  ClientOptions made;
  made.ca_file = whom.file();
  return made;
}

std::string url_of(const Server& server, const std::string& host = "127.0.0.1") {
  return "https://" + host + ":" + std::to_string(server.port());
}

TransportError failure_of(const ServerTls& tls, const std::string& host,
                          const std::string& ca_file) {
  Server server(&tls, answer_all);
  ClientOptions options;
  options.ca_file = ca_file;
  Client client(url_of(server, host), options);
  const Answer answer = client.send(post("x"));
  return answer ? TransportError{Kind::stopped, "no failure"} : answer.error();
}

/// Of us.pem and us.key in there.
ClientOptions showing_us(const test::TempFolder& folder) {
  ClientOptions options = trusting(authority());
  options.certificate = folder.path() + "/us.pem";
  options.private_key = folder.path() + "/us.key";
  return options;
}

TEST(TlsTransport, ShowsItsCertificateToAServerThatAsks) {
  ServerTls tls(authority().issue("IP:127.0.0.1"));
  tls.ask_for_certificates(authority().file());
  Server server(&tls, answer_all);
  const test::TempFolder folder;
  test::write_identity(authority().issue("DNS:forager"), folder.path(), "us");
  const ClientOptions options = showing_us(folder);
  Client client(url_of(server), options);
  const Answer answer = client.send(post("x"));
  ASSERT_TRUE(answer) << answer.error().what;
  EXPECT_EQ(answer->status, 200);

  Client nobody(url_of(server), trusting(authority()));
  EXPECT_FALSE(nobody.send(post("x")));
}

TEST(TlsTransport, ShowsTheCertificateThatIsThereAfterAReload) {
  ServerTls tls(authority().issue("IP:127.0.0.1"));
  tls.ask_for_certificates(authority().file());
  Server server(&tls, answer_all);
  const Authority stranger;
  const test::TempFolder folder;
  test::write_identity(stranger.issue("DNS:forager"), folder.path(), "us");
  const ClientOptions options = showing_us(folder);
  Client client(url_of(server), options);
  auto done = client.reload();
  ASSERT_TRUE(done) << done.error().what;
  EXPECT_FALSE(*done) << "the first connect reads them anyway";
  EXPECT_FALSE(client.send(post("x")));

  test::write_identity(authority().issue("DNS:forager"), folder.path(), "us");
  EXPECT_FALSE(client.send(post("x"))) << "not before it is told";
  done = client.reload();
  ASSERT_TRUE(done) << done.error().what;
  EXPECT_TRUE(*done);
  client.transport().begin_anew();
  const Answer answer = client.send(post("x"));
  ASSERT_TRUE(answer) << answer.error().what;
}

TEST(TlsTransport, KeepsTheOldCertificateWhenTheNewOneCanNotBeUsed) {
  ServerTls tls(authority().issue("IP:127.0.0.1"));
  tls.ask_for_certificates(authority().file());
  Server server(&tls, answer_all);
  const test::TempFolder folder;
  test::write_identity(authority().issue("DNS:forager"), folder.path(), "us");
  const ClientOptions options = showing_us(folder);
  Client client(url_of(server), options);
  ASSERT_TRUE(client.send(post("x")));
  std::ofstream(options.certificate) << "half a certif";
  const auto done = client.reload();
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().what.find("us.pem"), std::string::npos) << done.error().what;
  client.transport().begin_anew();
  const Answer answer = client.send(post("x"));
  ASSERT_TRUE(answer) << answer.error().what;
  EXPECT_EQ(server.connections(), 2);
}

TEST(TlsTransport, ResumesNoSessionOfWhoItWasBefore) {
  const ServerTls tls(authority().issue("IP:127.0.0.1"));
  Server server(&tls, answer_all);
  Client client(url_of(server), trusting(authority()));
  ASSERT_TRUE(client.send(post("x")));
  client.transport().begin_anew();
  ASSERT_TRUE(client.send(post("x")));
  EXPECT_EQ(server.connections(), 2);
  EXPECT_EQ(client.transport().counts().resumed, 0U);
}

TEST(TlsTransport, SaysWhichClientCertificateItCannotUse) {
  const ServerTls tls(authority().issue("IP:127.0.0.1"));
  Server server(&tls, answer_all);
  const test::TempFolder folder;
  test::write_identity(authority().issue("DNS:one"), folder.path(), "one");
  test::write_identity(authority().issue("DNS:two"), folder.path(), "two");
  ClientOptions options = trusting(authority());
  options.certificate = folder.path() + "/one.pem";
  options.private_key = folder.path() + "/two.key";
  Client mixed_up(url_of(server), options);
  const Answer answer = mixed_up.send(post("x"));
  ASSERT_FALSE(answer);
  EXPECT_NE(answer.error().what.find("two.key"), std::string::npos) << answer.error().what;
  options.certificate = folder.path() + "/none.pem";
  Client missing(url_of(server), options);
  const Answer none = missing.send(post("x"));
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().what.find("none.pem"), std::string::npos) << none.error().what;
}

TEST(TlsTransport, SendsALargeBodyInSmallAndLargePieces) {
  const ServerTls tls(authority().issue("DNS:localhost"));
  std::string seen;
  std::string name;
  Server server(&tls, [&](Peer& peer) {
    seen = peer.read_request();
    name = peer.sni();
    peer.reply(200, std::string(100'000, 'r'));
  });
  Client client(url_of(server, "localhost"), trusting(authority()));
  Request request = post("");
  std::string all;
  for (std::size_t i = 0; i < 200; ++i) {
    std::string piece(i % 7 == 0 ? 40'000 : i * 11, static_cast<char>('a' + i % 26));
    all += piece;
    request.body.push_back(Slice(std::move(piece)));
  }
  const Answer answer = client.send(std::move(request));
  ASSERT_TRUE(answer) << answer.error().what;
  EXPECT_EQ(answer->body.size(), 100'000U);
  EXPECT_TRUE(seen.ends_with("\r\n\r\n" + all));
  EXPECT_EQ(name, "localhost");
}

TEST(TlsTransport, KeepsConnectionsAndResumesSessions) {
  const ServerTls tls(authority().issue("IP:127.0.0.1"));
  std::atomic<int> resumed = 0;
  Server server(&tls, [&](Peer& peer) {
    if (peer.resumed()) ++resumed;
    answer_all(peer);
  });
  Client client(url_of(server), trusting(authority()));
  ASSERT_TRUE(client.send(post("x")));
  ASSERT_TRUE(client.send(post("x")));
  EXPECT_EQ(server.connections(), 1);
  client.transport().refresh();
  ASSERT_TRUE(client.send(post("x")));
  EXPECT_EQ(server.connections(), 2);
  EXPECT_EQ(resumed, 1);
  EXPECT_EQ(client.transport().counts().resumed, 1U);
}

TEST(TlsTransport, SeesACloseNotifyOnAnIdleConnection) {
  const ServerTls tls(authority().issue("IP:127.0.0.1"));
  Server server(&tls, [](Peer& peer) {
    peer.read_request();
    peer.reply(200);
  });
  Client client(url_of(server), trusting(authority()));
  ASSERT_TRUE(client.send(post("x")));
  const Answer second = client.send(post("x"));
  ASSERT_TRUE(second) << second.error().what;
  EXPECT_EQ(server.connections(), 2);
}

TEST(TlsTransport, RefusesACertificateForAnotherHost) {
  const ServerTls tls(authority().issue("DNS:other.example,IP:127.0.0.2"));
  for (const std::string host : {"localhost", "127.0.0.1"}) {
    const TransportError error = failure_of(tls, host, authority().file());
    EXPECT_EQ(error.kind, Kind::tls) << error.what;
    EXPECT_NE(error.what.find("for another host"), std::string::npos) << error.what;
  }
}

TEST(TlsTransport, RefusesAnUnknownAuthorityAndNamesIt) {
  const Authority stranger("Corporate Proxy CA");
  const ServerTls tls(stranger.issue("IP:127.0.0.1"));
  for (const std::string& ca_file : {authority().file(), std::string()}) {
    const TransportError error = failure_of(tls, "127.0.0.1", ca_file);
    EXPECT_EQ(error.kind, Kind::tls) << error.what;
    EXPECT_NE(error.what.find("certificate verify failed"), std::string::npos) << error.what;
    EXPECT_NE(error.what.find("Corporate Proxy CA"), std::string::npos) << error.what;
    EXPECT_NE(error.what.find("SSL_CERT_FILE"), std::string::npos) << error.what;
  }
}

TEST(TlsTransport, RefusesAnExpiredCertificate) {
  const ServerTls tls(authority().issue("IP:127.0.0.1", -60));
  const TransportError error = failure_of(tls, "127.0.0.1", authority().file());
  EXPECT_EQ(error.kind, Kind::tls);
  EXPECT_NE(error.what.find("expired"), std::string::npos) << error.what;
}

TEST(TlsTransport, SaysThatTheCertificateFileIsMissingAndLooksAgain) {
  const ServerTls tls(authority().issue("IP:127.0.0.1"));
  const TransportError error = failure_of(tls, "127.0.0.1", "/nonexistent/ca.pem");
  EXPECT_EQ(error.kind, Kind::tls);
  EXPECT_NE(error.what.find("/nonexistent/ca.pem"), std::string::npos) << error.what;
}

TEST(TlsTransport, RefusesTls11) {
  const ServerTls tls(authority().issue("IP:127.0.0.1"));
  SSL_CTX_set_min_proto_version(tls.get(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(tls.get(), TLS1_1_VERSION);
  SSL_CTX_set_cipher_list(tls.get(), "ALL:@SECLEVEL=0");
  const TransportError error = failure_of(tls, "127.0.0.1", authority().file());
  EXPECT_EQ(error.kind, Kind::tls) << error.what;
}

TEST(TlsTransport, AcceptsTls12) {
  const ServerTls tls(authority().issue("IP:127.0.0.1"));
  SSL_CTX_set_max_proto_version(tls.get(), TLS1_2_VERSION);
  Server server(&tls, answer_all);
  Client client(url_of(server), trusting(authority()));
  const Answer answer = client.send(post("x"));
  ASSERT_TRUE(answer) << answer.error().what;
}

int choose_http11(SSL*, const unsigned char** out, unsigned char* size, const unsigned char* in,
                  unsigned in_size, void* offered) {
  static_cast<std::string*>(offered)->assign(reinterpret_cast<const char*>(in), in_size);
  *out = in + 1;
  *size = *in;
  return SSL_TLSEXT_ERR_OK;
}

int choose_http2(SSL*, const unsigned char** out, unsigned char* size, const unsigned char*,
                 unsigned, void*) {
  static const unsigned char http2[] = {'h', '2'};
  *out = http2;
  *size = 2;
  return SSL_TLSEXT_ERR_OK;
}

TEST(TlsTransport, OffersHttp11ByAlpn) {
  const ServerTls tls(authority().issue("IP:127.0.0.1"));
  std::string offered;
  SSL_CTX_set_alpn_select_cb(tls.get(), choose_http11, &offered);
  Server server(&tls, answer_all);
  Client client(url_of(server), trusting(authority()));
  ASSERT_TRUE(client.send(post("x")));
  EXPECT_EQ(offered, "\x08http/1.1");
}

TEST(TlsTransport, RefusesAnotherProtocolThanHttp11) {
  const ServerTls tls(authority().issue("IP:127.0.0.1"));
  SSL_CTX_set_alpn_select_cb(tls.get(), choose_http2, nullptr);
  const TransportError error = failure_of(tls, "127.0.0.1", authority().file());
  EXPECT_EQ(error.kind, Kind::tls) << error.what;  // by OpenSSL itself from 3.0.14 on, by us before
}

TEST(TlsTransport, SaysThatThePortSpeaksNoTls) {
  Server server(nullptr, [](Peer& peer) {
    peer.read_some();
    peer.write("HTTP/1.1 400 Bad Request\r\n\r\n");
  });
  Client client(url_of(server), trusting(authority()));
  const Answer answer = client.send(post("x"));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, Kind::tls) << answer.error().what;
}

TEST(TlsTransport, TimesOutInTheHandshake) {
  Server server(nullptr, [](Peer& peer) { peer.wait_closed(); });
  Client client(url_of(server), trusting(authority()));
  const Answer answer = client.send(post("x"), milliseconds(80));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, Kind::timeout);
  EXPECT_NE(answer.error().what.find("TLS handshake"), std::string::npos) << answer.error().what;
}

TEST(TlsTransport, DoesNotTakeACutConnectionForTheEndOfAnAnswer) {
  const ServerTls tls(authority().issue("IP:127.0.0.1"));
  for (const bool polite : {true, false}) {
    Server server(&tls, [&](Peer& peer) {
      peer.read_request();
      peer.write("HTTP/1.1 200 OK\r\n\r\nhalf of");
      polite ? peer.close() : peer.cut();
    });
    Client client(url_of(server), trusting(authority()));
    EXPECT_EQ(client.send(post("x")).has_value(), polite);
  }
}

/// A proxy that takes CONNECT, answers `reply`, and then speaks TLS as the destination itself.
struct FakeProxy {
  FakeProxy(const ServerTls& tls, std::string reply)
      : server(nullptr, [this, &tls, reply = std::move(reply)](Peer& peer) {
          connect = peer.read_request();
          peer.write(reply);
          if (reply.find(" 200 ") == std::string::npos || !peer.start_tls(tls.get())) return;
          answer_all(peer);
        }) {}
  Client client(const std::string& user_info = "") {
    ClientOptions options = trusting(authority());
    options.proxy =
        *parse_proxy("http://" + user_info + "127.0.0.1:" + std::to_string(server.port()));
    return Client("https://api.example:8443", options);
  }
  std::string connect;
  Server server;
};

TEST(ProxyTunnel, CarriesTlsToTheDestinationWithCredentials) {
  const ServerTls tls(authority().issue("DNS:api.example"));
  FakeProxy proxy(tls, "HTTP/1.1 200 Connection established\r\n\r\n");
  Client client = proxy.client("joe:p%40ss@");
  const Answer answer = client.send(post("x"));
  ASSERT_TRUE(answer) << answer.error().what;
  EXPECT_EQ(proxy.connect,
            "CONNECT api.example:8443 HTTP/1.1\r\nHost: api.example:8443\r\n"
            "Proxy-Authorization: Basic am9lOnBAc3M=\r\n\r\n");
}

TEST(ProxyTunnel, SaysWhatToDoAbout407AndOtherRefusals) {
  const ServerTls tls(authority().issue("DNS:api.example"));
  const std::pair<const char*, const char*> cases[] = {
      {"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 3\r\n\r\nno!",
       "wants credentials"},
      {"HTTP/1.1 403 Forbidden\r\n\r\n", "NO_PROXY"},
      {"garbage\r\n\r\n", "does not speak HTTP"},
      {"", "closed the connection"}};
  for (const auto& [reply, words] : cases) {
    FakeProxy proxy(tls, reply);
    Client client = proxy.client("joe:hunter2@");
    const Answer answer = client.send(post("x"));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, Kind::proxy) << answer.error().what;
    EXPECT_NE(answer.error().what.find(words), std::string::npos) << answer.error().what;
    EXPECT_EQ(answer.error().what.find("hunter2"), std::string::npos);
  }
}

}  // namespace
}  // namespace forager::net
