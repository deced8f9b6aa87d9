#include "destination/honeycomb.h"

#include <string_view>
#include <utility>
#include <variant>

#include "destination/key_shape.h"
#include "destination/otlp_http.h"
#include "destination/verdict.h"

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

std::string_view first_of(std::string_view a, std::string_view b, std::string_view c) {
  if (!a.empty()) return a;
  return b.empty() ? c : b;
}

}  // namespace

HoneycombDestination::HoneycombDestination(HoneycombConfig config) : config_(std::move(config)) {}

Limits HoneycombDestination::limits(Signal /*signal*/) const {
  Limits limits;
  limits.request_bytes = config_.batch_bytes == 0 ? request_bytes_max : config_.batch_bytes;
  return limits;
}

net::Request HoneycombDestination::encode(const Encoded& batch) const {
  return otlp_request(batch, otlp_target(config_.path_prefix, batch.signal));
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
    case Signal::segments:  // never: it takes none
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
