// `forager journal replay FILE...`: what was exported goes to a running Forager once more, through
// its OTLP/HTTP door like any app's.
#pragma once

#include "config/cli.h"
#include "config/load.h"
#include "config/report.h"

namespace forager::tools {

/// Blocks until all is answered. A 429 or 503 is waited out for a minute; the first request that is
/// refused ends it, with its place in the file.
config::Printed replay(const config::Command& command, const config::JournalPlace& settings);

}  // namespace forager::tools
