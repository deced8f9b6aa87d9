#include "hive/screen.h"

#include <algorithm>
#include <ctime>

#include <fmt/format.h>

namespace forager::hive {

namespace {

struct KindWords {
  std::string_view one;
  std::string_view many;
};
constexpr std::array<KindWords, 4> kind_words{{{"more trace", "more traces"},
                                               {"more error", "more errors"},
                                               {"more log record", "more log records"},
                                               {"more data point", "more data points"}}};

constexpr std::string_view dim = "\x1b[2m";
constexpr std::string_view red = "\x1b[31m";
constexpr std::string_view plain = "\x1b[0m";

}  // namespace

void Screen::show(const Line& line, std::string_view clock, Time now) {
  catch_up(clock, now);
  if (shown_ >= lines_a_second) return leave_out(line);
  put(line.text, line.bad, clock);
  if (sink_full_) return leave_out(line);
  ++shown_;
}

void Screen::catch_up(std::string_view clock, Time now) {
  if (now - second_began_ < std::chrono::seconds(1)) return;
  second_began_ = now;
  shown_ = 0;
  if (!behind()) return;
  std::string text;
  for (std::size_t kind = 0; kind < left_out_.size(); ++kind) {
    if (left_out_[kind] == 0) continue;
    text += text.empty() ? "... and " : ", ";
    text += counted(left_out_[kind], kind_words[kind].one, kind_words[kind].many);
  }
  put(text, false, clock);
  if (sink_full_) return;
  left_out_ = {};
  ++shown_;
}

bool Screen::behind() const {
  return std::ranges::any_of(left_out_, [](std::uint64_t count) { return count != 0; });
}

void Screen::put(std::string_view text, bool bad, std::string_view clock) {
  const std::string line = colour_ ? fmt::format("{}{}{} {}{}{}\n", dim, clock, plain,
                                                 bad ? red : "", text, bad ? plain : "")
                                   : fmt::format("{} {}\n", clock, text);
  sink_full_ = !sink_(line);
}

std::string clock_text(WallTime t) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(t);
  std::tm local{};
  localtime_r(&seconds, &local);
  return fmt::format("{:02}:{:02}:{:02}", local.tm_hour, local.tm_min, local.tm_sec);
}

bool colour_wanted(bool is_terminal, const char* no_color) {
  return is_terminal && (no_color == nullptr || *no_color == '\0');
}

}  // namespace forager::hive
