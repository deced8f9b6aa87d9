// What leaves: zstd and gzip over one request of 100 spans, and over a batch of 5 MB in 90 of them.
#include <string>

#include <benchmark/benchmark.h>

#include "base/compress.h"
#include "base/memory.h"
#include "rig/payload.h"

namespace forager {
namespace {

constexpr unsigned spans = 100;
/// As in the product: glibc's own defaults would measure page faults.
const bool malloc_is_set_up = (set_up_malloc(), true);

Chain batch_of(std::int64_t requests) {
  bench::Payload payload(7);
  Chain made;
  for (std::int64_t i = 0; i < requests; ++i) made.push_back(Slice(payload.traces(spans)));
  return made;
}

void run(benchmark::State& state, Buffer (*compress)(const Chain&)) {
  const Chain batch = batch_of(state.range(0));
  const auto all = static_cast<double>(state.range(0) * spans);
  std::size_t wire = 0;
  for (auto _ : state) wire = compress(batch).size();
  state.SetItemsProcessed(state.iterations() * state.range(0) * spans);
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(batch.size()));
  state.counters["wire_bytes_per_span"] = static_cast<double>(wire) / all;
}

void zstd(benchmark::State& state) {
  run(state, [](const Chain& from) { return zstd_of(from); });
}
BENCHMARK(zstd)->Arg(1)->Arg(90);

void gzip(benchmark::State& state) { run(state, gzip_of); }
BENCHMARK(gzip)->Arg(1)->Arg(90);

}  // namespace
}  // namespace forager
