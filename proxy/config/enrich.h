// Where resource attributes that apps lack are taken from: the value of FORAGER_ENRICH.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "config/config.h"

namespace forager::config {

/// "off", or some of env, ecs, ec2 and k8s at commas.
Result<EnrichFrom> parse_enrich(std::string_view text);
/// Text that parse_enrich reads back.
std::string format_enrich(const EnrichFrom& from);

}  // namespace forager::config
