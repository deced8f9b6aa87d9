#include "rollbar/repeats.h"

#include <algorithm>
#include <cstddef>

#include "rollbar/hash.h"

namespace forager::rollbar {
namespace {

// Of each end. Errors that differ only between the ends are counted as one kind, which makes their
// numbers larger and no uuid the same.
constexpr std::size_t hashed_bytes = 1024;

void hash_ends(std::string_view text, Hash& hash) {
  for (std::size_t size = text.size(); size != 0; size >>= 8U) hash.byte(static_cast<char>(size));
  hash.part(text.substr(0, hashed_bytes));
  if (text.size() > hashed_bytes) {
    hash.part(text.substr(std::max(hashed_bytes, text.size() - hashed_bytes)));
  }
}

}  // namespace

std::uint32_t Repeats::number_of(const Occurrence& error) {
  const std::uint64_t key = key_of(error);
  const auto known = seen_.find(key);
  if (known != seen_.end()) return known->second++;
  if (seen_.size() < kinds_max) seen_.emplace(key, 1);
  return 0;
}

/// Equal for errors of equal uuids; what surrounds them doesn't count.
std::uint64_t Repeats::key_of(const Occurrence& error) {
  Hash hash;
  hash.byte(static_cast<char>(error.signal));
  if (error.signal == Signal::logs) {
    hash_ends(error.item, hash);
    return hash.value();
  }
  for (std::uint64_t time = error.time; time != 0; time >>= 8U) hash.byte(static_cast<char>(time));
  for (std::uint32_t index = error.index; index != 0; index >>= 8U) {
    hash.byte(static_cast<char>(index));
  }
  hash.part(error.trace_id).part(error.span_id).part(error.type);
  hash_ends(error.message, hash);
  hash_ends(error.stacktrace, hash);
  return hash.value();
}

}  // namespace forager::rollbar
