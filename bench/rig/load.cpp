// Load generator: prebuilt OTLP/HTTP requests over keep-alive connections, in one thread. Closed
// loop (each connection sends as soon as it was answered) or open loop at a fixed rate, where
// latency counts from the moment a request was due (no coordinated omission).
#include <arpa/inet.h>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <deque>
#include <netinet/tcp.h>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "payload.h"

namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  std::uint16_t port = 4318;
  unsigned connections = 8;
  unsigned spans = 100;
  double seconds = 5;
  double rate = 0;  // requests a second; 0: closed loop
  unsigned bodies = 64;
};

struct Connection {
  int fd = -1;
  bool busy = false;
  std::string_view out;
  std::string in;
  Clock::time_point due;
  Clock::time_point rests_until;
};
constexpr Clock::duration refused_pause = std::chrono::milliseconds(20);

struct Totals {
  std::uint64_t ok = 0, refused = 0, broken = 0;
  std::vector<std::uint32_t> micros;  // latency of each answer
};

int connect_to(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || ::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) {
    fmt::print(stderr, "load: cannot connect to 127.0.0.1:{}: {}\n", port, std::strerror(errno));
    std::exit(1);
  }
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

class Load {
 public:
  explicit Load(const Options& options)
      : options_(options), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    bench::Payload payload(7);
    for (unsigned i = 0; i < options.bodies; ++i) {
      const std::string body = payload.traces(options.spans);
      requests_.push_back(
          fmt::format("POST /v1/traces HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: "
                      "application/x-protobuf\r\nContent-Length: {}\r\n\r\n",
                      body.size()) +
          body);
      body_bytes_ += body.size();
    }
    connections_.resize(options.connections);
    for (std::size_t i = 0; i < connections_.size(); ++i) {
      connections_[i].fd = connect_to(options.port);
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.u64 = i;
      ::epoll_ctl(epoll_, EPOLL_CTL_ADD, connections_[i].fd, &event);
    }
  }

  Totals run() {
    const auto began = Clock::now();
    const auto end = began + std::chrono::duration_cast<Clock::duration>(
                                 std::chrono::duration<double>(options_.seconds));
    const auto interval = std::chrono::duration_cast<Clock::duration>(
        std::chrono::duration<double>(options_.rate > 0 ? 1 / options_.rate : 0));
    auto next_due = began;
    for (;;) {
      const auto now = Clock::now();
      if (now >= end && busy_ == 0) break;
      if (now >= end + std::chrono::seconds(10)) break;  // what never answers is reported as broken
      if (options_.rate > 0) {
        for (; next_due <= now && next_due < end; next_due += interval)
          waiting_.push_back(next_due);
        for (auto& c : connections_) {
          if (!c.busy && !waiting_.empty()) {
            start(c, waiting_.front());
            waiting_.pop_front();
          }
        }
      } else if (now < end) {
        for (auto& c : connections_) {
          if (!c.busy && c.rests_until <= now) start(c, now);
        }
      }
      wait(options_.rate > 0 && now < end ? next_due - now : refused_pause);
    }
    totals_.broken += busy_;
    seconds_ = std::chrono::duration<double>(Clock::now() - began).count();
    return std::move(totals_);
  }
  double seconds() const { return seconds_; }
  double bytes_per_span() const {
    return static_cast<double>(body_bytes_) / options_.bodies / options_.spans;
  }

 private:
  void start(Connection& c, Clock::time_point due) {
    c.busy = true;
    ++busy_;
    c.due = due;
    c.out = requests_[next_++ % requests_.size()];
    c.in.clear();
    flush(c);
  }
  void flush(Connection& c) {
    while (!c.out.empty()) {
      const auto sent = ::send(c.fd, c.out.data(), c.out.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;  // a reset shows as an answer that never comes
      c.out.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  void wait(Clock::duration at_most) {
    epoll_event events[64];
    timespec limit{};
    const auto nanos = std::max<std::int64_t>(0, std::chrono::nanoseconds(at_most).count());
    limit.tv_nsec = std::min<std::int64_t>(nanos, 100'000'000);
    const int count = ::epoll_pwait2(epoll_, events, 64, &limit, nullptr);
    for (int i = 0; i < count; ++i) receive(connections_[events[i].data.u64]);
  }
  void receive(Connection& c) {
    char buffer[4096];
    const auto got = ::recv(c.fd, buffer, sizeof buffer, 0);
    if (got <= 0) {
      ::epoll_ctl(epoll_, EPOLL_CTL_DEL, c.fd, nullptr);
      ::close(c.fd);
      if (c.busy) {
        ++totals_.broken;
        --busy_;
      }
      c.busy = true;  // out of use
      return;
    }
    c.in.append(buffer, static_cast<std::size_t>(got));
    const auto header_end = c.in.find("\r\n\r\n");
    if (header_end == std::string::npos) return;
    std::size_t length = 0;
    for (const char* name : {"Content-Length: ", "content-length: "}) {
      const auto at = c.in.find(name);
      if (at != std::string::npos) length = std::strtoul(c.in.c_str() + at + 16, nullptr, 10);
    }
    if (c.in.size() < header_end + 4 + length) return;
    const bool accepted = c.in.compare(9, 3, "200") == 0;
    (accepted ? totals_.ok : totals_.refused) += 1;
    // who is told to come again later does so, as SDKs do, and does not hammer
    c.rests_until = Clock::now() + (accepted ? Clock::duration(0) : refused_pause);
    totals_.micros.push_back(static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - c.due).count()));
    c.busy = false;
    --busy_;
    if (options_.rate > 0 && !waiting_.empty()) {
      start(c, waiting_.front());
      waiting_.pop_front();
    }
  }

  Options options_;
  int epoll_;
  std::vector<std::string> requests_;
  std::vector<Connection> connections_;
  std::deque<Clock::time_point> waiting_;
  Totals totals_;
  std::size_t busy_ = 0, next_ = 0, body_bytes_ = 0;
  double seconds_ = 0;
};

double at(const std::vector<std::uint32_t>& sorted, double quantile) {
  if (sorted.empty()) return 0;
  const auto index = static_cast<std::size_t>(quantile * static_cast<double>(sorted.size() - 1));
  return sorted[index] / 1000.0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app{"OTLP/HTTP load generator of Forager's bench"};
  app.add_option("--port", options.port);
  app.add_option("--connections", options.connections);
  app.add_option("--spans", options.spans, "spans a request");
  app.add_option("--seconds", options.seconds)->check(CLI::Range(0.1, 120.0));
  app.add_option("--rate", options.rate, "requests a second; 0: closed loop");
  CLI11_PARSE(app, argc, argv);

  Load load(options);
  Totals totals = load.run();
  std::sort(totals.micros.begin(), totals.micros.end());
  fmt::print(
      "{{\"ok\":{},\"refused\":{},\"broken\":{},\"spans\":{},\"seconds\":{:.3f},\"bytes_per_span\":"
      "{:.1f},"
      "\"p50_ms\":{:.3f},\"p99_ms\":{:.3f},\"p999_ms\":{:.3f}}}\n",
      totals.ok, totals.refused, totals.broken, totals.ok * options.spans, load.seconds(),
      load.bytes_per_span(), at(totals.micros, 0.5), at(totals.micros, 0.99),
      at(totals.micros, 0.999));
  return 0;
}
