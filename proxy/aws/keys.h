// What a source of credentials gives, or why it gives none. Shared by all sources here.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <boost/system/result.hpp>

#include "base/result.h"
#include "base/time.h"
#include "destination/destination.h"

namespace forager::aws {

/// Keys and until when they hold; no end: they are changed by hand alone.
struct Fetched {
  destination::AwsKeys keys;
  std::optional<WallTime> expires = std::nullopt;
};

/// Why there are none, with the fix. `again`: the same question may have another answer in a
/// second.
struct Failure {
  Failure() = default;
  /// Both always: could a string alone make one, a result<std::string, Failure> would not know
  /// which of the two it is.
  Failure(std::string why, bool passes) : what(std::move(why)), again(passes) {}
  std::string what;
  bool again = false;
};
[[noreturn]] inline void throw_exception_from_error(const Failure& failure,
                                                    const boost::source_location& /*where*/) {
  throw std::runtime_error(failure.what);
}
using Outcome = boost::system::result<Fetched, Failure>;

/// What can't be an access key id, in one clause; empty: it can be one. It goes into a header as it
/// is.
inline std::string_view unfit_key_id(std::string_view id) {
  constexpr std::size_t longest = 128;
  if (id.empty()) return "is empty";
  if (id.size() > longest) return "is over 128 characters long";
  if (id.front() == '"' || id.front() == '\'') return "is in quotes: write it without";
  const auto word = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
  };
  return std::all_of(id.begin(), id.end(), word) ? std::string_view()
                                                 : "has other characters than letters and digits";
}

/// "AKIA...WXYZ": enough to tell keys apart in a log. Short ones show their beginning alone.
inline std::string shown_key_id(std::string_view id) {
  constexpr std::size_t ends = 4;
  if (id.size() < 3 * ends) return std::string(id.substr(0, std::min(ends, id.size() / 2))) + "...";
  return std::string(id.substr(0, ends)) + "..." + std::string(id.substr(id.size() - ends));
}

}  // namespace forager::aws
