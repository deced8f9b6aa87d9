// The command line of `forager`: which command, with which flags. Every setting is a flag of run,
// check, config, healthcheck and journal.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/sources.h"

namespace forager::config {

enum class CommandKind : std::uint8_t {
  run,
  check,
  config,
  healthcheck,
  demo,
  doctor,
  journal,
  version,
  completion,
  man,
  help
};

/// What follows `forager journal`; what each command makes of it is proxy/tools' to say.
struct JournalWords {
  std::vector<std::string> words;  ///< the command, then its arguments
  std::string destination;
  std::string signal;
  std::string format;
  std::string before;
  std::string limit;
  bool quarantined = false;
  bool yes = false;
};

struct Command {
  CommandKind kind = CommandKind::run;
  std::vector<FlagValue> settings;  ///< for system_sources
  bool json = false;                ///< config, doctor, journal: as JSON
  bool create = false;              ///< doctor: make log groups and streams that are missing
  bool reference = false;           ///< config: the reference page instead of the values
  bool ready = false;               ///< healthcheck: /readyz instead of /livez
  std::string
      url;  ///< healthcheck: for load_admin_listen; empty: the admin address of the settings
  std::string endpoint;  ///< demo: where the telemetry goes; empty: http://localhost:4318
  std::string shell;     ///< completion: bash, zsh or fish
  JournalWords journal;
};

/// `arguments` without the program's name. A Fault is a usage error (exit 64): one line, the
/// nearest right name in it, no value that could be a secret.
Result<Command> parse_command_line(std::span<const std::string> arguments);

}  // namespace forager::config
