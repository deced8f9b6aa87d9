// What it costs to put attributes into a request: the resource has 10 of its own, as an SDK's, and
// 8 are added, as in an ECS task; then when nothing is missing; then in a copy, as for a body that
// came compressed.
#include <cstring>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "otlp/enrich.h"
#include "support/otlp_builder.h"

namespace forager {
namespace {

std::string request(int spans) {
  static const std::vector<otlp::Attribute> own{
      {"telemetry.sdk.language", "python"},
      {"telemetry.sdk.name", "opentelemetry"},
      {"telemetry.sdk.version", "1.38.0"},
      {"service.name", "checkout"},
      {"service.version", "2.11.4"},
      {"service.instance.id", "627cc493-f310-47de-96bd-71410b7dec09"},
      {"deployment.environment.name", "production"},
      {"process.pid", "17"},
      {"process.runtime.name", "cpython"},
      {"process.runtime.version", "3.12.4"}};
  std::string resource;
  for (const auto& [key, value, list] : own) {
    resource += test::wire_bytes(1, test::wire_attribute(key, value));
  }
  std::string scope;
  for (int n = 0; n < spans; ++n) {
    scope += test::wire_bytes(2, test::otlp_item(Signal::traces, n, {.attributes = 12}));
  }
  return test::wire_bytes(1, test::wire_bytes(1, resource) + test::wire_bytes(2, scope));
}

const std::vector<otlp::Attribute>& eight() {
  static const std::vector<otlp::Attribute> attributes{
      {"cloud.provider", "aws"},
      {"cloud.platform", "aws_ecs"},
      {"cloud.region", "eu-west-1"},
      {"cloud.account.id", "123456789012"},
      {"cloud.availability_zone", "eu-west-1b"},
      {"aws.ecs.cluster.arn", "arn:aws:ecs:eu-west-1:123456789012:cluster/shop"},
      {"aws.ecs.task.arn",
       "arn:aws:ecs:eu-west-1:123456789012:task/shop/0f9b1c2d3e4f5a6b7c8d9e0f1a2b3c4d"},
      {"aws.ecs.launchtype", "fargate"}};
  return attributes;
}

/// One request a turn, with the bytes that admission holds: the body is made anew outside of the
/// clock, in blocks.
void enrich(benchmark::State& state, bool headroom) {
  const otlp::Enrichment add(eight());
  const std::string body = request(static_cast<int>(state.range(0)));
  const std::size_t block = state.range(0) > 100 ? 64 : 1024;
  std::vector<Buffer> bodies(block);
  std::size_t next = block;
  for (auto _ : state) {
    if (next == block) {
      state.PauseTiming();
      for (Buffer& one : bodies) {
        one = Buffer(body.size(), headroom ? add.growth_max() : 0);
        std::memcpy(one.data(), body.data(), body.size());
      }
      next = 0;
      state.ResumeTiming();
    }
    Buffer& one = bodies[next++];
    const otlp::Growth growth = add.look(Signal::traces, one.view());
    one = add.put_into(Signal::traces, std::move(one), growth);
    benchmark::DoNotOptimize(one.data());
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK_CAPTURE(enrich, in_headroom, true)->Arg(1)->Arg(50)->Arg(512);
BENCHMARK_CAPTURE(enrich, copied, false)->Arg(1)->Arg(50)->Arg(512);

void enrich_nothing_missing(benchmark::State& state) {
  const otlp::Enrichment add(eight());
  Buffer body = Buffer::copy_of(request(static_cast<int>(state.range(0))));
  const otlp::Growth growth = add.look(Signal::traces, body.view());
  body = add.put_into(Signal::traces, std::move(body), growth);
  for (auto _ : state) benchmark::DoNotOptimize(add.look(Signal::traces, body.view()).edits);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(enrich_nothing_missing)->Arg(50);

}  // namespace
}  // namespace forager
