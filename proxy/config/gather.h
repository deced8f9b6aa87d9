// First half of loading: every value that somebody gave, put into its field, and every name that
// nobody knows.
#pragma once

#include <string>
#include <vector>

#include "config/load.h"

namespace forager::config {

struct Gathered {
  Config config;
  std::vector<Origin> origins;  ///< in the order of settings()
  std::vector<bool>
      wrong;  ///< same order: a value for it was refused, the field may hold anything valid
  std::vector<std::string> errors;
  std::vector<std::string> warnings;

  bool is_wrong(std::string_view flag) const { return wrong[index_of(setting(flag))]; }
  Level level(std::string_view flag) const { return origins[index_of(setting(flag))].level; }
};

Gathered gather(const Sources& sources);

}  // namespace forager::config
