// `forager doctor`: looks at this machine, walks the way to every destination that is configured,
// and asks it whether Forager could deliver there now, with the same code that delivers; says what
// to do where it couldn't. Sends nothing that would be stored, and needs no running Forager.
#pragma once

#include "config/load.h"
#include "config/report.h"

namespace forager::doctor {

/// `create`: log groups and streams that are missing are made, which tries the right to do so.
/// Takes some seconds. `loaded` is what `forager check` finds fine.
config::Printed run_doctor(const config::Loaded& loaded, const config::Sources& sources, bool json,
                           bool create = false);

}  // namespace forager::doctor
