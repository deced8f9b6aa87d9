// Scenario: random workloads around each limit of AWS's OTLP endpoints go through Screen and Limits
// and are packed as the exporter packs them. Guarantees: no request breaks a limit of PROTOCOLS
// 3.1, at the look and as long as the look holds; every item is in one request or held back once;
// what clearly fits is never held back. The checker decodes requests on its own.
#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <protozero/pbf_reader.hpp>

#include "base/json_writer.h"
#include "destination/cloudwatch.h"
#include "destination/xray.h"
#include "otlp/take_apart.h"
#include "unit/destination/aws_workload.h"

namespace forager::destination {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

constexpr WallTime now = std::chrono::sys_days(std::chrono::year(2026) / 11 / 24) + 12h;

struct Request {
  std::string body;
  std::string lane;
  std::uint32_t items = 0;
  std::size_t weight = 0;
  std::int64_t oldest = INT64_MAX;
  std::int64_t newest = 0;
};

/// As export/screening and batch/planner do it.
class Packer {
 public:
  Packer(Signal signal, const Limits& limits) : signal_(signal), limits_(limits) {}

  void add(std::string_view body, const otlp::Cuts& cuts, const Stretch& stretch) {
    for (std::uint32_t at = stretch.first; at < stretch.last;) {
      Request& into = open(stretch);
      const std::size_t room = limits_.request_bytes - into.body.size();
      std::uint32_t n = std::min(otlp::fit(cuts, at, room, limits_.request_items - into.items),
                                 stretch.last - at);
      if (otlp::part_size(cuts, at, at + n) > room && !into.body.empty()) {
        close(stretch.lane);
        continue;
      }
      into.body += otlp::part(signal_, body, cuts, at, at + n).view();
      into.items += n;
      into.weight += stretch.weight;
      into.oldest = std::min(into.oldest, stretch.oldest);
      into.newest = std::max(into.newest, stretch.newest);
      at += n;
      if (at < stretch.last) close(stretch.lane);
    }
  }
  std::vector<Request> take() {
    for (auto& [lane, request] : open_) done_.push_back(std::move(request));
    open_.clear();
    return std::move(done_);
  }

 private:
  Request& open(const Stretch& stretch) {
    const auto found = open_.find(stretch.lane);
    if (found != open_.end()) {
      const Request& r = found->second;
      const bool apart = std::max(r.newest, stretch.newest) - std::min(r.oldest, stretch.oldest) >
                         limits_.spread.count();
      if (apart || r.weight + stretch.weight > limits_.request_weight ||
          r.items >= limits_.request_items) {
        close(stretch.lane);
      }
    }
    Request& into = open_[stretch.lane];
    into.lane = stretch.lane;
    return into;
  }
  void close(const std::string& lane) {
    done_.push_back(std::move(open_[lane]));
    open_.erase(lane);
  }

  Signal signal_;
  Limits limits_;
  std::map<std::string, Request> open_;
  std::vector<Request> done_;
};

// --- the checker ---

std::string_view text(protozero::pbf_reader& from) {
  const auto view = from.get_view();
  return {view.data(), view.size()};
}

struct Item {
  std::string id;
  std::string_view bytes;
  std::string_view resource;
  std::string_view scope;
  std::uint64_t first = 0;  ///< of its times; a log record without any has that of its arrival
  std::uint64_t last = 0;
  std::size_t event = 0;  ///< UTF-8 bytes of the LogEvent's message
};

/// Repeated KeyValue with string values.
void write_attributes(JsonWriter& json, std::string_view message, std::uint32_t number) {
  json.begin_object();
  protozero::pbf_reader fields(message.data(), message.size());
  while (fields.next(number)) {
    auto pair = fields.get_message();
    while (pair.next()) {
      if (pair.tag() == 1) {
        json.key(text(pair));
      } else {
        auto value = pair.get_message();
        value.next();
        json.value(text(value));
      }
    }
  }
  json.end_object();
}

std::size_t event_of(const Item& item) {
  JsonWriter json;
  json.begin_object().key("resource").begin_object().key("attributes");
  write_attributes(json, item.resource, 1);
  json.end_object().key("scope").begin_object().key("name");
  protozero::pbf_reader scope(item.scope.data(), item.scope.size());
  json.value(scope.next(1) ? text(scope) : std::string_view());
  json.end_object().member("timeUnixNano", item.first).member("observedTimeUnixNano", item.last);
  json.member("severityNumber", 9).member("severityText", "").member("flags", 0);
  json.member("traceId", "").member("spanId", "").key("attributes");
  write_attributes(json, item.bytes, 6);
  protozero::pbf_reader record(item.bytes.data(), item.bytes.size());
  while (record.next()) {
    if (record.tag() == 5) {
      auto body = record.get_message();
      body.next();
      json.member("body", text(body));
    } else if (record.tag() == 12) {
      json.member("eventName", text(record));
    } else {
      record.skip();
    }
  }
  return json.end_object().take().size();
}

Item item_of(Signal signal, std::string_view bytes) {
  Item made;
  made.bytes = bytes;
  std::uint64_t one = 0;
  std::uint64_t two = 0;
  protozero::pbf_reader fields(bytes.data(), bytes.size());
  const bool span = signal == Signal::traces;
  while (fields.next()) {
    if (fields.tag() == (span ? 5U : 12U)) {
      made.id = text(fields);
    } else if (fields.tag() == (span ? 7U : 1U)) {
      one = fields.get_fixed64();
    } else if (fields.tag() == (span ? 8U : 11U)) {
      two = fields.get_fixed64();
    } else {
      fields.skip();
    }
  }
  if (!span) {
    one = one != 0 ? one : two != 0 ? two : unix_nanos(now);
    two = one;
  }
  made.first = std::min(one, two);
  made.last = std::max(one, two);
  return made;
}

std::vector<Item> items_of(Signal signal, std::string_view body) {
  std::vector<Item> all;
  protozero::pbf_reader request(body.data(), body.size());
  while (request.next(1)) {
    auto resource = request.get_message();
    std::string_view resource_message;
    while (resource.next()) {
      if (resource.tag() == 1) {
        resource_message = text(resource);
        continue;
      }
      auto scope = resource.get_message();
      std::string_view scope_message;
      while (scope.next()) {
        if (scope.tag() == 1) {
          scope_message = text(scope);
          continue;
        }
        all.push_back(item_of(signal, text(scope)));
        all.back().resource = resource_message;
        all.back().scope = scope_message;
        if (signal == Signal::logs) all.back().event = event_of(all.back());
      }
    }
  }
  return all;
}

struct Bounds {
  std::uint64_t oldest;
  std::uint64_t newest;
};
Bounds window(WallTime at, nanoseconds margin) {
  return {unix_nanos(at - 14 * 24h + margin), unix_nanos(at + 2h - margin)};
}

/// Every envelope of a body, also one without items.
std::size_t largest_envelope(std::string_view body) {
  std::size_t largest = 0;
  protozero::pbf_reader request(body.data(), body.size());
  while (request.next(1)) {
    auto resource = request.get_message();
    while (resource.next()) {
      if (resource.tag() == 1) {
        largest = std::max(largest, text(resource).size());
        continue;
      }
      auto scope = resource.get_message();
      while (scope.next(1)) largest = std::max(largest, text(scope).size());
    }
  }
  return largest;
}

struct Counts {
  std::size_t requests = 0;
  std::size_t sent = 0;
  std::size_t held = 0;
  std::size_t full =
      0;  ///< requests over nine tenths of a limit; events weigh less than their bound
};

void check(Signal signal, const Request& request, Duration good_for, Counts& counts,
           std::map<std::string, int>& seen) {
  const auto items = items_of(signal, request.body);
  std::uint64_t oldest = UINT64_MAX;
  std::uint64_t newest = 0;
  std::size_t events = 0;
  for (const Item& item : items) {
    ++seen[item.id];
    oldest = std::min(oldest, item.first);
    newest = std::max(newest, item.last);
    events += item.event + 26;
    if (signal == Signal::traces) {
      EXPECT_LE(item.bytes.size(), 200'000U);
    }
    if (signal == Signal::logs) {
      EXPECT_LE(item.event, 1'000'000U);
    }
    const char service = item.resource.at(item.resource.find("service.name") + 16);
    if (signal == Signal::logs) {
      EXPECT_EQ(request.lane, fmt::format("/app/{}\nall", service));
    }
  }
  const std::size_t bytes_max = signal == Signal::traces ? 5'000'000 : 1'048'576;
  EXPECT_LE(request.body.size(), bytes_max);
  EXPECT_LE(items.size(), 10'000U);
  EXPECT_LE(largest_envelope(request.body), 16'000U);
  EXPECT_LE(newest - oldest, static_cast<std::uint64_t>(nanoseconds(24h).count()));
  if (signal == Signal::logs) {
    EXPECT_LE(events, 1'048'576U);
  }
  for (const WallTime at : {now, now + std::chrono::duration_cast<WallTime::duration>(good_for)}) {
    EXPECT_GE(oldest, window(at, 0s).oldest);
    EXPECT_LE(newest, window(at, 0s).newest);
  }
  ++counts.requests;
  counts.sent += items.size();
  const bool full = request.body.size() > bytes_max / 10 * 9 || items.size() > 9'000 ||
                    (signal == Signal::logs && events > 1'048'576U / 2);
  counts.full += full ? 1 : 0;
}

/// Far from every limit, so nothing may hold it back.
bool clearly_fits(Signal signal, const Item& item) {
  const Bounds inside = window(now, 20min);
  const bool small = signal == Signal::traces ? item.bytes.size() <= 199'900 : item.event < 999'000;
  return small && item.resource.size() < 15'900 && item.scope.size() < 15'900 &&
         item.first >= inside.oldest && item.last <= inside.newest &&
         item.last - item.first < static_cast<std::uint64_t>(nanoseconds(23h).count());
}

Counts run(Signal signal, const Destination& destination, unsigned seed) {
  Counts counts;
  test::Workload workload(signal, seed, now);
  const auto screen = destination.make_screen();
  Packer packer(signal, destination.limits(signal));
  std::map<std::string, int> seen;
  for (int r = 0; r < 6; ++r) {
    const std::string body = workload.record();
    const auto items = items_of(signal, body);
    const auto cuts = otlp::index(signal, body);
    const bool odd_envelope = largest_envelope(body) > 15'900;
    std::uint32_t next = 0;
    for (const Stretch& stretch : screen->look(signal, body, now)) {
      EXPECT_EQ(stretch.first, next);
      EXPECT_LT(stretch.first, stretch.last);
      next = stretch.last;
      if (stretch.fate == Stretch::Fate::send) {
        packer.add(body, cuts, stretch);
        continue;
      }
      EXPECT_FALSE(stretch.why.empty());
      counts.held += stretch.last - stretch.first;
      for (std::uint32_t i = stretch.first; i < stretch.last; ++i) {
        ++seen[items[i].id];
        EXPECT_TRUE(odd_envelope || !clearly_fits(signal, items[i]))
            << items[i].id << ": " << stretch.why;
      }
    }
    EXPECT_EQ(next, items.size());
  }
  for (const Request& request : packer.take()) {
    check(signal, request, screen->good_for(), counts, seen);
  }
  EXPECT_EQ(seen.size(), static_cast<std::size_t>(workload.items()));
  for (const auto& [id, times] : seen) EXPECT_EQ(times, 1) << id;
  return counts;
}

void run_all(Signal signal, const Destination& destination) {
  Counts all;
  for (unsigned seed = 1; seed <= 8; ++seed) {
    const Counts one = run(signal, destination, seed);
    all.requests += one.requests;
    all.sent += one.sent;
    all.held += one.held;
    all.full += one.full;
    ASSERT_FALSE(::testing::Test::HasFailure()) << "seed " << seed;
  }
  // The workloads do reach the limits.
  EXPECT_GE(all.full, 3U);
  EXPECT_GT(all.held, 25U);
  EXPECT_GT(all.sent, 10'000U);
  std::printf("%zu requests, %zu of them nearly full, %zu items sent, %zu held back\n",
              all.requests, all.full, all.sent, all.held);
}

TEST(AwsLimits, NoRequestToXRayEverBreaksOne) {
  XRayConfig config;
  config.at = {"eu-west-1", "xray.eu-west-1.amazonaws.com", ""};
  run_all(Signal::traces, XRayDestination(config));
}

TEST(AwsLimits, NoRequestToCloudWatchLogsEverBreaksOne) {
  CloudWatchConfig config;
  config.at = {"eu-west-1", "logs.eu-west-1.amazonaws.com", ""};
  config.log_group = "/app/{service.name}";
  config.log_stream = "all";
  const auto made = CloudWatchDestination::make(config);
  ASSERT_TRUE(made);
  run_all(Signal::logs, **made);
}

}  // namespace
}  // namespace forager::destination
