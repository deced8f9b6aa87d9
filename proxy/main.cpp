// The program: reads the command line, prepares the process, hands over to a command, and is the
// only place that ends it.
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fcntl.h>
#include <random>
#include <string>
#include <sys/resource.h>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>

#include "admin/healthcheck.h"
#include "app/app.h"
#include "app/log.h"
#include "base/memory.h"
#include "config/cli.h"
#include "config/completion.h"
#include "config/exit_codes.h"
#include "config/help.h"
#include "config/load.h"
#include "config/man.h"
#include "config/report.h"
#include "config/sources.h"
#include "demo/demo.h"
#include "doctor/checkup.h"
#include "tools/journal_tool.h"

namespace {

using forager::config::Command;
using forager::config::CommandKind;
using forager::config::ExitCode;

int exit_with(ExitCode code) { return static_cast<int>(code); }

/// No core dump (it would hold keys and telemetry), no death by a closed pipe, as many open files
/// as the hard limit allows (nothing here uses select()), a malloc that returns memory.
void prepare_process() {
  // a closed stdin, stdout or stderr would give its number to a socket, which log lines would then
  // go to
  for (int fd = ::open("/dev/null", O_RDWR); fd >= 0 && fd <= STDERR_FILENO;)
    fd = ::open("/dev/null", O_RDWR);
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
  }
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a write over `ulimit -f` then fails as on a full disk
  forager::set_up_malloc();
}

int print(const forager::config::Printed& printed) {
  std::fputs(printed.out.c_str(), stdout);
  std::fputs(printed.err.c_str(), stderr);
  return exit_with(printed.code);
}

forager::config::Sources sources_of(const Command& command) {
  auto made = forager::config::system_sources(command.settings);
  made.find_region = [env = made.env] { return forager::app::find_region(env); };
  return made;
}

int run(const Command& command) {
  prepare_process();
  const auto sources = sources_of(command);
  auto loaded = forager::config::load(sources);
  if (!loaded) {
    std::fputs(forager::config::errors_text(loaded.error()).c_str(), stderr);
    return exit_with(ExitCode::usage);
  }
  forager::app::set_up_log(loaded->config.log_level, loaded->config.log_format);
  forager::app::App app(std::move(*loaded), sources);
  const int code = exit_with(app.run());
  // All is said and synced. Unwinding would destroy coroutines that wait inside parts, and wait for
  // a name look-up that hangs.
  std::fflush(nullptr);
  std::_Exit(code);
}

int healthcheck(const Command& command) {
  auto sources = sources_of(command);
  auto where = forager::config::load_admin_listen(sources, command.url);
  if (!where) {
    fmt::print(stderr, "{}\n", where.error().what);
    return exit_with(ExitCode::usage);
  }
  return forager::admin::healthcheck(
      *where, command.ready ? forager::admin::Probe::ready : forager::admin::Probe::live);
}

int demo(const Command& command) {
  forager::demo::DemoOptions options;
  if (!command.endpoint.empty()) options.endpoint = command.endpoint;
  std::mt19937_64 random(std::random_device{}());
  return forager::demo::run_demo(options, std::chrono::system_clock::now(), random);
}

int journal(const Command& command) {
  prepare_process();
  const auto place = forager::config::load_journal_place(sources_of(command));
  if (!place) {
    fmt::print(stderr, "{}\n", place.error().what);
    return exit_with(ExitCode::usage);
  }
  return print(forager::tools::run_journal(command, *place));
}

int doctor(const Command& command) {
  prepare_process();
  const auto sources = sources_of(command);
  const auto loaded = forager::config::load(sources);
  if (!loaded) {
    std::fputs(forager::config::errors_text(loaded.error()).c_str(), stderr);
    return exit_with(ExitCode::usage);
  }
  forager::app::set_up_log(forager::config::LogLevel::error, loaded->config.log_format);
  return print(forager::doctor::run_doctor(*loaded, sources, command.json, command.create));
}

int dispatch(const Command& command) {
  switch (command.kind) {
    case CommandKind::run:
      return run(command);
    case CommandKind::check:
      return print(forager::config::check(forager::config::load(sources_of(command))));
    case CommandKind::config:
      if (command.reference) {
        std::fputs(forager::config::reference_page().c_str(), stdout);
        return exit_with(ExitCode::ok);
      }
      return print(forager::config::show(forager::config::load(sources_of(command)), command.json));
    case CommandKind::healthcheck:
      return healthcheck(command);
    case CommandKind::demo:
      return demo(command);
    case CommandKind::doctor:
      return doctor(command);
    case CommandKind::journal:
      return journal(command);
    case CommandKind::version:
      fmt::print("forager {}\n", FORAGER_VERSION);
      return exit_with(ExitCode::ok);
    case CommandKind::completion:
      std::fputs(forager::config::completion(command.shell).c_str(), stdout);
      return exit_with(ExitCode::ok);
    case CommandKind::man:
      std::fputs(forager::config::man_page(FORAGER_VERSION).c_str(), stdout);
      return exit_with(ExitCode::ok);
    case CommandKind::help:
      std::fputs(forager::config::help_text().c_str(), stdout);
      return exit_with(ExitCode::ok);
  }
  return exit_with(ExitCode::internal);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const auto command =
        forager::config::parse_command_line(std::vector<std::string>(argv + 1, argv + argc));
    if (!command) {
      fmt::print(stderr, "forager: {}\n", command.error().what);
      return exit_with(ExitCode::usage);
    }
    return dispatch(*command);
  } catch (const std::exception& bug) {
    fmt::print(stderr, "forager: a bug ended it: {}\n", bug.what());
    return exit_with(ExitCode::internal);
  }
}
