// A trace's spans come in several requests, from several services. They are gathered here until the
// trace is worth a line: its root has arrived and the last span is a moment ago, or it has been
// quiet for longer. Sans-IO; bounded.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/time.h"
#include "hive/lines.h"
#include "hive/reading.h"

namespace forager::hive {

class OpenTraces {
 public:
  static constexpr Duration quiet_with_root = std::chrono::milliseconds(100);
  static constexpr Duration quiet_without_root = std::chrono::milliseconds(500);
  static constexpr Duration age_max = std::chrono::seconds(5);  ///< a trace that never falls silent
  static constexpr std::size_t open_max = 1024;
  static constexpr std::size_t memory_max = 1U
                                            << 20U;  ///< bytes this may take at its bounds, about

  /// Returns lines only when the table was full: then all of it is written.
  std::vector<Line> add(const std::vector<SpanFacts>& spans, Time now);
  /// The traces that are worth a line now. Call every 100 ms or so while not empty.
  std::vector<Line> take_due(Time now);
  std::vector<Line> take_all();
  bool empty() const { return open_.empty(); }

 private:
  struct Open {
    Time first;
    Time last;
    std::uint32_t spans = 0;
    std::uint32_t errors = 0;
    std::vector<std::string> services;  ///< each once, at most services_max
    bool has_root = false;
    std::string service;  ///< of the root, or of the earliest span until there is one
    std::string name;
    std::uint64_t start_nanos = UINT64_MAX;  ///< of the span that names the trace
    std::uint64_t end_nanos = 0;
  };
  static constexpr std::size_t services_max = 16;
  static constexpr std::size_t written_max = 1024;

  static void take_in(Open& trace, const SpanFacts& span);
  Line write(const std::string& id, const Open& trace);

  std::unordered_map<std::string, Open> open_;
  std::unordered_set<std::string> written_;  ///< ids that had a line: what follows is "more spans"
  std::deque<std::string> written_order_;
};

}  // namespace forager::hive
