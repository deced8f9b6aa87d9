// What is in quarantine, of a Forager that runs or not.
#pragma once

#include <functional>
#include <string_view>

#include "base/result.h"
#include "tools/journal_tool.h"

namespace forager::tools {

/// Gives each entry to `take`, oldest first, as a line of JSON whose last member is `request`.
/// Blocks. A running Forager that can't be asked is read from its files: what was quarantined a
/// moment ago, or with a record that is still being delivered, is then not there yet.
Result<void> each_quarantined(const Call& call,
                              const std::function<Result<void>(std::string_view line)>& take);

config::Printed replay_quarantined(Call& call);
config::Printed drop_quarantined(Call& call);

}  // namespace forager::tools
