// How fast admission's check, the cut index and a cut are. The request is one scope of spans with
// 12 attributes, 549 bytes a span.
#include <string>

#include <benchmark/benchmark.h>

#include "otlp/log_time.h"
#include "otlp/take_apart.h"
#include "otlp/walk.h"
#include "support/otlp_builder.h"

namespace forager {
namespace {

constexpr int spans = 512;

std::string spans_with_attributes() {
  std::string scope;
  for (int n = 0; n < spans; ++n) {
    std::string span = test::wire_bytes(1, "0123456789abcdef") + test::wire_bytes(2, "01234567") +
                       test::wire_bytes(4, "76543210") +
                       test::wire_bytes(5, "GET /orders/{id}/items") + test::wire_varint(6, 2) +
                       test::wire_fixed64(7, 1'700'000'000'000'000'000) +
                       test::wire_fixed64(8, 1'700'000'000'001'000'000);
    for (int i = 0; i < 11; ++i) {
      span += test::wire_bytes(
          9, test::wire_attribute(fmt::format("http.attribute.{:02}", i), "a value of 16 b."));
    }
    span += test::wire_bytes(
        9, test::wire_bytes(1, "http.status") + test::wire_bytes(2, test::wire_varint(3, 200)));
    span += test::wire_fixed32(16, 0x101);
    scope += test::wire_bytes(2, span);
  }
  return test::wire_bytes(1, test::wire_bytes(2, scope));
}

void per_span(benchmark::State& state, std::size_t bytes) {
  state.SetItemsProcessed(state.iterations() * spans);
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes));
}

void walk_spans(benchmark::State& state) {
  std::string body = spans_with_attributes();
  for (auto _ : state) benchmark::DoNotOptimize(otlp::walk(Signal::traces, body)->items);
  per_span(state, body.size());
}
BENCHMARK(walk_spans);

void walk_logs(benchmark::State& state) {
  std::string body = test::otlp_request(Signal::logs, {.items = spans, .attributes = 12});
  for (auto _ : state) benchmark::DoNotOptimize(otlp::walk(Signal::logs, body)->items);
  per_span(state, body.size());
}
BENCHMARK(walk_logs);

void walk_metrics(benchmark::State& state) {
  std::string body = test::otlp_request(Signal::metrics, {.items = spans, .attributes = 5});
  for (auto _ : state) benchmark::DoNotOptimize(otlp::walk(Signal::metrics, body)->items);
  per_span(state, body.size());
}
BENCHMARK(walk_metrics);

void index_spans(benchmark::State& state) {
  const std::string body = spans_with_attributes();
  for (auto _ : state) benchmark::DoNotOptimize(otlp::index(Signal::traces, body).items());
  per_span(state, body.size());
}
BENCHMARK(index_spans);

void halve_spans(benchmark::State& state) {
  const std::string body = spans_with_attributes();
  const otlp::Cuts cuts = otlp::index(Signal::traces, body);
  for (auto _ : state) {
    benchmark::DoNotOptimize(otlp::part(Signal::traces, body, cuts, 0, spans / 2).data());
    benchmark::DoNotOptimize(otlp::part(Signal::traces, body, cuts, spans / 2, spans).data());
  }
  per_span(state, body.size());
}
BENCHMARK(halve_spans);

void insert_log_times(benchmark::State& state) {
  const Slice body(test::otlp_request(Signal::logs, {.items = spans, .attributes = 12, .time = 0}));
  for (auto _ : state) benchmark::DoNotOptimize(otlp::with_log_time(body, 1).size());
  per_span(state, body.size());
}
BENCHMARK(insert_log_times);

}  // namespace
}  // namespace forager
