// How an item is made small enough for Rollbar, which takes 512 KiB: the ladder of its own SDKs
// (PROTOCOLS 4.3), and cuts that leave text valid UTF-8. Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace forager::rollbar {

/// What SDKs of Rollbar keep to, as serialized JSON.
inline constexpr std::size_t item_bytes_max = 512 * 1024;
/// The last rung of the ladder fits into this, whatever is in it: it has at most 20 texts of 255
/// bytes, which escapes make 6 times as long at most.
inline constexpr std::size_t item_bytes_min = 32 * 1024;

/// One rung: how much of an item is written.
struct Cut {
  std::string_view name;          ///< what custom.truncated says; empty: nothing was cut
  std::size_t frames = SIZE_MAX;  ///< kept at each end of a stack
  std::size_t causes = SIZE_MAX;  ///< exceptions of a chain
  std::size_t string_bytes = SIZE_MAX;
  bool attributes = true;  ///< custom with the attributes, request headers
  bool minimal = false;    ///< only what Rollbar needs to group and show it
};
/// From all to the least. `limit` bounds the strings of the first rungs: one longer than that
/// can't be part of an item.
std::vector<Cut> ladder(std::size_t limit);

/// The longest start of `text` with at most `bytes` bytes that doesn't end inside of a character.
std::string_view first_bytes(std::string_view text, std::size_t bytes);
/// At most `count` characters (code points), which is how Rollbar's rules count.
std::string_view first_characters(std::string_view text, std::size_t count);

/// What a span of `count` elements keeps: [0, head) and [tail, count).
struct Ends {
  std::size_t head;
  std::size_t tail;
};
Ends ends(std::size_t count, std::size_t at_each_end);

}  // namespace forager::rollbar
