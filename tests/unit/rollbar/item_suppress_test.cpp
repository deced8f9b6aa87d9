#include <chrono>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "rollbar/duplicates.h"
#include "rollbar/rate.h"
#include "unit/rollbar/errors.h"

namespace forager::rollbar {
namespace {

using namespace std::chrono_literals;

constexpr WallTime now{std::chrono::seconds(1'767'225'600)};
constexpr std::uint64_t now_nanos = 1'767'225'600'000'000'000;

Occurrence error(Signal signal, std::string_view message = "m") {
  Occurrence made;
  made.signal = signal;
  made.trace_id = test::a_trace;
  made.span_id = test::a_span;
  made.type = "E";
  made.message = message;
  made.time = now_nanos;
  return made;
}

TEST(Duplicates, AreTheSameExceptionInTheOtherSignal) {
  for (const auto& [first, second] :
       {std::pair{Signal::traces, Signal::logs}, {Signal::logs, Signal::traces}}) {
    Duplicates duplicates;
    EXPECT_FALSE(duplicates.is_double(error(first), now));
    EXPECT_TRUE(duplicates.is_double(error(second), now + 5min));
    EXPECT_FALSE(duplicates.is_double(error(first), now)) << "asked again, the answer is the same";
  }
}

TEST(Duplicates, AreNotErrorsThatDifferInAnything) {
  const auto unlike = [](auto change) {
    Duplicates duplicates;
    Occurrence other = error(Signal::logs);
    change(other);
    EXPECT_FALSE(duplicates.is_double(error(Signal::traces), now));
    EXPECT_FALSE(duplicates.is_double(other, now));
  };
  const std::string other_trace(16, 'x');
  const std::string other_span(8, 'x');
  unlike([&](Occurrence& e) { e.trace_id = other_trace; });
  unlike([&](Occurrence& e) { e.span_id = other_span; });
  unlike([](Occurrence& e) { e.type = "F"; });
  unlike([](Occurrence& e) { e.message = "n"; });
  unlike([](Occurrence& e) { e.type = "Em", e.message = ""; });
  unlike([](Occurrence& e) { e.kind = Occurrence::Kind::log_message; });
}

TEST(Duplicates, AreSeenWhenOnlyTheStackAgrees) {
  Duplicates duplicates;
  Occurrence event = error(Signal::traces, "'a'");
  event.type = "shop.Missing";
  event.stacktrace =
      "Traceback (most recent call last):\n  File \"a.py\", line 3, in f\n    g()\nshop.Missing: "
      "'a'\n";
  Occurrence log = error(Signal::logs, "a");
  log.type = "Missing";
  log.stacktrace =
      "Traceback (most recent call last):\n  File \"b.py\", line 1, in h\n    f()\n"
      "  File \"a.py\", line 3, in f\n    g()\nshop.Missing: 'a'\n";
  EXPECT_FALSE(duplicates.is_double(event, now));
  Occurrence other = log;
  other.stacktrace = "Traceback (most recent call last):\nshop.Missing: 'b'\n";
  EXPECT_FALSE(duplicates.is_double(other, now));
  other.stacktrace = "  no line of its own\n";
  EXPECT_FALSE(duplicates.is_double(other, now));
  Duplicates again;
  EXPECT_FALSE(again.is_double(event, now));
  EXPECT_TRUE(again.is_double(log, now));
}

TEST(Duplicates, NeedATrace) {
  Duplicates duplicates;
  for (const Signal signal : {Signal::traces, Signal::logs}) {
    Occurrence loose = error(signal);
    loose.trace_id = {};
    EXPECT_FALSE(duplicates.is_double(loose, now));
  }
}

TEST(Duplicates, LookAtTheFirst200CharactersOfTheMessage) {
  Duplicates duplicates;
  const std::string start(199, 'a');
  EXPECT_FALSE(duplicates.is_double(error(Signal::traces, start + "\xC3\xA4"
                                                                  "1"),
                                    now));
  const std::string same = start +
                           "\xC3\xA4"
                           "2";
  EXPECT_TRUE(duplicates.is_double(error(Signal::logs, same), now));
  const std::string other = start +
                            "\xC3\xB6"
                            "1";
  EXPECT_FALSE(duplicates.is_double(error(Signal::logs, other), now));
}

TEST(Duplicates, AreForgottenAfterFiveMinutesAndWhenThereAreTooMany) {
  Duplicates duplicates;
  EXPECT_FALSE(duplicates.is_double(error(Signal::traces), now));
  EXPECT_FALSE(duplicates.is_double(error(Signal::logs), now + 5min + 1s));
  Duplicates full;
  EXPECT_FALSE(full.is_double(error(Signal::traces), now));
  for (std::size_t i = 0; i < 2 * Duplicates::size_max; ++i) {
    full.is_double(error(Signal::traces, fmt::format("{}", i)), now);
  }
  EXPECT_LE(full.size(), Duplicates::size_max);
  EXPECT_FALSE(full.is_double(error(Signal::logs), now));
}

TEST(Duplicates, SurviveAClockThatIsSetBack) {
  Duplicates duplicates;
  EXPECT_FALSE(duplicates.is_double(error(Signal::traces), now));
  EXPECT_FALSE(duplicates.is_double(error(Signal::traces, "later"), now - 24h));
  EXPECT_EQ(duplicates.size(), 1U) << "nothing is kept for a day";
}

TEST(Rate, LetsSoManyOfAMinutePass) {
  Rate rate({5, 0});
  int passed = 0;
  for (int i = 0; i < 20; ++i) passed += rate.ask(error(Signal::traces), now).passes ? 1 : 0;
  EXPECT_EQ(passed, 5);
  EXPECT_EQ(rate.held_back(), 15U);
  Occurrence later = error(Signal::traces);
  later.time += 60'000'000'000;
  const auto answer = rate.ask(later, now + 60s);
  EXPECT_TRUE(answer.passes);
  EXPECT_EQ(answer.held_back, 15U);
  EXPECT_EQ(rate.ask(later, now + 60s).held_back, 0U) << "told once";
}

TEST(Rate, LetsOneKindNotTakeThePlaceOfOthers) {
  Rate rate({60, 3});
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(rate.ask(error(Signal::traces, fmt::format("order {} failed", i)), now).passes,
              i < 3);
  }
  EXPECT_TRUE(rate.ask(error(Signal::traces, "disk is full"), now).passes);
}

TEST(Rate, DoesNotTakeABacklogForAStorm) {
  Rate rate({5, 0});
  int passed = 0;
  for (std::uint64_t minute = 0; minute < 60;
       ++minute) {  // an outage of an hour, all looked at now
    for (int i = 0; i < 5; ++i) {
      Occurrence old = error(Signal::traces);
      old.time = now_nanos - (60 - minute) * 60'000'000'000;
      passed += rate.ask(old, now).passes ? 1 : 0;
    }
  }
  EXPECT_EQ(passed, 300);
}

TEST(Rate, IsNotDeceivedByTimesThatCantBe) {
  Rate rate({5, 0});
  int passed = 0;
  for (std::uint64_t i = 0; i < 100; ++i) {
    Occurrence wrong = error(Signal::traces);
    wrong.time = i % 2 == 0 ? 0 : now_nanos + i * 60'000'000'000;  // none, or in the future
    passed += rate.ask(wrong, now).passes ? 1 : 0;
  }
  EXPECT_EQ(passed, 5);
  // Older and older: all that is remembered fills up, then the oldest minute stands for the rest.
  for (std::uint64_t i = 1; i < 10'000; ++i) {
    Occurrence old = error(Signal::traces);
    old.time = now_nanos - i * 60'000'000'000;
    passed += rate.ask(old, now).passes ? 1 : 0;
  }
  EXPECT_LE(passed, 5 + 64 + 5);
}

TEST(Rate, HasNoCapWhenToldSo) {
  Rate rate({0, 0});
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(rate.ask(error(Signal::traces), now).passes);
}

Occurrence with_stack(std::string_view stack) {
  Occurrence made = error(Signal::traces);
  made.stacktrace = stack;
  return made;
}

TEST(Kind, IsTypeAndFramesWithoutTheirLines) {
  const auto base = kind_of(with_stack("E: order 17\n  File \"a.py\", line 3, in f\n    g()\n"));
  EXPECT_EQ(base, kind_of(with_stack("E: other\n  File \"a.py\", line 99, in f\n    g()\n")));
  EXPECT_NE(base, kind_of(with_stack("E: order 17\n  File \"b.py\", line 3, in f\n    g()\n")));
  EXPECT_NE(base, kind_of(with_stack("E: order 17\n  File \"a.py\", line 3, in h\n    g()\n")));
  Occurrence typed = with_stack("E: order 17\n  File \"a.py\", line 3, in f\n    g()\n");
  typed.type = "F";
  EXPECT_NE(base, kind_of(typed));
  EXPECT_EQ(kind_of(with_stack("goroutine 1:\nmain.f(0xc0001)\n\t/a.go:12 +0x1d\n")),
            kind_of(with_stack("goroutine 7:\nmain.f(0xc0f2a)\n\t/a.go:14 +0x2f\n")));
}

TEST(Kind, OfAMessageIsItsTextWithoutNumbers) {
  const auto of = [](std::uint32_t severity, const std::string& text) {
    const std::string body = test::request({test::log(severity, text)});
    return kind_of(test::errors_in(Signal::logs, body).at(0));
  };
  EXPECT_EQ(of(17, "order 7 failed"), of(17, "order 123456 failed"));
  EXPECT_EQ(of(17, "id 5f3a9c failed"), of(17, "id 0b1c2d3e failed"));
  EXPECT_NE(of(17, "order 7 failed"), of(17, "order 7 paid"));
}

}  // namespace
}  // namespace forager::rollbar
