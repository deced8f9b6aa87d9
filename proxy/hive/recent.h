// The last requests, in memory and within a fixed number of bytes: what GET /hive/recent shows.
// Sans-IO.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "otlp/signal.h"

namespace forager::hive {

/// One request as it was delivered to the hive.
struct Kept {
  WallTime received_at{};
  Signal signal = Signal::traces;
  std::uint32_t items = 0;
  std::size_t bytes = 0;              ///< of the body, also when it was not kept
  std::vector<std::string> services;  ///< distinct service.name values
  std::optional<std::string> body;    ///< nullopt: too large to keep beside others
};

/// Newest first in all its answers; the oldest go when there is no room.
class Recent {
 public:
  Recent(std::size_t bytes_max, std::size_t count_max)
      : bytes_max_(bytes_max), count_max_(count_max) {}

  /// False for a body of more than a quarter of the room: it would push out everything else.
  bool keeps(std::size_t body_bytes) const { return body_bytes <= bytes_max_ / 4; }
  /// A body that it doesn't keep is forgotten, its facts are not.
  void add(Kept request);
  std::size_t bytes() const { return bytes_; }  ///< at most `bytes_max`
  std::size_t count() const { return kept_.size(); }
  const Kept& newest(std::size_t back) const { return kept_[kept_.size() - 1 - back]; }

 private:
  std::size_t bytes_max_;
  std::size_t count_max_;
  std::size_t bytes_ = 0;
  std::deque<Kept> kept_;
};

struct RecentQuery {
  std::size_t limit = 20;
  std::optional<Signal> signal;
};

/// From "limit=5&signal=traces"; a fault names the parameter that isn't one.
Result<RecentQuery> parse_recent_query(std::string_view query);

using ToJson = std::function<std::string(Signal, std::string_view body)>;

/// A JSON list of {received_at, signal, items, bytes, services, data}, newest first. `data` is
/// OTLP/JSON as `to_json` makes it, or null with a `note` that says why. Once the answer has 4 MiB,
/// what follows comes without data.
std::string recent_json(const Recent& recent, const RecentQuery& query, const ToJson& to_json);

}  // namespace forager::hive
