// forager_sim: runs schedules from seeds, or the fleet, and says which seed broke what.
#include <chrono>
#include <cstdlib>
#include <string_view>

#include <fmt/format.h>

#include "sim/fleet.h"
#include "sim/world.h"

namespace {

struct Options {
  std::uint64_t seeds = 1000;
  std::uint64_t from = 1;
  bool verbose = false;
  bool fleet = false;
  const char* svg = nullptr;
};

int usage(const char* wrong) {
  fmt::print(stderr,
             "forager_sim: {}\n"
             "usage: forager_sim [--seeds N] [--from S] [--replay S] [--verbose]\n"
             "       forager_sim --fleet [--svg FILE] [--from S]\n",
             wrong);
  return 64;
}

int run(const Options& options) {
  const auto begun = std::chrono::steady_clock::now();
  std::uint64_t failed = 0;
  std::uint64_t events = 0;
  std::uint64_t items = 0;
  for (std::uint64_t seed = options.from; seed < options.from + options.seeds; ++seed) {
    const forager::sim::Outcome outcome = forager::sim::run_schedule(seed, options.verbose);
    events += outcome.events;
    items += outcome.items;
    if (outcome.broken.empty()) continue;
    ++failed;
    fmt::print("seed {} broke: {}\n  replay: forager_sim --replay {} --verbose\n", seed,
               outcome.broken, seed);
    if (failed == 20) {
      fmt::print("twenty are enough: stopped\n");
      break;
    }
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  fmt::print("{} schedules from seed {}: {} broken; {} events, {} items, {:.1f} s\n", options.seeds,
             options.from, failed, events, items, took.count());
  return failed == 0 ? 0 : 1;
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
    } else if (i + 1 == argc) {
      return usage("an option is unknown or has no value");
    } else if (is == "--seeds") {
      options.seeds = std::strtoull(argv[++i], nullptr, 10);
    } else if (is == "--from") {
      options.from = std::strtoull(argv[++i], nullptr, 10);
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
  return run(options);
}
