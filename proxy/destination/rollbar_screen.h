// What of a request becomes items of Rollbar: errors, each once, and not more of them than the caps
// allow. Everything else is filtered with its reason.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "destination/screen.h"
#include "rollbar/duplicates.h"
#include "rollbar/rate.h"
#include "rollbar/read.h"
#include "rollbar/repeats.h"

namespace forager::destination {

/// One error of an item that is sent.
struct RollbarPick {
  std::uint32_t error = 0;      ///< which, as rollbar::read_occurrences counts
  std::uint64_t held_back = 0;  ///< of its kind, before it
  std::uint32_t repeat = 0;     ///< Occurrence::repeat
};
/// How picks go from the screen to encode(): as Stretch::lane. Empty stands for all errors with
/// nothing held back and no equal ones before them.
std::string lane_of(const std::vector<RollbarPick>& picks);
/// `errors`: how many the item has. Picks beyond them are left out.
std::vector<RollbarPick> picks_of(std::string_view lane, std::size_t errors);

class RollbarScreen final : public Screen {
 public:
  RollbarScreen(rollbar::ReadRules rules, rollbar::RateConfig rate) : rules_(rules), rate_(rate) {}
  std::vector<Stretch> look(Signal signal, std::string_view body, WallTime now) override;
  bool eager() const override { return true; }

 private:
  Stretch judge_item(std::uint32_t item, WallTime now);

  rollbar::ReadRules rules_;
  rollbar::Duplicates duplicates_;
  rollbar::Rate rate_;
  rollbar::Repeats repeats_;                 ///< in the record that is looked at
  std::vector<rollbar::Occurrence> errors_;  ///< of the item that is looked at
};

}  // namespace forager::destination
