// What `forager doctor` says of this machine or container: memory, time to stop, open files. Pure
// judges of what was read, and one function that reads and judges all.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "config/load.h"
#include "config/sources.h"
#include "doctor/finding.h"

namespace forager::doctor {

/// The process beside its budget: code, allocator, gRPC's own buffers (docs/guarantees.md).
inline constexpr std::size_t beside_budget = std::size_t{16} << 20U;

/// `limit`: of the cgroup, bytes; nullopt: none that can be seen.
Finding judge_memory(std::optional<std::size_t> limit, std::size_t budget);

/// Who starts and stops this process, as far as its environment tells.
enum class Keeper : std::uint8_t { unknown, ecs, kubernetes, systemd };
Keeper keeper_of(const config::Sources& sources);

/// None of them says how long it waits, so the line states what it has to be. ECS gives 120 s at
/// most (ECS developer guide, stopTimeout on Fargate).
Finding judge_stop(Keeper keeper, std::chrono::milliseconds grace);

/// `soft`, `hard`: of RLIMIT_NOFILE, as `run` inherits it; `in_flight`: requests to destinations.
Finding judge_files(std::uint64_t soft, std::uint64_t hard, std::uint32_t connections,
                    std::size_t in_flight);

/// All of the above for this process; blocks for no time worth naming.
std::vector<Finding> look_at_machine(const config::Loaded& loaded, const config::Sources& sources);

}  // namespace forager::doctor
