// What a destination's state is worth a log line: trouble when it begins or gets worse, once a
// minute while it lasts, and its end. Pure: gives lines, the exporter prints them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "export/delivery.h"

namespace forager::exporter {

struct LogLine {
  enum class Level : std::uint8_t { info, warn, error };  ///< error: a person must act
  Level level = Level::info;
  std::string text;
};

class StateLog {
 public:
  explicit StateLog(std::string destination) : destination_(std::move(destination)) {}

  /// After each answer. `quarantined` and `rejected`: items in the ledger so far.
  std::vector<LogLine> update(const DeliveryState& state, std::uint64_t quarantined,
                              std::uint64_t rejected, Time now);

 private:
  void note_trouble(const DeliveryState& state, int severity, Time now, std::vector<LogLine>& out);
  void note_items(std::uint64_t quarantined, std::uint64_t rejected, const std::string& why,
                  Time now, std::vector<LogLine>& out);

  std::string destination_;
  int severity_ = 0;   ///< of the trouble under way; 0: none
  bool told_ = false;  ///< that trouble was logged, so its end is too
  Time begun_{};
  std::optional<Time> last_line_;
  std::uint64_t untold_ = 0;  ///< answers in trouble since the last line
  std::string last_words_;
  std::uint64_t quarantined_ = 0;  ///< as last logged
  std::uint64_t rejected_ = 0;
  std::optional<Time> last_items_line_;
};

}  // namespace forager::exporter
