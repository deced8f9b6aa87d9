// One destination's delivery with everything around it, under a clock that the test moves.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "export/delivery.h"
#include "unit/batch/numbered.h"

namespace forager::test {

/// What a test may set of its destination.
struct Like {
  destination::Limits most{};
  bool log_time = false;
  std::array<bool, signal_count> taken{true, true, true};
  /// What its screen says of an item with this number; empty: it has no screen.
  std::function<destination::Stretch(std::uint64_t number)> screen{};
  Duration good_for{};
  bool eager = false;
  std::function<void(std::string_view body)> looked_at{};
};

/// Asks the test about each item; equal answers for neighbours become one stretch.
class NumberScreen : public destination::Screen {
 public:
  explicit NumberScreen(const Like& like) : like_(like) {}
  std::vector<destination::Stretch> look(Signal signal, std::string_view body,
                                         WallTime /*now*/) override {
    if (like_.looked_at) like_.looked_at(body);
    std::vector<destination::Stretch> made;
    std::uint32_t item = 0;
    for (const std::uint64_t number : numbers_in(signal, body)) {
      destination::Stretch one = like_.screen(number);
      one.first = item++;
      one.last = item;
      const bool goes_along = !made.empty() && made.back().fate == one.fate &&
                              made.back().reason == one.reason && made.back().lane == one.lane &&
                              one.oldest == 0 && made.back().requests == one.requests;
      if (goes_along) {
        made.back().last = item;
        made.back().weight += one.weight;
      } else {
        made.push_back(one);
      }
    }
    return made;
  }
  Duration good_for() const override { return like_.good_for; }
  bool eager() const override { return like_.eager; }

 private:
  Like like_;
};

/// Limits and a name; answers are the test's.
class PlainDestination : public destination::Destination {
 public:
  explicit PlainDestination(std::string name = "honeycomb", Like like = {})
      : name_(std::move(name)), like_(std::move(like)) {}
  std::string_view name() const override { return name_; }
  bool takes(Signal signal) const override { return like_.taken[static_cast<std::size_t>(signal)]; }
  destination::Limits limits(Signal /*signal*/) const override { return like_.most; }
  bool wants_log_time() const override { return like_.log_time; }
  std::unique_ptr<destination::Screen> make_screen() const override {
    return like_.screen ? std::make_unique<NumberScreen>(like_) : nullptr;
  }
  net::Request encode(const destination::Encoded& /*batch*/) const override { return {}; }
  void sign(net::Request& /*request*/, Signal /*signal*/, const destination::Credentials& /*with*/,
            WallTime /*now*/) const override {}
  destination::Verdict judge(const net::Response& /*response*/, Signal /*signal*/,
                             destination::Codec /*codec*/, WallTime /*now*/) const override {
    return destination::Delivered{};
  }

 private:
  std::string name_;
  Like like_;
};

struct World {
  explicit World(exporter::DeliveryConfig config = {}, journal::JournalConfig log = {},
                 Like like = {})
      : journal(log, books),
        destination("honeycomb", std::move(like)),
        delivery(
            with_clock(std::move(config)), destination, journal, quarantine,
            [this] { return unit; }, now) {}

  exporter::DeliveryConfig with_clock(exporter::DeliveryConfig config) {
    config.wall_clock = [this] { return WallTime(now.time_since_epoch()); };
    return config;
  }
  journal::Position add(const Numbered& plan) {
    auto record = numbered(plan);
    record.arrived = WallTime(now.time_since_epoch());
    auto charge = budget.take(record.body.size());
    return journal.append(std::move(record), std::move(charge.value()), now).value();
  }
  /// The next attempt; nullptr when it says Wait.
  exporter::Attempt* send() {
    auto next = delivery.next(now);
    auto* attempt = std::get_if<exporter::Attempt*>(&next);
    return attempt == nullptr ? nullptr : *attempt;
  }
  /// How long it would wait; zero when there was an attempt (a failure of the test).
  Duration wait() {
    const auto next = delivery.next(now);
    const auto* wait = std::get_if<exporter::Wait>(&next);
    EXPECT_NE(wait, nullptr) << "expected nothing to send";
    if (wait == nullptr) return Duration::zero();
    return wait->until == Time::max() ? Duration::max() : wait->until - now;
  }
  void answer(const exporter::Attempt* attempt, const destination::Verdict& verdict) {
    delivery.answered(attempt->id, verdict, now);
  }
  std::vector<std::uint64_t> numbers(const exporter::Attempt& attempt) {
    return numbers_in(attempt.signal, delivery.raw_body(attempt).joined());
  }
  std::uint64_t count(ledger::Reason reason, Signal signal = Signal::traces) {
    return books.book(destination.name()).count(signal, reason);
  }
  std::string imbalance() const {
    return ledger::imbalance(
        books, [this](std::string_view name, Signal s) { return journal.held_items(name, s); });
  }
  /// Sends until it says Wait, each answered by `judge` on its numbers; returns how many were sent.
  template <class Judge>
  int serve(Judge judge) {
    int sent = 0;
    while (auto* attempt = send()) {
      ++sent;
      answer(attempt, judge(numbers(*attempt)));
      EXPECT_EQ(imbalance(), "");
    }
    return sent;
  }

  double unit = 0.5;  ///< the only randomness
  Time now{std::chrono::hours(1)};
  ledger::Ledger books;
  Budget budget{1'000'000'000};
  journal::Journal journal;
  journal::Quarantine quarantine{1'000'000, budget};
  PlainDestination destination;
  exporter::Delivery delivery;
};

/// A destination's answer to a batch with these numbers in it: 400 if any is poison.
inline auto refuses(std::vector<std::uint64_t> poison) {
  return [poison = std::move(poison)](
             const std::vector<std::uint64_t>& numbers) -> destination::Verdict {
    for (const auto n : numbers) {
      if (std::find(poison.begin(), poison.end(), n) != poison.end()) {
        return destination::TakeApart{"400: bad value", false};
      }
    }
    return destination::Delivered{};
  };
}

}  // namespace forager::test
