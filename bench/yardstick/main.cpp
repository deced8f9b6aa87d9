// The yardstick: one load or one recovery on one engine, figures as JSON on stdout.
// bench/yardstick.py runs them side by side.
#include <chrono>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "rig/payload.h"
#include "yardstick/load.h"

namespace forager::bench {

void give_up(const std::string& why) {
  fmt::print(stderr, "bench_journal: {}\n", why);
  std::fflush(stderr);
  ::_exit(1);
}

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

struct Options {
  std::string engine = "journal";
  std::string directory;
  std::size_t body_bytes = 52'600;
  std::size_t backlog_bytes = 0;  // 0: a load
  Load load;
};

constexpr std::size_t span_bytes = 526;

/// Bodies cut to the size asked for: the engines don't look into them.
std::vector<Slice> make_bodies(std::size_t bytes) {
  ::bench::Payload payload(7);
  std::vector<Slice> made;
  for (int i = 0; i < 64; ++i) {
    std::string body = payload.traces(static_cast<unsigned>(bytes / span_bytes + 1));
    body.resize(bytes);
    made.emplace_back(std::move(body));
  }
  return made;
}

std::unique_ptr<Engine> make_engine(const Options& options) {
  const std::string directory = options.directory + "/" + options.engine;
  if (options.engine == "journal") return journal_engine(directory);
  if (options.engine == "lmdb") return lmdb_engine(directory, false);
  if (options.engine == "lmdb-writemap") return lmdb_engine(directory, true);
  return bare_engine(directory);
}

void load(const Options& options) {
  const auto bodies = make_bodies(options.body_bytes);
  const auto engine = make_engine(options);
  engine->open();
  engine->recover();
  Load warm = options.load;
  warm.seconds = 1;
  warm.behind = 0;  // but for the last group all of it is settled
  run_load(*engine, warm, bodies);
  const Figures made = run_load(*engine, options.load, bodies);
  fmt::print(
      "{{\"p50_ms\":{:.4f},\"p99_ms\":{:.4f},\"p999_ms\":{:.4f},\"cpu_us_per_mb\":{:.2f},\"mb_per_"
      "s\":{:.2f},\"records_per_group\":{:.2f}}}\n",
      made.p50_ms, made.p99_ms, made.p999_ms, made.cpu_us_per_mb, made.mb_per_s,
      made.records_per_group);
}

/// Out of the page cache, as after a boot. Returns the bytes of the files.
std::size_t forget_pages(const std::string& directory) {
  std::size_t bytes = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory)) {
    const int file = ::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) continue;
    ::posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
    ::close(file);
    bytes += entry.file_size();
  }
  return bytes;
}

/// Left behind as by kill -9: the process that wrote it ends without a word.
void leave_backlog(const Options& options) {
  const pid_t child = ::fork();
  if (child == 0) {
    const auto bodies = make_bodies(options.body_bytes);
    const auto engine = make_engine(options);
    engine->open();
    engine->recover();
    fill(*engine, options.backlog_bytes, bodies);
    ::_exit(0);
  }
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child || status != 0)
    give_up("the backlog could not be written");
}

void recovery(const Options& options) {
  leave_backlog(options);
  const std::size_t file_bytes = forget_pages(options.directory + "/" + options.engine);
  const auto since = [](Clock::time_point from) {
    return std::chrono::duration<double, std::milli>(Clock::now() - from).count();
  };
  const auto engine = make_engine(options);
  const auto began = Clock::now();
  engine->open();
  const double open_ms = since(began);
  const std::size_t records = engine->recover();
  const double recovered_ms = since(began);
  const auto reading = Clock::now();
  const std::size_t bytes = engine->read_back();
  const double read_ms = since(reading);
  const std::size_t expected =
      (options.backlog_bytes + options.body_bytes - 1) / options.body_bytes;
  if (records != expected || bytes != records * options.body_bytes) {
    give_up(
        fmt::format("{} records of {} bytes were found, {} were kept", records, bytes, expected));
  }
  fmt::print(
      "{{\"open_ms\":{:.3f},\"recovered_ms\":{:.3f},\"read_back_ms\":{:.3f},\"records\":{},"
      "\"file_bytes\":{}}}\n",
      open_ms, recovered_ms, read_ms, records, file_bytes);
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app{"Yardstick of the disk journal"};
  app.add_option("--engine", options.engine)
      ->check(CLI::IsMember({"journal", "lmdb", "lmdb-writemap", "bare"}));
  app.add_option("--directory", options.directory, "an empty one, on a real file system")
      ->required();
  app.add_option("--body", options.body_bytes, "bytes of a record's body");
  app.add_option("--seconds", options.load.seconds)->check(CLI::Range(0.1, 120.0));
  app.add_option("--rate", options.load.rate, "records a second; 0: closed loop");
  app.add_option("--writers", options.load.writers, "of the closed loop")
      ->check(CLI::Range(1, 4096));
  app.add_option("--backlog", options.backlog_bytes, "leave that much, then time its recovery");
  CLI11_PARSE(app, argc, argv);
  if (options.backlog_bytes != 0 && options.engine != "bare") {
    recovery(options);
  } else {
    load(options);
  }
  return 0;
}

}  // namespace
}  // namespace forager::bench

int main(int argc, char** argv) { return forager::bench::run(argc, argv); }
