// `forager healthcheck`: the probe of containers that have no curl. Plain sockets, no event loop,
// one line of explanation.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>

#include "config/config.h"

namespace forager::admin {

enum class Probe : std::uint8_t { live, ready };

/// 0 if the admin port at `where` (FORAGER_ADMIN_LISTEN; a wildcard address is asked on loopback)
/// answers /livez or /readyz with 200, else 1. Writes one line to `out` that says which and why.
int healthcheck(const config::Listen& where, Probe probe,
                std::chrono::milliseconds limit = std::chrono::seconds(2), std::FILE* out = stdout);

}  // namespace forager::admin
