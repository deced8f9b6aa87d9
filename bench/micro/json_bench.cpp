// OTLP/JSON at the door: transcoding to protobuf, per span of 12 attributes.
#include <string>

#include <benchmark/benchmark.h>

#include "otlp/json.h"
#include "otlp/json_out.h"
#include "rig/payload.h"

namespace forager {
namespace {

constexpr unsigned spans = 100;

void json_to_protobuf(benchmark::State& state) {
  const std::string json = otlp::protobuf_to_json(Signal::traces, bench::Payload(7).traces(spans));
  for (auto _ : state) {
    const auto made = otlp::json_to_protobuf(Signal::traces, json, std::size_t{64} << 20U);
    if (!made) state.SkipWithError("the bench's own JSON was refused");
    benchmark::DoNotOptimize(made);
  }
  state.SetItemsProcessed(state.iterations() * spans);
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(json.size()));
}
BENCHMARK(json_to_protobuf);

}  // namespace
}  // namespace forager
