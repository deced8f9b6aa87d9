#include "hive/recent.h"

#include <charconv>

#include <fmt/format.h>

#include "base/iso_time.h"
#include "base/json_writer.h"

namespace forager::hive {

namespace {

constexpr std::size_t limit_max = 1'000;
constexpr std::size_t answer_data_max = 4U << 20U;

std::size_t cost_of(const Kept& request) {
  std::size_t cost = sizeof(Kept);
  for (const std::string& service : request.services)
    cost += sizeof(std::string) + service.capacity();
  return cost + (request.body ? request.body->capacity() : 0);
}

std::optional<Signal> signal_named(std::string_view name) {
  for (const Signal signal : otlp_signals) {
    if (facts(signal).name == name) return signal;
  }
  return std::nullopt;
}

void write_data(JsonWriter& json, const Kept& request, const ToJson& to_json) {
  if (request.body && json.size() < answer_data_max) {
    json.key("data").raw(to_json(request.signal, *request.body));
    return;
  }
  json.key("data").null();
  json.member("note", request.body
                          ? "left out: this answer is long enough; ask with a smaller limit"
                          : "not kept: the request is too large for the hive's memory");
}

}  // namespace

void Recent::add(Kept request) {
  if (request.body && !keeps(request.body->size())) request.body.reset();
  const std::size_t cost = cost_of(request);
  while (!kept_.empty() && (bytes_ + cost > bytes_max_ || kept_.size() >= count_max_)) {
    bytes_ -= cost_of(kept_.front());
    kept_.pop_front();
  }
  if (cost > bytes_max_ || count_max_ == 0) return;
  bytes_ += cost;
  kept_.push_back(std::move(request));
}

Result<RecentQuery> parse_recent_query(std::string_view query) {
  RecentQuery asked;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    const auto equals = pair.find('=');
    const std::string_view name = pair.substr(0, equals);
    const std::string_view value = equals == pair.npos ? "" : pair.substr(equals + 1);
    if (name == "limit") {
      const auto [end, error] =
          std::from_chars(value.data(), value.data() + value.size(), asked.limit);
      const bool whole = error == std::errc{} && end == value.data() + value.size();
      if (!whole || asked.limit == 0 || asked.limit > limit_max) {
        return fault(fmt::format("limit must be a number from 1 to {}", limit_max));
      }
    } else if (name == "signal") {
      asked.signal = signal_named(value);
      if (!asked.signal) return fault("signal must be traces, metrics or logs");
    } else if (!pair.empty()) {
      return fault("the parameters are limit=N and signal=traces|metrics|logs");
    }
  }
  return asked;
}

std::string recent_json(const Recent& recent, const RecentQuery& query, const ToJson& to_json) {
  JsonWriter json;
  json.begin_array();
  std::size_t written = 0;
  for (std::size_t back = 0; back < recent.count() && written < query.limit; ++back) {
    const Kept& request = recent.newest(back);
    if (query.signal && *query.signal != request.signal) continue;
    ++written;
    json.begin_object();
    json.member("received_at", iso_time(request.received_at));
    json.member("signal", facts(request.signal).name);
    json.member("items", request.items);
    json.member("bytes", request.bytes);
    json.key("services").begin_array();
    for (const std::string& service : request.services) json.value(service);
    json.end_array();
    write_data(json, request, to_json);
    json.end_object();
  }
  json.end_array();
  return json.take();
}

}  // namespace forager::hive
