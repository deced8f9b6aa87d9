#include "yardstick/load.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <sys/resource.h>
#include <thread>
#include <utility>
#include <vector>

namespace forager::bench {
namespace {

using Clock = std::chrono::steady_clock;

/// Settled records alone are due at times nobody tells.
constexpr std::chrono::milliseconds look_again{20};

/// Runs one job after the other.
class DiskThread {
 public:
  DiskThread() : thread_([this] { run(); }) {}
  ~DiskThread() {
    {
      const std::scoped_lock lock(mutex_);
      ending_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  void start(Engine::Job job) {
    {
      const std::scoped_lock lock(mutex_);
      job_ = std::move(job);
    }
    changed_.notify_all();
  }
  /// The job has ended; false: `until` came first.
  bool wait(Clock::time_point until) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_until(lock, until, [this] { return ended_; })) return false;
    ended_ = false;
    return true;
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return job_ || ending_; });
      if (ending_) return;
      const Engine::Job job = std::exchange(job_, {});
      lock.unlock();
      job();
      lock.lock();
      ended_ = true;
      changed_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  Engine::Job job_;
  bool ended_ = false;
  bool ending_ = false;
  std::thread thread_;
};

double cpu_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

/// What is common to the loop under load and to filling.
class Driver {
 public:
  Driver(Engine& engine, std::span<const Slice> bodies) : engine_(engine), bodies_(bodies) {}

  void append(Clock::time_point due) {
    const Slice& body = bodies_[appended_++ % bodies_.size()];
    bytes_ += body.size();
    engine_.append(body);
    waiting_.push_back(due);
    take();
  }
  /// Waits for the group under way, or until then. What became durable is in `micros`.
  void wait(Clock::time_point until) {
    take();
    if (!disk_.wait(until)) return;
    busy_ = false;
    const std::size_t count = engine_.finish_group();
    const auto now = Clock::now();
    groups_ += count != 0 ? 1 : 0;
    durable_ += count;
    for (std::size_t i = 0; i < count; ++i) {
      micros.push_back(std::chrono::duration<double, std::micro>(now - waiting_.front()).count());
      waiting_.pop_front();
    }
  }
  void settle_behind(std::size_t behind) {
    if (durable_ - settled_ <= behind) return;
    const std::size_t count = durable_ - settled_ - behind;
    engine_.settle(count);
    settled_ += count;
  }
  std::size_t outstanding() const { return waiting_.size(); }
  std::size_t bytes() const { return bytes_; }
  std::size_t durable() const { return durable_; }
  std::size_t groups() const { return groups_; }

  std::vector<double> micros;

 private:
  void take() {
    if (busy_) return;
    Engine::Job job = engine_.take_group();
    if (!job) return;
    busy_ = true;
    disk_.start(std::move(job));
  }

  Engine& engine_;
  std::span<const Slice> bodies_;
  DiskThread disk_;
  bool busy_ = false;
  std::size_t appended_ = 0, durable_ = 0, settled_ = 0, groups_ = 0, bytes_ = 0;
  std::deque<Clock::time_point> waiting_;
};

Clock::duration as_duration(double seconds) {
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

double quantile(const std::vector<double>& sorted, double q) {
  if (sorted.empty()) return 0;
  return sorted[static_cast<std::size_t>(q * static_cast<double>(sorted.size() - 1))] / 1000;
}

}  // namespace

Figures run_load(Engine& engine, const Load& load, std::span<const Slice> bodies) {
  Driver driver(engine, bodies);
  const double cpu = cpu_seconds();
  const auto began = Clock::now();
  const auto end = began + as_duration(load.seconds);
  const auto interval = as_duration(load.rate > 0 ? 1 / load.rate : 0);
  auto due = began;
  for (auto now = began; now < end || driver.outstanding() != 0; now = Clock::now()) {
    if (load.rate > 0) {
      for (; due <= now && due < end; due += interval) driver.append(due);
    } else {
      while (now < end && driver.outstanding() < load.writers) driver.append(Clock::now());
    }
    driver.settle_behind(load.behind);
    driver.wait(load.rate > 0 && due < end ? due : Clock::now() + look_again);
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - began).count();
  const double mb = static_cast<double>(driver.bytes()) / 1e6;
  std::vector<double>& micros = driver.micros;
  std::sort(micros.begin(), micros.end());
  return {quantile(micros, 0.5),
          quantile(micros, 0.99),
          quantile(micros, 0.999),
          (cpu_seconds() - cpu) * 1e6 / mb,
          mb / seconds,
          static_cast<double>(driver.durable()) / static_cast<double>(driver.groups())};
}

void fill(Engine& engine, std::size_t bytes, std::span<const Slice> bodies) {
  constexpr std::size_t window = 64;
  Driver driver(engine, bodies);
  while (driver.bytes() < bytes || driver.outstanding() != 0) {
    while (driver.bytes() < bytes && driver.outstanding() < window) driver.append(Clock::now());
    driver.wait(Clock::now() + look_again);
  }
}

}  // namespace forager::bench
