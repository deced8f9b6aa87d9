// Compression of a body on its way out. Used by export for the
// codec a destination takes.
#pragma once

#include <cstddef>

#include "base/bytes.h"

namespace forager {

/// What each thread that compresses keeps for reuse, at most (measured: zstd at level 1 holds 1.3
/// MiB of it, ISA-L 0.35 MiB). Counted into the budget once a worker (DESIGN, invariant 6).
inline constexpr std::size_t codec_bytes_per_thread = std::size_t{1792} << 10U;

/// One zstd frame that states its content size, without checksum (TLS has one). Pure, any thread.
/// Peak memory: a copy of the body, and the answer twice. Level 1 is the codec's best trade (FACTS
/// 11); bad_alloc is the only failure.
Buffer zstd_of(const Chain& from, int level = 1);

/// One gzip member with its CRC (ISA-L level 1). Pure, any thread. `from` is below 4 GiB.
Buffer gzip_of(const Chain& from);

}  // namespace forager
