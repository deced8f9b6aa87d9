#include "demo/demo.h"

#include <map>
#include <set>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

#include "demo/encode.h"
#include "opentelemetry/proto/collector/logs/v1/logs_service.pb.h"
#include "opentelemetry/proto/collector/metrics/v1/metrics_service.pb.h"
#include "opentelemetry/proto/collector/trace/v1/trace_service.pb.h"
#include "otlp/walk.h"

namespace forager::demo {
namespace {

namespace otel = opentelemetry::proto;
namespace asio = boost::asio;

const WallTime now{std::chrono::hours(490'000)};

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

std::uint32_t walked_items(Signal signal, std::string body) {
  const auto shape = otlp::walk(signal, body);
  EXPECT_TRUE(shape) << shape.error().what;
  return shape ? shape->items : 0;
}

TEST(Demo, IsTakenByTheDoorAsItIs) {
  std::mt19937_64 random(1);
  const DemoRequests made = make_demo(now, random);
  EXPECT_EQ(made.spans, 12U);
  EXPECT_EQ(walked_items(Signal::traces, made.traces), made.spans);
  EXPECT_EQ(walked_items(Signal::logs, made.logs), made.log_records);
  EXPECT_EQ(walked_items(Signal::metrics, made.metrics), made.data_points);
  EXPECT_EQ(made.log_records, 6U);
  EXPECT_EQ(made.data_points, 5U);
}

TEST(Demo, IsOneTreeOfThreeServicesWhoseChildrenLieWithinTheirParents) {
  std::mt19937_64 random(2);
  const DemoRequests made = make_demo(now, random);
  otel::collector::trace::v1::ExportTraceServiceRequest request;
  ASSERT_TRUE(request.ParseFromString(made.traces));
  ASSERT_EQ(request.resource_spans_size(), 3);
  std::map<std::string, otel::trace::v1::Span> spans;
  for (const auto& resource : request.resource_spans()) {
    EXPECT_EQ(resource.resource().attributes(0).key(), "service.name");
    for (const auto& span : resource.scope_spans(0).spans()) {
      EXPECT_EQ(span.trace_id().size(), 16U);
      EXPECT_TRUE(spans.emplace(span.span_id(), span).second);
    }
  }
  int roots = 0;
  int exceptions = 0;
  for (const auto& [id, span] : spans) {
    EXPECT_LT(span.start_time_unix_nano(), span.end_time_unix_nano());
    EXPECT_LE(span.end_time_unix_nano(), unix_nanos(now));
    for (const auto& event : span.events()) {
      EXPECT_EQ(event.name(), "exception");
      EXPECT_EQ(event.attributes(0).key(), "exception.type");
      EXPECT_EQ(span.status().code(), otel::trace::v1::Status::STATUS_CODE_ERROR);
      EXPECT_LT(span.start_time_unix_nano(), event.time_unix_nano());
      EXPECT_GT(span.end_time_unix_nano(), event.time_unix_nano());
      ++exceptions;
    }
    if (span.parent_span_id().empty()) {
      ++roots;
      continue;
    }
    ASSERT_TRUE(spans.contains(span.parent_span_id())) << span.name();
    const auto& parent = spans.at(span.parent_span_id());
    EXPECT_LT(parent.start_time_unix_nano(), span.start_time_unix_nano()) << span.name();
    EXPECT_GT(parent.end_time_unix_nano(), span.end_time_unix_nano()) << span.name();
  }
  EXPECT_EQ(roots, 1);
  EXPECT_EQ(exceptions, 1);
}

TEST(Demo, HasLogsThatBelongToSpans) {
  std::mt19937_64 random(3);
  const Story story = tell(now, random);
  const DemoRequests made = encode(story);
  std::set<std::string> ids;
  for (const Span& span : story.spans) ids.insert(span.id);
  otel::collector::logs::v1::ExportLogsServiceRequest request;
  ASSERT_TRUE(request.ParseFromString(made.logs));
  int errors = 0;
  for (const auto& resource : request.resource_logs()) {
    for (const auto& record : resource.scope_logs(0).log_records()) {
      EXPECT_EQ(record.trace_id(), story.trace_id);
      EXPECT_TRUE(ids.contains(record.span_id()));
      EXPECT_NE(record.time_unix_nano(), 0U);
      if (record.severity_number() != otel::logs::v1::SEVERITY_NUMBER_ERROR) continue;
      ++errors;
      EXPECT_EQ(record.attributes(1).key(), "exception.message");
    }
  }
  EXPECT_EQ(errors, 1);
}

TEST(Demo, HasASumAGaugeAndAHistogramThatAddsUp) {
  std::mt19937_64 random(4);
  const DemoRequests made = make_demo(now, random);
  otel::collector::metrics::v1::ExportMetricsServiceRequest request;
  ASSERT_TRUE(request.ParseFromString(made.metrics));
  int sums = 0;
  int gauges = 0;
  int histograms = 0;
  for (const auto& resource : request.resource_metrics()) {
    for (const auto& metric : resource.scope_metrics(0).metrics()) {
      sums += metric.has_sum() && metric.sum().is_monotonic() ? 1 : 0;
      gauges += metric.has_gauge() ? 1 : 0;
      histograms += metric.has_histogram() ? 1 : 0;
      for (const auto& point : metric.histogram().data_points()) {
        ASSERT_EQ(point.bucket_counts_size(), point.explicit_bounds_size() + 1);
        std::uint64_t count = 0;
        for (const auto bucket : point.bucket_counts()) count += bucket;
        EXPECT_EQ(count, point.count());
        EXPECT_LE(point.min(), point.max());
      }
    }
  }
  EXPECT_EQ(sums, 1);
  EXPECT_EQ(gauges, 1);
  EXPECT_EQ(histograms, 1);
}

TEST(Demo, IsANewTraceEachTime) {
  std::mt19937_64 random(5);
  EXPECT_NE(make_demo(now, random).trace_id, make_demo(now, random).trace_id);
}

TEST(DemoEndpoint, IsReadAsPeopleWriteIt) {
  EXPECT_EQ(parse_endpoint("http://localhost:4318")->port, 4318);
  EXPECT_EQ(parse_endpoint("sidecar")->host, "sidecar");
  EXPECT_EQ(parse_endpoint("http://[::1]:99/otlp/")->host, "::1");
  EXPECT_EQ(parse_endpoint("http://[::1]:99/otlp/")->port, 99);
  EXPECT_EQ(parse_endpoint("http://[::1]:99/otlp/")->prefix, "/otlp");
  for (const char* bad :
       {"", "http://", "https://localhost:4318", "ftp://x", "localhost:0", "localhost:65536",
        "localhost:x", "a b", "http://u@h:1", "h:1/x?y", "http://[::1:4318"}) {
    EXPECT_FALSE(parse_endpoint(bad)) << bad;
  }
}

struct Ran {
  int code = -1;
  std::string out;
  std::string err;
};
Ran run(const std::string& endpoint) {
  char* texts[2] = {nullptr, nullptr};
  std::size_t sizes[2] = {0, 0};
  std::FILE* out = open_memstream(&texts[0], &sizes[0]);
  std::FILE* err = open_memstream(&texts[1], &sizes[1]);
  std::mt19937_64 random(6);
  DemoOptions options;
  options.endpoint = endpoint;
  Ran ran;
  ran.code = run_demo(options, now, random, out, err);
  std::fclose(out);
  std::fclose(err);
  ran.out.assign(texts[0], sizes[0]);
  ran.err.assign(texts[1], sizes[1]);
  for (char* text : texts) std::free(text);
  return ran;
}

/// Answers `requests` connections with `answer` and keeps the paths they asked for.
class Receiver {
 public:
  Receiver(int requests, std::string answer)
      : thread_([this, requests, said = std::move(answer)] {
          for (int i = 0; i < requests; ++i) serve(said);
        }) {}
  ~Receiver() { thread_.join(); }
  std::string endpoint() const {
    return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
  }
  std::vector<std::string> paths;

 private:
  void serve(const std::string& answer) {
    asio::ip::tcp::socket peer = acceptor_.accept();
    std::string text;
    const std::size_t head = asio::read_until(peer, asio::dynamic_buffer(text), "\r\n\r\n");
    const std::size_t size = std::stoul(text.substr(text.find("Content-Length: ") + 16));
    if (head + size > text.size())
      asio::read(peer, asio::dynamic_buffer(text),
                 asio::transfer_exactly(head + size - text.size()));
    paths.push_back(text.substr(5, text.find(' ', 5) - 5));
    asio::write(peer, asio::buffer(answer));
  }
  asio::io_context io_;
  asio::ip::tcp::acceptor acceptor_{io_, {asio::ip::address_v4::loopback(), 0}};
  std::thread thread_;
};

TEST(RunDemo, SendsAllThreeSignalsAndSaysWhereToLook) {
  Ran ran;
  std::vector<std::string> paths;
  {
    Receiver receiver(3, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    ran = run(receiver.endpoint());
    paths = receiver.paths;
  }
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_TRUE(
      has(ran.out, "sent 1 trace of 12 spans, 6 log records, 5 data points to http://127.0.0.1:"));
  EXPECT_TRUE(has(ran.out, "http://localhost:13133/hive/recent"));
  EXPECT_EQ(ran.err, "");
  EXPECT_EQ(paths, (std::vector<std::string>{"/v1/traces", "/v1/logs", "/v1/metrics"}));
}

TEST(RunDemo, PassesOnWhyItWasRefused) {
  Receiver receiver(1,
                    "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 15\r\n\r\n\x08\x0e\x12\x0b"
                    "full\x1b memor");
  const Ran ran = run(receiver.endpoint());
  EXPECT_EQ(ran.code, 1);
  EXPECT_TRUE(has(ran.err, "/v1/traces answered 503: full? memor.")) << ran.err;
  EXPECT_EQ(ran.out, "");
}

TEST(RunDemo, SaysHowToStartForagerWhenNothingListens) {
  asio::io_context io;
  asio::ip::tcp::acceptor closed(io, {asio::ip::address_v4::loopback(), 0});
  const std::string port = std::to_string(closed.local_endpoint().port());
  closed.close();
  const Ran ran = run("localhost:" + port);
  EXPECT_EQ(ran.code, 1);
  EXPECT_TRUE(has(ran.err, "connection refused at localhost:" + port));
  EXPECT_TRUE(has(ran.err, "Start Forager"));
  EXPECT_EQ(run("https://x").code, 64);
}

}  // namespace
}  // namespace forager::demo
