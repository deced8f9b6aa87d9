#include "rollbar/rate.h"

#include <algorithm>

#include "rollbar/hash.h"
#include "rollbar/value.h"

namespace forager::rollbar {
namespace {

constexpr std::uint64_t minute_nanos = 60'000'000'000;
// Enough of a stack to tell kinds apart, however long it is.
constexpr std::size_t hashed_bytes_max = 16 * 1024;

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/// Without digits, and without whole words of hex digits that have one (ids, addresses): what
/// differs between two errors of a kind.
void hash_words(std::string_view text, Hash& into) {
  while (!text.empty()) {
    const auto* const end = std::ranges::find_if_not(text, is_hex);
    const auto run = static_cast<std::size_t>(end - text.begin());
    const std::string_view word = text.substr(0, run);
    if (std::ranges::none_of(word, is_digit)) {
      for (const char c : word) into.byte(c);
    }
    text.remove_prefix(run);
    if (text.empty()) return;
    if (text.front() != 'x') into.byte(text.front());
    text.remove_prefix(1);
  }
}

/// The frames: lines that are indented, in every language but Ruby and Go's names of functions. The
/// others repeat the message.
void hash_frames(std::string_view stack, Hash& into) {
  stack = stack.substr(0, hashed_bytes_max);
  bool frames = false;
  for (std::string_view left = stack; !left.empty();) {
    const std::string_view line = left.substr(0, left.find('\n'));
    if (line.starts_with(' ') || line.starts_with('\t')) {
      hash_words(line, into);
      frames = true;
    }
    left.remove_prefix(std::min(line.size() + 1, left.size()));
  }
  if (!frames) hash_words(stack, into);
}

}  // namespace

std::uint64_t kind_of(const Occurrence& error) {
  Hash hash;
  hash.byte(static_cast<char>(error.kind)).part(error.type);
  if (!error.stacktrace.empty()) {
    hash_frames(error.stacktrace, hash);
    return hash.value();
  }
  if (error.kind == Occurrence::Kind::span_error) hash.part(error.name);
  std::string_view text = error.message;
  if (error.kind == Occurrence::Kind::log_message) {
    text = string_of(error.body);
    if (text.empty()) text = error.body;
  }
  hash_words(text.substr(0, hashed_bytes_max), hash);
  return hash.value();
}

Rate::Answer Rate::ask(const Occurrence& error, WallTime now) {
  const std::uint64_t kind = kind_of(error);
  if (passes(minute_of(error.time, now), kind)) {
    const auto node = waiting_.extract(kind);
    return {true, node.empty() ? 0 : node.mapped()};
  }
  ++held_back_;
  if (waiting_.size() >= kinds_max && !waiting_.contains(kind)) waiting_.clear();
  ++waiting_[kind];
  return {false, 0};
}

/// The minute of the error; of errors without a time and of those from the future, this one; of
/// those older than all that are remembered, the oldest.
Rate::Minute& Rate::minute_of(std::uint64_t time, WallTime now) {
  const std::uint64_t current = unix_nanos(now) / minute_nanos;
  const std::uint64_t minute = time == 0 ? current : std::min(time / minute_nanos, current);
  if (const auto found = minutes_.find(minute); found != minutes_.end()) return found->second;
  if (minutes_.size() >= minutes_max) {
    if (minute < minutes_.begin()->first) return minutes_.begin()->second;
    minutes_.erase(minutes_.begin());
  }
  return minutes_[minute];
}

bool Rate::passes(Minute& minute, std::uint64_t kind) const {
  if (config_.per_minute != 0 && minute.items >= config_.per_minute) return false;
  if (config_.same_per_minute != 0) {
    const auto known = minute.kinds.find(kind);
    if (known == minute.kinds.end()) {
      if (minute.kinds.size() < kinds_max) minute.kinds.emplace(kind, 1);
    } else if (known->second >= config_.same_per_minute) {
      return false;
    } else {
      ++known->second;
    }
  }
  ++minute.items;
  return true;
}

}  // namespace forager::rollbar
