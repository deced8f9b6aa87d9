// The process's own memory: how malloc is set, when what it keeps goes back to the system, and
// start-up code that is not needed again.
#pragma once

#include <algorithm>
#include <cstddef>

namespace forager {

/// To be called once, before there are threads. Two arenas; batches are reused without
/// page faults, larger blocks go back to the system at once.
void set_up_malloc();

/// Gives free pages of all arenas back to the system. Thread-safe; a burst leaves thousands of
/// them, so it belongs to the pool.
void return_free_memory();

/// Unmaps the code that starting has touched: pages of files, which stay in the page cache and come
/// back one fault at a time where they are run again. 4 MiB of 11.7 resident (measured).
/// Thread-safe.
void forget_start();

/// Tells when so much less is held than before that its memory is worth returning. Pure.
class Ebb {
 public:
  /// `held`: bytes in use now. True: a tide of at least `worth` has gone to half or less; the next
  /// one is counted from here.
  bool fell(std::size_t held) {
    highest_ = std::max(highest_, held);
    if (highest_ - held < worth || held > highest_ / 2) return false;
    highest_ = held;
    return true;
  }
  static constexpr std::size_t worth = std::size_t{8} << 20U;

 private:
  std::size_t highest_ = 0;
};

}  // namespace forager
