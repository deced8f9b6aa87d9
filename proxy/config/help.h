// The texts that come from the table of settings: --help, and the reference page
// docs/configuration.md.
#pragma once

#include <string>

namespace forager::config {

/// At most 80 columns; the first screen says how to start.
std::string help_text();
/// docs/configuration.md, whole. `forager config --reference` prints it.
std::string reference_page();

}  // namespace forager::config
