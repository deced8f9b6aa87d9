#include "sim/fleet.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/budget.h"
#include "destination/honeycomb.h"
#include "export/delivery.h"
#include "sim/chance.h"
#include "sim/items.h"
#include "sim/loop.h"
#include "sim/trace.h"

namespace forager::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t sidecars = 1000;
constexpr double record_each = 2;   ///< seconds, of one sidecar
constexpr int outage_begins = 120;  ///< seconds
constexpr int outage_ends = outage_begins + 600;
constexpr int run_ends = outage_ends + 900;
constexpr double capacity = 600;  ///< requests a second; steady state is five sixths of it

/// The destination: refuses connections in the outage, queues up to a quarter of a second, answers
/// 429 beyond that.
class Shared {
 public:
  struct Second {
    std::uint32_t requests = 0;
    std::uint32_t taken = 0;
    std::uint32_t turned_away = 0;
  };
  Shared() : seconds_(run_ends + 1) {}

  struct Said {
    Duration after{};
    int status = 0;  ///< 0: connection refused
  };
  Said take(double now) {
    Second& second = seconds_[static_cast<std::size_t>(now)];
    ++second.requests;
    if (now >= outage_begins && now < outage_ends) return {milliseconds(1), 0};
    queue_ = std::max(0.0, queue_ - (now - at_) * capacity);
    at_ = now;
    if (queue_ > capacity / 4) {
      ++second.turned_away;
      return {milliseconds(10), 429};
    }
    ++second.taken;
    ++queue_;
    return {milliseconds(30) + std::chrono::duration_cast<Duration>(
                                   std::chrono::duration<double>(queue_ / capacity)),
            200};
  }
  const std::vector<Second>& seconds_seen() const { return seconds_; }

 private:
  std::vector<Second> seconds_;
  double queue_ = 0;
  double at_ = 0;
};

/// One sidecar: the real journal and delivery.
struct Sidecar {
  Sidecar(const destination::Destination& destination, exporter::DeliveryConfig config,
          std::uint64_t seed, Time now)
      : chance(seed),
        journal({.bytes_max = std::size_t{64} << 20U}, books),
        delivery(config, destination, journal, bin, [this] { return chance.unit(); }, now) {}
  Chance chance;
  ledger::Ledger books;
  Budget budget{std::size_t{1} << 30U};
  journal::Journal journal;
  journal::Quarantine bin{1000, budget};
  exporter::Delivery delivery;
  bool woken = false;
  std::uint64_t timer = 0;
};

class Fleet {
 public:
  explicit Fleet(std::uint64_t seed) : chance_(seed) {
    std::vector<Truth> truths;
    record_ = admit(Signal::traces, make_request({Signal::traces, 10, 200, 10, true}, truths));
    destination::HoneycombConfig honeycomb;
    honeycomb.batch_bytes = 50'000;  // 25 records: the backlog is many requests
    destination_ = std::make_unique<destination::HoneycombDestination>(std::move(honeycomb));
    for (std::size_t i = 0; i < sidecars; ++i) {
      Sidecar& one = *fleet_.emplace_back(std::make_unique<Sidecar>(
          *destination_, exporter::DeliveryConfig{}, chance_.bits(), loop_.now()));
      one.delivery.on_wake([this, &one] { wake(one); });
      loop_.after(one.chance.up_to(seconds(2)), [this, &one] { produce(one); });
    }
  }

  /// Returns the held items by second.
  const std::vector<std::uint64_t>& run() {
    for (int second = 0; second < run_ends; ++second) {
      const Time until = Time(std::chrono::hours(1)) + seconds(second + 1);
      while (!loop_.empty() && loop_.next() < until) loop_.run_one();
      std::uint64_t held = 0;
      for (const auto& one : fleet_) held += one->journal.records();
      held_.push_back(held);
    }
    return held_;
  }
  const std::vector<Shared::Second>& seconds_seen() const { return shared_.seconds_seen(); }

 private:
  double now() const {
    return std::chrono::duration<double>(loop_.now().time_since_epoch()).count() - 3600;
  }
  void produce(Sidecar& one) {
    auto charge = one.budget.take(record_.body.size());
    hold(charge && one.journal.append(record_, std::move(*charge), loop_.now()), "no room");
    const double jitter = 0.5 + one.chance.unit();
    loop_.after(
        std::chrono::duration_cast<Duration>(std::chrono::duration<double>(record_each * jitter)),
        [this, &one] { produce(one); });
  }
  void wake(Sidecar& one) {
    if (std::exchange(one.woken, true)) return;
    loop_.after(Duration::zero(), [this, &one] {
      one.woken = false;
      pump(one);
    });
  }
  void pump(Sidecar& one) {
    while (true) {
      const exporter::Next next = one.delivery.next(loop_.now());
      if (exporter::Attempt* const* const due = std::get_if<exporter::Attempt*>(&next)) {
        send(one, **due);
        continue;
      }
      const Time until = std::get<exporter::Wait>(next).until;
      const std::uint64_t timer = ++one.timer;
      if (until == Time::max()) return;
      loop_.at(until, [this, &one, timer] {
        if (one.timer == timer) pump(one);
      });
      return;
    }
  }
  void send(Sidecar& one, exporter::Attempt& attempt) {
    const Shared::Said said = shared_.take(now());
    const Duration to_and_fro = one.chance.about(milliseconds(10));
    loop_.after(said.after + to_and_fro, [this, &one, id = attempt.id, codec = attempt.codec,
                                          status = said.status] {
      if (status == 0) {
        one.delivery.failed(id, {net::TransportError::Kind::connect, "connection refused"},
                            loop_.now());
        return;
      }
      net::Response response;
      response.status = status;
      if (status == 429) response.headers.push_back({"Retry-After", "1"});
      one.delivery.answered(id, destination_->judge(response, Signal::traces, codec, WallTime{}),
                            loop_.now());
    });
  }

  Loop loop_;
  Chance chance_;
  Shared shared_;
  journal::Record record_;
  std::unique_ptr<destination::HoneycombDestination> destination_;
  std::vector<std::unique_ptr<Sidecar>> fleet_;
  std::vector<std::uint64_t> held_;
};

/// The curve around the recovery: requests a second, those turned away, and the backlog.
std::string picture(const std::vector<Shared::Second>& seen, const std::vector<std::uint64_t>& held,
                    double steady) {
  constexpr int from = outage_begins - 60;
  constexpr int until = outage_ends + 240;
  constexpr double width = 860;
  constexpr double height = 300;
  constexpr double left = 70;
  constexpr double top = 40;
  double most = 0;
  double most_held = 1;
  for (int s = from; s < until; ++s) {
    const auto at = static_cast<std::size_t>(s);
    most = std::max<double>(most, seen[at].requests);
    most_held = std::max(most_held, static_cast<double>(held[at]));
  }
  most *= 1.1;
  const auto x = [&](int s) { return left + width * (s - from) / (until - from); };
  const auto y = [&](double part) { return top + height * (1 - part); };
  const auto line = [&](const auto& value, double top_value, std::string_view color) {
    std::string points;
    for (int s = from; s < until; ++s) {
      points +=
          fmt::format("{:.1f},{:.1f} ", x(s), y(value(static_cast<std::size_t>(s)) / top_value));
    }
    return fmt::format(
        "<polyline fill=\"none\" stroke=\"{}\" stroke-width=\"1.5\" points=\"{}\"/>\n", color,
        points);
  };
  const auto text = [](double at_x, double at_y, std::string_view color, const std::string& words) {
    return fmt::format("<text x=\"{:.0f}\" y=\"{:.0f}\" fill=\"{}\">{}</text>\n", at_x, at_y, color,
                       words);
  };
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1000 400\" "
      "font-family=\"sans-serif\" font-size=\"13\">\n<rect width=\"1000\" height=\"400\" "
      "fill=\"white\"/>\n<rect x=\"{:.1f}\" y=\"{}\" width=\"{:.1f}\" height=\"{}\" "
      "fill=\"#f3d9d9\"/>\n",
      x(outage_begins), top, x(outage_ends) - x(outage_begins), height);
  for (const double level : {0.0, steady, 1.5 * steady, capacity}) {
    if (level > most) continue;
    svg += fmt::format("<line x1=\"{}\" x2=\"{}\" y1=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"#ccc\"/>\n",
                       left, left + width, y(level / most), y(level / most));
    svg += text(8, y(level / most) + 4, "#555", fmt::format("{:.0f}/s", level));
  }
  svg += line([&](std::size_t s) { return static_cast<double>(held[s]); }, most_held, "#999");
  svg +=
      line([&](std::size_t s) { return static_cast<double>(seen[s].requests); }, most, "#1668b8");
  svg += line([&](std::size_t s) { return static_cast<double>(seen[s].turned_away); }, most,
              "#d0312d");
  for (int s = from; s <= until; s += 60) {
    svg += text(x(s) - 12, top + height + 20, "#555", fmt::format("{} s", s - outage_ends));
  }
  svg += text(left, 24, "#1668b8", "requests a second");
  svg += text(left + 150, 24, "#d0312d", "of them turned away with 429");
  svg += text(left + 370, 24, "#777", fmt::format("held records (at most {:.0f})", most_held));
  svg += text(left + 580, 24, "#a05050", "shaded: the destination is down");
  return svg + "</svg>\n";
}

}  // namespace

int run_fleet(std::uint64_t seed, const char* svg) {
  Fleet fleet(seed);
  const std::vector<std::uint64_t> held = fleet.run();
  const auto& seen = fleet.seconds_seen();
  const auto mean = [&](int from, int until, auto what) {
    double sum = 0;
    for (int s = from; s < until; ++s) sum += what(seen[static_cast<std::size_t>(s)]);
    return sum / (until - from);
  };
  const auto requests = [](const Shared::Second& s) { return s.requests; };
  const auto turned_away = [](const Shared::Second& s) { return s.turned_away; };
  const double steady = mean(outage_begins - 60, outage_begins, requests);
  const double down = mean(outage_begins + 60, outage_ends, requests);
  const double first_ten = mean(outage_ends, outage_ends + 10, requests);
  double worst_second = 0;
  for (int s = outage_ends; s < outage_ends + 10; ++s) {
    worst_second = std::max<double>(worst_second, seen[static_cast<std::size_t>(s)].requests);
  }
  const std::uint64_t usual =
      *std::max_element(held.begin() + outage_begins - 60, held.begin() + outage_begins);
  int gone = outage_ends;
  while (gone < run_ends && held[static_cast<std::size_t>(gone)] > usual) ++gone;
  const int until = std::max(outage_ends + 1, gone);
  const double ramp = mean(outage_ends, until, requests);
  const double away = mean(outage_ends, until, turned_away);
  fmt::print(
      "{} sidecars, capacity {:.0f}/s, an outage of {} s\n"
      "requests a second: steady {:.0f}, in the outage {:.0f}, in the first ten seconds after it "
      "{:.0f} (at most {:.0f} in one), until the backlog is gone {:.0f}, {:.1f}% of them turned "
      "away\n"
      "the backlog of {} records is gone {} s after the outage\n",
      sidecars, capacity, outage_ends - outage_begins, steady, down, first_ten, worst_second, ramp,
      100 * away / ramp, *std::max_element(held.begin(), held.end()), gone - outage_ends);
  if (svg != nullptr) {
    std::FILE* file = std::fopen(svg, "w");
    if (file == nullptr) return 1;
    fmt::print(file, "{}", picture(seen, held, steady));
    std::fclose(file);
  }
  const bool gentle = first_ten <= 1.5 * steady;
  const bool yields = away <= 0.05 * ramp;
  const bool done = gone < outage_ends + 300;
  if (!gentle) fmt::print("BROKEN: more than 1.5 times steady state right after the outage\n");
  if (!yields) fmt::print("BROKEN: more than one request in twenty is turned away on the ramp\n");
  if (!done) fmt::print("BROKEN: the backlog isn't gone after 300 s\n");
  return gentle && yields && done ? 0 : 1;
}

}  // namespace forager::sim
