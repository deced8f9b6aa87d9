#include "rollbar/duplicates.h"

#include <algorithm>

#include "rollbar/hash.h"
#include "rollbar/truncate.h"

namespace forager::rollbar {
namespace {

// PROTOCOLS 4.5: trace, span, type, and the beginning of the message.
constexpr std::size_t message_characters = 200;
constexpr std::size_t hashed_bytes_max = 16 * 1024;

Hash ids_of(const Occurrence& error) {
  Hash hash;
  hash.part(error.trace_id).part(error.span_id);
  return hash;
}

std::uint64_t key_of_attributes(const Occurrence& error) {
  return ids_of(error)
      .part(error.type)
      .part(first_characters(error.message, message_characters))
      .value();
}

/// Python's SDK calls the same exception "KeyError: 'a'" in the event and "KeyError: a" in the log,
/// and leaves out the module there. What stands between the frames is alike: type and message, as
/// the language prints them. 0: there is no such line.
std::uint64_t key_of_stack(const Occurrence& error) {
  Hash hash = ids_of(error);
  bool any = false;
  std::string_view left = error.stacktrace.substr(0, hashed_bytes_max);
  while (!left.empty()) {
    const std::string_view line = left.substr(0, left.find('\n'));
    left.remove_prefix(std::min(line.size() + 1, left.size()));
    if (line.empty() || line.front() == ' ' || line.front() == '\t') continue;
    hash.part(line);
    any = true;
  }
  return any ? hash.value() : 0;
}

}  // namespace

bool Duplicates::is_double(const Occurrence& error, WallTime now) {
  if (error.kind != Occurrence::Kind::exception) return false;
  if (error.trace_id.empty() || error.span_id.empty()) return false;
  const bool by_attributes = came_as_other(key_of_attributes(error), error.signal, now);
  const std::uint64_t stack = key_of_stack(error);
  const bool by_stack = stack != 0 && came_as_other(stack, error.signal, now);
  return by_attributes || by_stack;
}

bool Duplicates::came_as_other(std::uint64_t key, Signal signal, WallTime now) {
  forget_old(now);
  const auto [found, is_new] = first_.try_emplace(key, First{signal, now});
  if (is_new) order_.push_back(key);
  return found->second.signal != signal;
}

void Duplicates::forget_old(WallTime now) {
  while (!order_.empty()) {
    const auto oldest = first_.find(order_.front());
    const auto age = now - oldest->second.seen;
    // Negative: the clock was set back, and nothing is known about the age.
    const bool old = age > window || age < -window || order_.size() >= size_max;
    if (!old) return;
    first_.erase(oldest);
    order_.pop_front();
  }
}

}  // namespace forager::rollbar
