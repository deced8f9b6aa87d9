// Which data directory `forager journal` is about, and whether a Forager has it open. Changes
// nothing and takes no lock, so it can't be in the way of one that starts.
#pragma once

#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

#include "base/result.h"

namespace forager::tools {

struct Place {
  std::string directory;
  std::optional<pid_t> holder;  ///< the process that has it open; 0: there is one, number unknown
};

/// The first of `directories` that a journal was ever kept in. A Fault names all and the fix.
Result<Place> find_place(const std::vector<std::string>& directories);

}  // namespace forager::tools
