// The process's log: stderr, one line an event, UTC, as text or JSON. Set up once by main before
// anything speaks.
#pragma once

#include "config/config.h"

namespace forager::app {

void set_up_log(config::LogLevel level, config::LogFormat format);
void set_log_level(config::LogLevel level);

}  // namespace forager::app
