#include "destination/clock_skew.h"

#include "destination/aws_errors.h"
#include "destination/retry_after.h"

namespace forager::destination {

bool blames_clock(const net::Response& response) {
  if (response.status != 403 && response.status != 400) return false;
  return failure_of(response) == AwsFailure::clock;
}

bool ClockSkew::learn(const net::Response& response, WallTime now) {
  const auto date = response.header("Date");
  const auto theirs = date ? parse_http_date(*date, now) : std::nullopt;
  if (!theirs) return false;
  const auto difference = std::chrono::round<std::chrono::seconds>(*theirs - now);
  const auto before = offset_;
  if (blames_clock(response)) {
    offset_ = difference;
  } else if (std::chrono::abs(difference - offset_) > tolerated) {
    // It never was so, or one of the clocks was set: small differences need no correction.
    offset_ = std::chrono::abs(difference) > tolerated ? difference : std::chrono::seconds(0);
  }
  return offset_ != before;
}

}  // namespace forager::destination
