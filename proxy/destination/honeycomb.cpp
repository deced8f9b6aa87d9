#include "destination/honeycomb.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "destination/key_shape.h"
#include "destination/verdict.h"
#include "otlp/encoding.h"

namespace forager::destination {
namespace {

constexpr std::string_view team_header = "x-honeycomb-team";
constexpr std::string_view dataset_header = "x-honeycomb-dataset";
// What libhoney and Refinery send at most (PROTOCOLS 2.7); the limit of the OTLP endpoint itself
// isn't published.
constexpr std::size_t request_bytes_max = 5'000'000;

constexpr std::string_view key_fix =
    "HONEYCOMB_API_KEY is refused: set a key of this region that may send events; what was "
    "accepted is kept meanwhile";
constexpr std::string_view permission_fix =
    "HONEYCOMB_API_KEY may not do this: allow it to send events and create datasets; what was "
    "accepted is kept meanwhile";
constexpr std::string_view dataset_fix =
    "HONEYCOMB_API_KEY is a classic key, which needs a dataset: set HONEYCOMB_DATASET";

/// A header can't be ended early by what is in it: no control characters, no blanks around.
std::string header_value(std::string_view from) {
  std::string value;
  for (const char c : from) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7F) value += c;
  }
  value.erase(value.find_last_not_of(' ') + 1);
  value.erase(0, std::min(value.find_first_not_of(' '), value.size()));
  return value;
}

std::string_view first_of(std::string_view a, std::string_view b, std::string_view c) {
  if (!a.empty()) return a;
  return b.empty() ? c : b;
}

}  // namespace

HoneycombDestination::HoneycombDestination(HoneycombConfig config) : config_(std::move(config)) {
  while (config_.path_prefix.ends_with('/')) config_.path_prefix.pop_back();
}

Limits HoneycombDestination::limits(Signal /*signal*/) const {
  Limits limits;
  limits.request_bytes = config_.batch_bytes == 0 ? request_bytes_max : config_.batch_bytes;
  return limits;
}

net::Request HoneycombDestination::encode(const Encoded& batch) const {
  net::Request request;
  request.target = config_.path_prefix + std::string(facts(batch.signal).http_path);
  // Compared as an exact text there: no parameters (PROTOCOLS 2.2).
  request.headers.push_back(
      {"Content-Type", std::string(otlp::content_type(otlp::Encoding::protobuf))});
  if (const auto coding = content_encoding(batch.codec); !coding.empty()) {
    request.headers.push_back({"Content-Encoding", std::string(coding)});
  }
  request.headers.push_back({"User-Agent", "forager/" FORAGER_VERSION});
  request.body = batch.body;
  return request;
}

void HoneycombDestination::sign(net::Request& request, Signal signal, const Credentials& with,
                                WallTime /*now*/) const {
  std::erase_if(request.headers, [](const net::Header& h) { return h.name == dataset_header; });
  std::erase_if(request.secret_headers, [](const auto& h) { return h.first == team_header; });
  Secret key(header_value(with.key.reveal()));
  const bool classic = is_classic(classify(key.reveal()));
  request.secret_headers.emplace_back(team_header, std::move(key));
  std::string dataset = dataset_for(signal, classic, with);
  if (!dataset.empty())
    request.headers.push_back({std::string(dataset_header), std::move(dataset)});
}

/// PROTOCOLS 2.3. Traces of an environment go by service name alone, and the header would be
/// ignored.
std::string HoneycombDestination::dataset_for(Signal signal, bool classic,
                                              const Credentials& with) const {
  switch (signal) {
    case Signal::metrics:
      return header_value(first_of(with.dataset, config_.metrics_dataset, config_.dataset));
    case Signal::logs:
      return header_value(first_of(with.dataset, config_.dataset, {}));
    case Signal::traces:
      break;
  }
  return classic ? header_value(first_of(with.dataset, config_.dataset, {})) : std::string();
}

Verdict HoneycombDestination::judge(const net::Response& response, Signal /*signal*/, Codec codec,
                                    WallTime now) const {
  const bool names_dataset = response.body.find(dataset_header) != std::string::npos;
  std::string_view fix = response.status == 403 ? permission_fix : key_fix;
  if (response.status == 401 && names_dataset) fix = dataset_fix;
  Verdict verdict = verdict_of(response, codec, now, config_.host, fix);
  // "request body is too large" comes as a 400 (PROTOCOLS 2.5).
  if (auto* apart = std::get_if<TakeApart>(&verdict)) {
    apart->too_large = apart->too_large || apart->why.find("too large") != std::string::npos;
  }
  return verdict;
}

}  // namespace forager::destination
