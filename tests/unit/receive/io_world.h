// An io_context that a test's thread runs, and how the test looks at what lives on it.
#pragma once

#include <chrono>
#include <future>
#include <thread>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "base/async.h"
#include "base/time.h"

namespace forager::receive {

/// Whoever derives from it has the thread.
class IoWorld {
 public:
  /// Runs on the io thread and gives back what it returns.
  template <class Work>
  auto on_io(Work work) {
    std::packaged_task<decltype(work())()> task(std::move(work));
    auto result = task.get_future();
    asio::post(io, [&task] { task(); });
    return result.get();
  }
  /// Asks on the io thread until it is true; false after 5 s.
  template <class Condition>
  bool eventually(Condition condition) {
    const Time until = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (std::chrono::steady_clock::now() < until) {
      if (on_io(condition)) return true;
      std::this_thread::yield();
    }
    return false;
  }

  asio::io_context io{1};
};

}  // namespace forager::receive
