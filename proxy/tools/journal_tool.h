// `forager journal COMMAND`: what is held, as a person or a script wants it. Reads the data
// directory itself, of a Forager that runs too; what changes something goes through the running
// one.
#pragma once

#include <string>

#include "config/cli.h"
#include "config/load.h"
#include "config/report.h"
#include "tools/place.h"
#include "tools/stored.h"

namespace forager::tools {

struct Call {
  const config::Command& command;
  const config::JournalWords& with;
  const config::JournalPlace& settings;
  Place place;
  Stored& stored;  ///< has been read
};

/// Blocks. Everything that is wrong with the words is exit 64, with the fix.
config::Printed run_journal(const config::Command& command, const config::JournalPlace& settings);

// One file each.
config::Printed list(Call& call);
config::Printed verify(Call& call);
config::Printed show(Call& call);
config::Printed export_files(Call& call);
config::Printed drop(Call& call);
config::Printed release(Call& call);

/// For all of them.
config::Printed usage(std::string what);
config::Printed failed(std::string what);
/// nullopt: it is not named, which means all. A Fault: there is none of that name.
Result<std::optional<Signal>> signal_named(const std::string& name);

}  // namespace forager::tools
