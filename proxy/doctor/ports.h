// Whether the addresses that Forager listens at are free, and who has those that aren't: the
// kernel's tables of sockets, read as text. Parsing and judging are pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

#include "config/config.h"
#include "doctor/finding.h"

namespace forager::doctor {

enum class Socket : std::uint8_t { tcp, udp, local };

/// One address that a Listen setting means.
struct Address {
  Socket kind = Socket::tcp;
  std::string text;        ///< for people: "127.0.0.1:4318", "unix:/run/forager.sock"
  std::string host;        ///< literal, without brackets; empty for a unix socket
  std::uint16_t port = 0;  ///< 0: the system chooses, so it is free
  std::string path{};      ///< of a unix socket
  std::string setting{};   ///< that names it
};

/// A row of /proc/net/{tcp,tcp6,udp,udp6}: proc(5).
struct Row {
  std::string host;  ///< literal, as inet_ntop writes it
  std::uint16_t port = 0;
  std::uint64_t inode = 0;
};
/// Rows that have an open socket; `listening`: only those that wait for connections. Lines that
/// aren't rows are skipped.
std::vector<Row> rows_of(std::string_view table, bool listening);
/// The inode of the socket that keeps others from `wanted`: at that address or at all of them.
std::optional<std::uint64_t> holder_in(const std::vector<Row>& rows, const Address& wanted);
/// Of /proc/net/unix: the inode of the socket at `path` that listens.
std::optional<std::uint64_t> unix_holder(std::string_view table, std::string_view path);

/// Who has a socket.
struct Holder {
  pid_t pid = 0;         ///< 0: can't be seen from here
  std::string name{};    ///< as ps shows it
  bool forager = false;  ///< runs a binary of this name
};
/// `error`: of binding it, 0: it is free.
Finding judge_port(const Address& address, int error, const std::optional<Holder>& holder);

/// What the settings mean; "localhost" is 127.0.0.1 and ::1. Names are looked up, which may take
/// seconds.
std::vector<Address> addresses_of(const config::Config& from);
/// Binds each for a moment, without listening: no app ever reaches the doctor.
std::vector<Finding> look_at_ports(const config::Config& from);

}  // namespace forager::doctor
