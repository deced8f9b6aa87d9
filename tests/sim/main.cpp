// forager_sim: runs schedules from seeds, the fleet or an hour's outage, and says which seed broke
// what.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include "sim/fleet.h"
#include "sim/outage.h"
#include "sim/world.h"

namespace {

struct Options {
  std::uint64_t seeds = 1000;
  std::uint64_t from = 1;
  std::uint64_t jobs = 1;  ///< processes
  bool verbose = false;
  bool fleet = false;
  bool outage = false;
  const char* svg = nullptr;
};

int usage(const char* wrong) {
  fmt::print(stderr,
             "forager_sim: {}\n"
             "usage: forager_sim [--seeds N] [--from S] [--jobs N] [--replay S] [--verbose]\n"
             "       forager_sim --fleet [--svg FILE] [--from S]\n"
             "       forager_sim --outage [--from S]\n",
             wrong);
  return 64;
}

struct Sums {
  std::uint64_t failed = 0;
  std::uint64_t events = 0;
  std::uint64_t items = 0;
};

/// Every `jobs`th seed from `first` on.
Sums run_share(const Options& options, std::uint64_t first) {
  Sums sums;
  const std::uint64_t end = options.from + options.seeds;
  for (std::uint64_t seed = first; seed < end; seed += options.jobs) {
    const forager::sim::Outcome outcome = forager::sim::run_schedule(seed, options.verbose);
    sums.events += outcome.events;
    sums.items += outcome.items;
    if (outcome.broken.empty()) continue;
    ++sums.failed;
    fmt::print("seed {} broke: {}\n  replay: forager_sim --replay {} --verbose\n", seed,
               outcome.broken, seed);
    std::fflush(stdout);
    if (sums.failed == 20) {
      fmt::print("twenty are enough: stopped\n");
      break;
    }
  }
  return sums;
}

/// A process for each share: schedules have nothing in common. False: one of them crashed.
bool run_shares(const Options& options, Sums& all) {
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) std::abort();
  std::fflush(nullptr);
  for (std::uint64_t job = 0; job < options.jobs; ++job) {
    if (fork() != 0) continue;
    const Sums sums = run_share(options, options.from + job);
    std::fflush(nullptr);
    _exit(write(ends[1], &sums, sizeof sums) == sizeof sums ? 0 : 1);
  }
  close(ends[1]);
  Sums sums;
  while (read(ends[0], &sums, sizeof sums) == sizeof sums) {
    all.failed += sums.failed;
    all.events += sums.events;
    all.items += sums.items;
  }
  close(ends[0]);
  bool whole = true;
  for (int status = 0; wait(&status) > 0;) {
    whole = whole && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }
  return whole;
}

int run(const Options& options) {
  const auto begun = std::chrono::steady_clock::now();
  Sums all;
  bool whole = true;
  if (options.jobs > 1 && options.seeds > 1) {
    whole = run_shares(options, all);
  } else {
    Options alone = options;
    alone.jobs = 1;
    all = run_share(alone, options.from);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  fmt::print("{} schedules from seed {}: {} broken; {} events, {} items, {:.1f} s\n", options.seeds,
             options.from, all.failed, all.events, all.items, took.count());
  if (!whole) fmt::print("a share ended in a crash: run with --jobs 1 to see which seed\n");
  return all.failed == 0 && whole ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view is = argv[i];
    if (is == "--verbose") {
      options.verbose = true;
    } else if (is == "--fleet") {
      options.fleet = true;
    } else if (is == "--outage") {
      options.outage = true;
    } else if (i + 1 == argc) {
      return usage("an option is unknown or has no value");
    } else if (is == "--seeds") {
      options.seeds = std::strtoull(argv[++i], nullptr, 10);
    } else if (is == "--from") {
      options.from = std::strtoull(argv[++i], nullptr, 10);
    } else if (is == "--jobs") {
      options.jobs = std::max<std::uint64_t>(1, std::strtoull(argv[++i], nullptr, 10));
    } else if (is == "--replay") {
      options.from = std::strtoull(argv[++i], nullptr, 10);
      options.seeds = 1;
    } else if (is == "--svg") {
      options.svg = argv[++i];
    } else {
      return usage("an option is unknown");
    }
  }
  if (options.fleet) return forager::sim::run_fleet(options.from, options.svg);
  if (options.outage) return forager::sim::run_outage(options.from);
  return run(options);
}
