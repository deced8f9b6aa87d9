// Changing a journal: of a running Forager through its admin port, of a stopped one here.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "tools/journal_tool.h"

namespace forager::tools {

/// Names of destinations are plain; whatever else one holds is percent-encoded.
std::string percent_encoded(std::string_view text);
/// What the running Forager answers. Blocks.
Result<std::string> post_running(const Call& call, const std::string& target);
/// Opens and locks the journal of a stopped Forager, and syncs what `change` did if it says that it
/// did something. Blocks.
Result<void> change_stored(const Call& call, const std::function<bool(Stored&)>& change);

}  // namespace forager::tools
