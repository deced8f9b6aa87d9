// Random records of spans or logs around the limits of AWS (PROTOCOLS 3.1), for the test that no
// request breaks one.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/time.h"
#include "otlp/signal.h"
#include "support/otlp_builder.h"

namespace forager::test {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

/// Which limit a workload is about; sizes and times lie on it, beside it, and far from it.
enum class About : std::uint8_t { count, size, time, envelope };

class Workload {
 public:
  Workload(Signal signal, unsigned seed, WallTime now)
      : signal_(signal), now_(now), about_(static_cast<About>(seed % 4)), random_(seed) {}

  std::string record() {
    std::string body;
    const auto resources = 1 + pick(4);
    for (std::size_t r = 0; r < resources; ++r) body += wire_bytes(1, resource());
    return body;
  }
  int items() const { return items_; }

 private:
  std::size_t pick(std::size_t below) { return random_() % below; }
  bool now_and_then(About what) { return about_ == what && pick(4) == 0; }

  std::size_t envelope_bytes() {
    return now_and_then(About::envelope) ? 15'990 + pick(20) : 40 + pick(100);
  }
  std::string resource() {
    const std::string service(1, static_cast<char>('a' + pick(3)));
    const auto name = wire_bytes(1, wire_attribute("service.name", service));
    const std::size_t want = envelope_bytes();
    const std::size_t frame = name.size() + wire_bytes(1, wire_attribute("k", "")).size() + 12;
    const auto filler = want > frame ? std::string(want - frame, 'r') : std::string();
    std::string made = wire_bytes(1, name + wire_bytes(1, wire_attribute("k", filler)));
    for (std::size_t s = pick(3); s != 0; --s) made += wire_bytes(2, scope());
    return made;
  }
  std::string scope() {
    std::string made = wire_bytes(1, wire_bytes(1, std::string(envelope_bytes() - 4, 'n')));
    const std::size_t count = now_and_then(About::count) ? 2'000 + pick(5'000) : pick(12);
    for (std::size_t i = 0; i < count; ++i) made += wire_bytes(2, item());
    return made;
  }
  std::uint64_t time() {
    static constexpr std::array<nanoseconds, 6> edges{-14 * 24h, 2h, -24h,
                                                      -12h,      0s, -14 * 24h + 24h};
    const auto off = nanoseconds(std::chrono::minutes(pick(61))) - nanoseconds(30min);
    const nanoseconds from = now_and_then(About::time)
                                 ? edges[pick(edges.size())] + off
                                 : -nanoseconds(std::chrono::seconds(pick(3600)));
    return unix_nanos(now_) + static_cast<std::uint64_t>(from.count());
  }
  std::string item() {
    const std::string id = fmt::format("item {}", items_++);
    return signal_ == Signal::traces ? span(id) : log(id);
  }
  std::string span(std::string_view id) {
    const std::uint64_t start = time();
    const std::uint64_t end = now_and_then(About::time) ? time() : start + pick(1'000'000'000);
    std::string made = wire_bytes(5, id) + wire_fixed64(7, start) + wire_fixed64(8, end);
    if (about_ == About::size) {
      const std::size_t want = pick(3) == 0 ? 199'990 + pick(20) : 1'000 + pick(150'000);
      made += wire_bytes(9, wire_attribute("k", std::string(want - made.size() - 16, 'v')));
    }
    return made;
  }
  std::string log(std::string_view id) {
    std::string made = wire_bytes(12, id);
    if (!now_and_then(About::time)) made += wire_fixed64(1, time());
    if (now_and_then(About::time)) made += wire_fixed64(11, time());
    static constexpr std::array<std::string_view, 5> kinds{"x", "\"", "\n", "\x01", "\xC3\xA9"};
    const std::string_view kind = kinds[pick(kinds.size())];
    const std::size_t want = now_and_then(About::size) ? pick(1'010'000) : pick(400);
    std::string text;
    text.reserve(want);
    while (text.size() < want) text += kind;
    return made + wire_bytes(5, wire_bytes(1, text)) +
           wire_bytes(6, wire_attribute("http.route", "/cart"));
  }

  Signal signal_;
  WallTime now_;
  About about_;
  std::mt19937 random_;
  int items_ = 0;
};

}  // namespace forager::test
