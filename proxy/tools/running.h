// What a running Forager alone knows, asked at its admin port.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "admin/plain_http.h"
#include "base/result.h"
#include "config/config.h"

namespace forager::tools {

/// Where a listener is reached from this machine.
admin::PlainAddress address_of(const config::Listen& listen);

/// It has an admin port that is known.
bool can_ask(const config::Listen& admin);
/// Gives each quarantined entry to `take`, oldest first, as a line of JSON whose last member is
/// `request`. Blocks.
Result<void> each_of_running(const config::Listen& admin,
                             const std::function<Result<void>(std::string_view line)>& take);

/// Of such a line: the value of a member that is a number (0: none), or a string without escapes;
/// and the request.
std::uint64_t number_of(std::string_view line, std::string_view member);
std::string_view word_of(std::string_view line, std::string_view member);
std::string_view request_of(std::string_view line);

}  // namespace forager::tools
