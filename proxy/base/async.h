// The few async forms used everywhere: one token, Event (look at the state, wait, look again), Gate
// (nobody is left running), offload (a pure function on the worker pool). No channel and no `a ||
// b`: both lose data on Boost 1.81.
#pragma once

#include <exception>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/time.h"

namespace forager {

namespace asio = boost::asio;

inline constexpr auto use_tuple = asio::as_tuple(asio::use_awaitable);

/// Prints what escaped a task that must not fail and ends the process: a restart is safe, a silent
/// half-life is not.
[[noreturn]] void die_of(std::exception_ptr error, std::string_view task) noexcept;

/// Starts a task that lives as long as the process part that started it. An escaping exception ends
/// the process.
template <class Executor>
void spawn(const Executor& executor, asio::awaitable<void> task, std::string_view name) {
  asio::co_spawn(executor, std::move(task), [name](std::exception_ptr error) {
    if (error) die_of(error, name);
  });
}

/// A condition variable for coroutines of one thread. Waiters look at their state again after each
/// return.
class Event {
 public:
  explicit Event(asio::any_io_executor executor) : executor_(std::move(executor)) {}
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  void notify_all() {
    for (asio::steady_timer* waiter : waiters_) waiter->cancel();
  }
  /// Returns when notified or at `until`, whichever comes first; also at times for no reason.
  asio::awaitable<void> wait_until(Time until) {
    asio::steady_timer timer(executor_, until);
    const Registration here(waiters_, timer);
    co_await timer.async_wait(use_tuple);
  }
  asio::awaitable<void> wait() { return wait_until(Time::max()); }

 private:
  using Waiters = std::vector<asio::steady_timer*>;
  class Registration {
   public:
    Registration(Waiters& waiters, asio::steady_timer& timer) : waiters_(waiters), timer_(&timer) {
      waiters_.push_back(timer_);
    }
    Registration(const Registration&) = delete;
    Registration& operator=(const Registration&) = delete;
    ~Registration() { std::erase(waiters_, timer_); }

   private:
    Waiters& waiters_;
    asio::steady_timer* timer_;
  };
  asio::any_io_executor executor_;
  Waiters waiters_;
};

/// Counts tasks; `closed` ones let nobody in, and `drained` waits for the last to leave.
class Gate {
 public:
  explicit Gate(asio::any_io_executor executor) : emptied_(std::move(executor)) {}
  class Pass {
   public:
    explicit Pass(Gate& gate) : gate_(&gate) { ++gate.inside_; }
    Pass(Pass&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}
    Pass& operator=(Pass&&) = delete;
    ~Pass() {
      if (gate_ != nullptr && --gate_->inside_ == 0) gate_->emptied_.notify_all();
    }

   private:
    Gate* gate_;
  };
  Pass enter() { return Pass(*this); }
  std::size_t inside() const { return inside_; }
  /// Returns when nobody is inside, or at `deadline`.
  asio::awaitable<void> drained(Time deadline) {
    while (inside_ != 0 && std::chrono::steady_clock::now() < deadline) {
      co_await emptied_.wait_until(deadline);
    }
  }

 private:
  Event emptied_;
  std::size_t inside_ = 0;
};

namespace detail {
template <class Work>
asio::awaitable<std::invoke_result_t<Work>> run_there(Work work) {
  co_return work();
}
}  // namespace detail

/// Runs a pure function of values on the pool and resumes here with its result. `work` must own all
/// it touches.
template <class Work>
asio::awaitable<std::invoke_result_t<Work>> offload(asio::thread_pool& pool, Work work) {
  auto task = detail::run_there(std::move(work));
  auto result = co_await asio::co_spawn(pool, std::move(task), asio::use_awaitable);
  co_return result;
}

}  // namespace forager
