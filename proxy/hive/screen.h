// Puts lines on a terminal at a pace a person can follow: at most 20 a second, the others as one
// number. Sans-IO: the sink is an argument, and so is the time.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "hive/lines.h"

namespace forager::hive {

/// Takes one line with its line feed; false: there is no room for it now, and it must not be waited
/// for.
using Sink = std::function<bool(std::string_view line)>;

class Screen {
 public:
  static constexpr std::uint32_t lines_a_second = 20;

  Screen(Sink sink, bool colour) : sink_(std::move(sink)), colour_(colour) {}

  /// `clock` as "14:03:07".
  void show(const Line& line, std::string_view clock, Time now);
  /// Says what was left out in a second that is over. Call now and then while `behind()`.
  void catch_up(std::string_view clock, Time now);
  bool behind() const;

 private:
  void put(std::string_view text, bool bad, std::string_view clock);
  void leave_out(const Line& line) { left_out_[static_cast<std::size_t>(line.kind)] += line.count; }

  Sink sink_;
  bool colour_;
  Time second_began_{};
  std::uint32_t shown_ = 0;                  ///< in this second
  std::array<std::uint64_t, 4> left_out_{};  ///< by LineKind
  bool sink_full_ = false;
};

/// The local time of day, "14:03:07".
std::string clock_text(WallTime t);
/// Colour is for terminals, and not for who set NO_COLOR to anything (no-color.org). `no_color`:
/// its value, null if unset.
bool colour_wanted(bool is_terminal, const char* no_color);

}  // namespace forager::hive
