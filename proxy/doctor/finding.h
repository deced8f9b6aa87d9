// What `forager doctor` found, and how it is shown: a line each for people, or JSON. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/report.h"

namespace forager::doctor {

enum class Level : std::uint8_t { ok, warning, failure };

/// Who can mend it; each has an exit code.
enum class Area : std::uint8_t {
  settings,
  machine,      ///< journal directory, memory, ports, files
  network,      ///< name, connection, proxy, TLS
  credentials,  ///< what a destination refuses: key, token, permission, or what is off there
};

struct Finding {
  Level level = Level::ok;
  std::string of;  ///< the destination, "AWS", "journal", ...
  std::string what;
  std::string fix{};  ///< of a warning or failure; may have several lines
  Area area = Area::credentials;
};

/// For people: whole MiB or, from 16 GiB up, GiB, rounded down; a setting takes what it says.
std::string size_text(std::uint64_t bytes);

/// The exit code is that of the area that failed; 1 when several did; 0 without a failure. Never a
/// secret, as long as no finding holds one.
config::Printed show(const std::vector<Finding>& findings, bool json);

}  // namespace forager::doctor
