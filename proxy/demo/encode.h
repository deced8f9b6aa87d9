// The story as three OTLP requests, written with protozero. Field numbers: PROTOCOLS 1.6.
#pragma once

#include <cstdint>
#include <string>

#include "demo/story.h"

namespace forager::demo {

struct DemoRequests {
  std::string traces;  ///< Export*ServiceRequest each
  std::string logs;
  std::string metrics;
  std::uint32_t spans = 0;
  std::uint32_t log_records = 0;
  std::uint32_t data_points = 0;
  std::string trace_id;  ///< 32 hex digits
};

DemoRequests encode(const Story& story);
DemoRequests make_demo(WallTime now, std::mt19937_64& random);

}  // namespace forager::demo
