// Drives an engine as Forager's io thread does: one thread appends, settles and takes groups, one
// thread waits for the disk.
#pragma once

#include <cstddef>
#include <span>

#include "yardstick/engine.h"

namespace forager::bench {

struct Load {
  double seconds = 4;
  double rate = 0;          ///< records a second; 0: closed loop
  std::size_t writers = 8;  ///< closed loop: records that wait for their commit at any time
  std::size_t behind = 64;  ///< records that stay held, as of a destination some way behind
};

struct Figures {
  double p50_ms = 0;
  double p99_ms = 0;
  double p999_ms = 0;
  double cpu_us_per_mb = 0;  ///< of both threads, user and system; MB: a million bytes of bodies
  double mb_per_s = 0;
  double records_per_group = 0;
};

/// Latency from when a record was due (open loop) or appended until its commit was taken back.
Figures run_load(Engine& engine, const Load& load, std::span<const Slice> bodies);

/// Appends that many bytes and returns when all of it is durable; nothing is settled.
void fill(Engine& engine, std::size_t bytes, std::span<const Slice> bodies);

}  // namespace forager::bench
