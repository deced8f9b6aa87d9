// `forager doctor`: asks every destination that is configured whether Forager could deliver there
// now, with the same code that delivers, and says what to do where it couldn't. Sends nothing that
// would be stored, and needs no running Forager.
#pragma once

#include "config/load.h"
#include "config/report.h"

namespace forager::doctor {

/// Takes some seconds. `loaded` is what `forager check` finds fine.
config::Printed run_doctor(const config::Loaded& loaded, const config::Sources& sources, bool json);

}  // namespace forager::doctor
