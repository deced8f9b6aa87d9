#include "doctor/ports.h"

#include <bit>
#include <cerrno>

#include <gtest/gtest.h>

namespace forager::doctor {
namespace {

// As Linux prints them on a machine whose words begin with their low byte.
constexpr std::string_view tcp4 =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
    "inode\n"
    "   0: 0100007F:10DE 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 "
    "4711 1 0000000000000000 100 0 0 10 0\n"
    "   1: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 "
    "80 1 0000000000000000 100 0 0 10 0\n"
    "   2: 0100007F:10DD 0100007F:9000 01 00000000:00000000 00:00000000 00000000     0        0 "
    "99 1 0000000000000000 20 4 30 10 -1\n";
constexpr std::string_view tcp6 =
    "  sl  local_address                         remote_address                        st\n"
    "   0: 00000000000000000000000001000000:10DE 00000000000000000000000000000000:0000 0A "
    "00000000:00000000 00:00000000 00000000     0        0 61 1 0000000000000000 100 0 0 10 0\n"
    "   1: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A "
    "00000000:00000000 00:00000000 00000000     0        0 62 1 0000000000000000 100 0 0 10 0\n";
constexpr std::string_view udp4 =
    "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
    "inode ref pointer drops\n"
    " 2046: 0100007F:07D0 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 "
    "2000 2 0000000000000000 0\n";

Address at(std::string host, std::uint16_t port) {
  Address made;
  made.text = host + ":" + std::to_string(port);
  made.host = std::move(host);
  made.port = port;
  made.setting = "FORAGER_OTLP_HTTP_LISTEN";
  return made;
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

class Tables : public testing::Test {
  void SetUp() override {
    if (std::endian::native != std::endian::little) GTEST_SKIP() << "the texts are little-endian";
  }
};

TEST_F(Tables, OfTcpGiveWhoListens) {
  const auto rows = rows_of(tcp4, true);
  ASSERT_EQ(rows.size(), 2U) << "a connection listens nowhere";
  EXPECT_EQ(holder_in(rows_of(tcp4, false), at("127.0.0.1", 4317)), 99U) << "but it has its port";
  EXPECT_EQ(rows[0].host, "127.0.0.1");
  EXPECT_EQ(rows[0].port, 4318);
  EXPECT_EQ(rows[0].inode, 4711U);
}

TEST_F(Tables, OfIpv6AndUdpAreReadToo) {
  const auto six = rows_of(tcp6, true);
  ASSERT_EQ(six.size(), 2U);
  EXPECT_EQ(six[0].host, "::1");
  EXPECT_EQ(six[1].host, "::");
  const auto udp = rows_of(udp4, false);
  ASSERT_EQ(udp.size(), 1U);
  EXPECT_EQ(udp[0].port, 2000);
}

TEST_F(Tables, TellAnIpv4AddressOfAnIpv6Socket) {
  const auto rows = rows_of(
      "0: 0000000000000000FFFF00000100007F:10DD 00000000000000000000000000000000:0000 0A 0:0 0:0 0 "
      "0 0 4317",
      true);
  EXPECT_EQ(holder_in(rows, at("127.0.0.1", 4317)), 4317U);
  EXPECT_EQ(holder_in(rows, at("::1", 4317)), std::nullopt);
}

TEST_F(Tables, ThatAreNoneGiveNothing) {
  EXPECT_TRUE(rows_of("", true).empty());
  EXPECT_TRUE(rows_of("0: xyz:10DE 0:0 0A 0 0 0 0 0 1\n0: 0100007F:10DE\n:::\n", true).empty());
  EXPECT_TRUE(rows_of("0: 0100007F:1FFFF 0:0 0A 0 0 0 0 0 1", true).empty());
}

TEST_F(Tables, NameTheHolderAtTheAddressOrAtAllOfThem) {
  auto rows = rows_of(tcp4, true);
  EXPECT_EQ(holder_in(rows, at("127.0.0.1", 4318)), 4711U);
  EXPECT_EQ(holder_in(rows, at("0.0.0.0", 4318)), 4711U) << "who wants all is kept off by one";
  EXPECT_EQ(holder_in(rows, at("127.0.0.2", 80)), 80U);
  EXPECT_EQ(holder_in(rows, at("127.0.0.2", 4318)), std::nullopt);
  EXPECT_EQ(holder_in(rows, at("::1", 4318)), std::nullopt);
  EXPECT_EQ(holder_in(rows_of(tcp6, true), at("127.0.0.1", 8080)), 62U) << "[::] takes IPv4 too";
}

TEST(UnixTable, NamesWhoListensAtThePath) {
  constexpr std::string_view table =
      "Num       RefCount Protocol Flags    Type St Inode Path\n"
      "0000000000000000: 00000003 00000000 00000000 0001 03 1 /run/x.sock\n"
      "0000000000000000: 00000002 00000000 00010000 0001 01 77 /run/x.sock\n"
      "0000000000000000: 00000002 00000000 00010000 0001 01 78 /run/a b.sock\n"
      "0000000000000000: 00000002 00000000 00010000 0001 01 79\n";
  EXPECT_EQ(unix_holder(table, "/run/x.sock"), 77U);
  EXPECT_EQ(unix_holder(table, "/run/a b.sock"), 78U);
  EXPECT_EQ(unix_holder(table, "/run/y.sock"), std::nullopt);
}

TEST(Port, IsFreeOrHeldByAForagerOrByAnother) {
  EXPECT_EQ(judge_port(at("127.0.0.1", 4318), 0, {}).level, Level::ok);
  const Finding ours = judge_port(at("127.0.0.1", 4318), EADDRINUSE, Holder{7, "forager", true});
  EXPECT_EQ(ours.level, Level::ok);
  EXPECT_TRUE(has(ours.what, "a Forager that runs, process 7")) << ours.what;
  const Finding other = judge_port(at("127.0.0.1", 4318), EADDRINUSE, Holder{8, "otelcol", false});
  EXPECT_EQ(other.level, Level::failure);
  EXPECT_EQ(other.area, Area::machine);
  EXPECT_EQ(other.what, "127.0.0.1:4318 is held by process 8 (otelcol)");
  EXPECT_TRUE(has(other.fix, "FORAGER_OTLP_HTTP_LISTEN")) << other.fix;
}

TEST(Port, HeldByWhoCannotBeSeenSaysHowToSee) {
  const Finding hidden = judge_port(at("127.0.0.1", 4318), EADDRINUSE, Holder{});
  EXPECT_EQ(hidden.level, Level::failure);
  EXPECT_TRUE(has(hidden.what, "can't be seen from here")) << hidden.what;
  EXPECT_TRUE(has(hidden.fix, "as root")) << hidden.fix;
}

TEST(Port, ThatIsNotOursOrNotAllowedSaysTheFix) {
  EXPECT_TRUE(has(judge_port(at("192.0.2.1", 4318), EADDRNOTAVAIL, {}).fix, ":4318 for all"));
  EXPECT_TRUE(has(judge_port(at("127.0.0.1", 80), EACCES, {}).fix, "CAP_NET_BIND_SERVICE"));
}

TEST(Addresses, OfTheDefaultsAreBothLoopbacks) {
  const auto all = addresses_of(config::Config{});
  ASSERT_EQ(all.size(), 6U);
  EXPECT_EQ(all[0].text, "127.0.0.1:4318");
  EXPECT_EQ(all[1].text, "[::1]:4318");
  EXPECT_EQ(all[5].setting, "FORAGER_ADMIN_LISTEN");
}

TEST(Addresses, LeaveOutWhatIsOffOrChosenByTheSystem) {
  config::Config from;
  from.otlp_http = {true, {}, 0, {}, false};
  from.otlp_grpc = {false, "127.0.0.1", 0, {}, false};
  from.admin = {false, {}, 0, "/run/f.sock", false};
  from.xray_daemon = {false, "127.0.0.1", 2000, {}, false};
  const auto all = addresses_of(from);
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].path, "/run/f.sock");
  EXPECT_EQ(all[1].kind, Socket::udp);
  EXPECT_EQ(all[2].kind, Socket::tcp);
}

}  // namespace
}  // namespace forager::doctor
