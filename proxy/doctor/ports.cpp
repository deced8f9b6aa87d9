// The pure half of ports.h.
#include "doctor/ports.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include <fmt/format.h>

namespace forager::doctor {
namespace {

constexpr std::string_view tcp_listens = "0A";  // TCP_LISTEN, net/tcp_states.h
constexpr std::size_t v4_digits = 8;
constexpr std::size_t v6_digits = 32;

/// Takes the first word off `line`.
std::string_view word(std::string_view& line) {
  const auto begin = line.find_first_not_of(" \t");
  if (begin == line.npos) {
    line = {};
    return {};
  }
  line.remove_prefix(begin);
  const std::string_view made = line.substr(0, line.find_first_of(" \t"));
  line.remove_prefix(made.size());
  return made;
}

std::string_view take_line(std::string_view& text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(line.size() + 1, text.size()));
  return line;
}

template <class Number>
std::optional<Number> number(std::string_view text, int base) {
  Number made = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), made, base);
  if (ec != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return made;
}

/// The kernel prints the address as words of 32 bits in the machine's order.
std::optional<std::string> host_of(std::string_view hex) {
  if (hex.size() != v4_digits && hex.size() != v6_digits) return std::nullopt;
  std::array<std::uint32_t, 4> words{};
  for (std::size_t i = 0; i * v4_digits < hex.size(); ++i) {
    const auto part = number<std::uint32_t>(hex.substr(i * v4_digits, v4_digits), 16);
    if (!part) return std::nullopt;
    words[i] = *part;
  }
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = hex.size() == v4_digits ? AF_INET : AF_INET6;
  if (::inet_ntop(family, words.data(), text.data(), text.size()) == nullptr) return std::nullopt;
  std::string_view host = text.data();
  // gRPC listens at IPv4 addresses with IPv6 sockets
  constexpr std::string_view mapped = "::ffff:";
  if (host.starts_with(mapped) && host.find('.') != host.npos) host.remove_prefix(mapped.size());
  return std::string(host);
}

bool is_v6(std::string_view host) { return host.find(':') != host.npos; }

bool is_any(std::string_view host) { return host == "0.0.0.0" || host == "::"; }

std::string whose(const std::optional<Holder>& holder) {
  if (!holder || holder->pid == 0) {
    return "a process that can't be seen from here (another user's, or in another container)";
  }
  return fmt::format("process {} ({})", holder->pid, holder->name);
}

std::string fix_of_taken(const Address& address, const std::optional<Holder>& holder) {
  if (!holder || holder->pid == 0) {
    return fmt::format(
        "run forager doctor as root, or ss -lptn there, to see which; end it, or "
        "choose another address with {}",
        address.setting);
  }
  return fmt::format("end it, or choose another address with {}", address.setting);
}

}  // namespace

std::vector<Row> rows_of(std::string_view table, bool listening) {
  std::vector<Row> rows;
  while (!table.empty()) {
    std::string_view line = take_line(table);
    word(line);  // "0:"
    const std::string_view local = word(line);
    word(line);  // the other end
    const std::string_view state = word(line);
    for (int skipped = 0; skipped < 5; ++skipped) word(line);  // queues, timer, retrnsmt, uid, t/o
    const auto inode = number<std::uint64_t>(word(line), 10);
    const auto colon = local.find(':');
    if (inode.value_or(0) == 0 || colon == local.npos) continue;
    if (listening && state != tcp_listens) continue;
    const auto host = host_of(local.substr(0, colon));
    const auto port = number<std::uint16_t>(local.substr(colon + 1), 16);
    if (host && port) rows.push_back({*host, *port, *inode});
  }
  return rows;
}

std::optional<std::uint64_t> holder_in(const std::vector<Row>& rows, const Address& wanted) {
  std::optional<std::uint64_t> other_family;
  for (const Row& row : rows) {
    if (row.port != wanted.port) continue;
    const bool same_family = is_v6(row.host) == is_v6(wanted.host);
    if (same_family && (row.host == wanted.host || is_any(row.host) || is_any(wanted.host))) {
      return row.inode;
    }
    // [::] usually takes IPv4 too
    if (!same_family && row.host == "::") other_family = row.inode;
  }
  return other_family;
}

std::optional<std::uint64_t> unix_holder(std::string_view table, std::string_view path) {
  constexpr std::uint32_t accepts = 0x10000;  // __SO_ACCEPTCON
  while (!table.empty()) {
    std::string_view line = take_line(table);
    for (int skipped = 0; skipped < 3; ++skipped) word(line);  // number, count, protocol
    const auto flags = number<std::uint32_t>(word(line), 16);
    for (int skipped = 0; skipped < 2; ++skipped) word(line);  // type, state
    const auto inode = number<std::uint64_t>(word(line), 10);
    if (!flags || !inode || (*flags & accepts) == 0 || line.empty()) continue;
    if (line.substr(1) == path) return inode;  // it may have blanks
  }
  return std::nullopt;
}

Finding judge_port(const Address& address, int error, const std::optional<Holder>& holder) {
  const auto made = [&](Level level, std::string what, std::string fix = {}) {
    return Finding{level, "ports", std::move(what), std::move(fix), Area::machine};
  };
  const std::string at =
      (address.kind == Socket::udp ? "UDP " : "") + address.text;  // NOLINT: one short string
  switch (error) {
    case 0:
      return made(Level::ok, at + " is free");
    case EADDRINUSE:
      if (holder && holder->forager) {
        return made(Level::ok,
                    fmt::format("{} is held by a Forager that runs, process {}", at, holder->pid));
      }
      return made(Level::failure, fmt::format("{} is held by {}", at, whose(holder)),
                  fix_of_taken(address, holder));
    case EACCES:
    case EPERM:
      return made(Level::failure, fmt::format("{} may not be opened by this user", at),
                  fmt::format("choose a port from 1024 up with {}, or give the process "
                              "CAP_NET_BIND_SERVICE",
                              address.setting));
    case EADDRNOTAVAIL:
      return made(
          Level::failure, fmt::format("{} is no address of this machine", at),
          fmt::format("correct {}: an address of `ip address`, or localhost, or :{} for all",
                      address.setting, address.port));
    default:
      return made(Level::failure, fmt::format("{} can't be opened: {}", at, std::strerror(error)),
                  fmt::format("correct {}", address.setting));
  }
}

}  // namespace forager::doctor
