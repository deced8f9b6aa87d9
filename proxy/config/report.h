// What `check`, `config` and a start print about the configuration. Secrets are never in it.
#pragma once

#include <string>
#include <vector>

#include "config/exit_codes.h"
#include "config/load.h"

namespace forager::config {

/// What a command prints on stdout and stderr, and the code it ends with.
struct Printed {
  std::string out;
  std::string err;
  ExitCode code = ExitCode::ok;
};

/// `forager check`: "configuration is fine" with a summary, or every error.
Printed check(const Outcome& outcome);
/// `forager config [--json]`: each setting, its value and its origin.
Printed show(const Outcome& outcome, bool json);
/// Every error, one a line, for stderr; also what a refused start prints.
std::string errors_text(const Errors& errors);
/// The effective configuration in a few short lines, for `check` and the log at the start.
std::vector<std::string> summary(const Loaded& loaded);

/// `text` with every appearance of `secret` replaced; the last safeguard before something is
/// printed.
std::string masked(std::string text, std::string_view secret);

}  // namespace forager::config
