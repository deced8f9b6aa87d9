// When a destination wants to hear from us again: Retry-After and RateLimit (RFC 9110 10.2.3,
// PROTOCOLS 1.4 and 2.6).
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "base/time.h"
#include "net/message.h"

namespace forager::destination {

/// Longest wait a destination can impose: a typing error or a wrong clock there must not stop us
/// for a day. After it we ask again, and are told again.
inline constexpr std::chrono::hours retry_after_max{1};

/// Delta-seconds or one of the three HTTP dates, as time from `now`, between 0 and retry_after_max.
/// nullopt: negative or garbage.
std::optional<Duration> parse_retry_after(std::string_view value, WallTime now);

/// One of IMF-fixdate, RFC 850 (two-digit years are the nearest not over 50 years ahead of `now`)
/// and asctime; GMT all.
std::optional<WallTime> parse_http_date(std::string_view value, WallTime now);

/// Retry-After if there is a sound one; else the reset of `RateLimit: limit=X, remaining=Y,
/// reset=Z` (or r and t of its newer form) when the status is 429 or nothing remains.
std::optional<Duration> retry_after(const net::Response& response, WallTime now);

}  // namespace forager::destination
