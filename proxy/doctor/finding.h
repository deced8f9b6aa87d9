// What `forager doctor` found, and how it is shown: a line each for people, or JSON. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/report.h"

namespace forager::doctor {

enum class Level : std::uint8_t { ok, warning, failure };

struct Finding {
  Level level = Level::ok;
  std::string of;  ///< the destination, "AWS", ...
  std::string what;
  std::string fix{};  ///< of a warning or failure; may have several lines
};

/// Exit code 1 with a failure, else 0. Never a secret, as long as no finding holds one.
config::Printed show(const std::vector<Finding>& findings, bool json);

}  // namespace forager::doctor
