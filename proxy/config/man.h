// The manual page forager(1), made of the command line's own description, the table of settings and
// that of exit codes.
#pragma once

#include <string>
#include <string_view>

namespace forager::config {

/// In the man macros of troff. `version` as in 0.1.0.
std::string man_page(std::string_view version);

}  // namespace forager::config
