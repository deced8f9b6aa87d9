#include "hive/hive.h"

#include <algorithm>
#include <utility>

#include <boost/algorithm/string/predicate.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>

#include "hive/lines.h"
#include "hive/reading.h"
#include "hive/recent.h"
#include "hive/traces.h"
#include "otlp/json_out.h"

namespace forager::hive {

namespace {

constexpr Duration tick = std::chrono::milliseconds(100);
constexpr std::size_t services_max = 64;  // listed of one request

net::Response answer(int status, std::string words) {
  net::Response response;
  response.status = status;
  if (!words.empty()) response.headers.push_back({"Content-Type", "text/plain; charset=utf-8"});
  response.body = std::move(words);
  return response;
}

bool is_compressed(const net::Request& request) {
  return std::ranges::any_of(request.headers, [](const net::Header& header) {
    return boost::algorithm::iequals(header.name, "Content-Encoding") && header.value != "identity";
  });
}

template <class Facts>
std::vector<std::string> owned_services(const std::vector<Facts>& all) {
  std::vector<std::string> services;
  for (const std::string_view service : services_of(all)) {
    if (services.size() == services_max) break;
    services.emplace_back(service);
  }
  return services;
}

}  // namespace

/// Shared with the timer's handler, which may run after the transport is gone and then finds
/// nothing.
struct HiveTransport::State : std::enable_shared_from_this<State> {
  State(const boost::asio::any_io_executor& executor, HiveOptions options, Budget::Charge charged)
      : charge(std::move(charged)),
        recent(options.bytes, options.requests),
        silent(!options.sink),
        screen(std::move(options.sink), options.colour),
        timer(executor) {}

  void show(const std::vector<Line>& lines) {
    if (silent) return;
    const std::string clock = clock_text(std::chrono::system_clock::now());
    for (const Line& line : lines) screen.show(line, clock, std::chrono::steady_clock::now());
  }
  /// Ticks while there is something to say later, and not otherwise.
  void arm() {
    if (ticking || (traces.empty() && !screen.behind())) return;
    ticking = true;
    timer.expires_after(tick);
    timer.async_wait([weak = weak_from_this()](boost::system::error_code) {
      if (const auto self = weak.lock()) self->on_tick();
    });
  }
  void on_tick() {
    ticking = false;
    const Time now = std::chrono::steady_clock::now();
    show(traces.take_due(now));
    screen.catch_up(clock_text(std::chrono::system_clock::now()), now);
    arm();
  }
  net::Response take(Signal signal, const Chain& body);
  /// Shows and keeps one request; false: it is none of that signal.
  bool take_one(Signal signal, std::string_view body);
  /// Fills in what was counted and prints it.
  bool read(Kept& request, std::string_view body);

  Budget::Charge charge;
  Recent recent;
  bool silent;
  Screen screen;
  OpenTraces traces;
  boost::asio::steady_timer timer;
  bool ticking = false;
};

bool HiveTransport::State::read(Kept& request, std::string_view body) {
  if (request.signal == Signal::traces) {
    const auto spans = read_spans(body);
    if (!spans) return false;
    request.items = static_cast<std::uint32_t>(spans->size());
    request.services = owned_services(*spans);
    if (!silent) show(traces.add(*spans, std::chrono::steady_clock::now()));
  } else if (request.signal == Signal::logs) {
    const auto logs = read_logs(body);
    if (!logs) return false;
    request.items = static_cast<std::uint32_t>(logs->size());
    request.services = owned_services(*logs);
    show(log_lines(*logs));
  } else {
    const auto metrics = read_metrics(body);
    if (!metrics) return false;
    for (const MetricFacts& metric : *metrics) request.items += metric.points;
    request.services = owned_services(*metrics);
    show(metric_lines(*metrics));
  }
  return true;
}

bool HiveTransport::State::take_one(Signal signal, std::string_view body) {
  Kept request;
  request.received_at = std::chrono::system_clock::now();
  request.signal = signal;
  request.bytes = body.size();
  if (!read(request, body)) return false;
  // a copy: sharing would keep a whole journal record in memory for as long as the hive shows this
  if (recent.keeps(body.size())) request.body.emplace(body);
  recent.add(std::move(request));
  return true;
}

net::Response HiveTransport::State::take(Signal signal, const Chain& body) {
  const auto slices = body.slices();
  const bool separable =
      std::ranges::all_of(slices, [](const Slice& slice) { return is_whole(slice.view()); });
  bool good = true;
  if (separable) {  // a batch of whole records: never copied together
    for (const Slice& slice : slices) good = good && take_one(signal, slice.view());
  } else {
    good = take_one(signal, body.joined());
  }
  arm();
  if (good) return answer(200, {});
  return answer(400, fmt::format("these bytes are no export request for {}", facts(signal).name));
}

std::size_t HiveTransport::memory(const HiveOptions& options) {
  return options.bytes + OpenTraces::memory_max;
}

HiveTransport::HiveTransport(boost::asio::any_io_executor executor, HiveOptions options,
                             Budget::Charge charge)
    : state_(std::make_shared<State>(std::move(executor), std::move(options), std::move(charge))) {}

HiveTransport::~HiveTransport() = default;

boost::asio::awaitable<net::Answer> HiveTransport::send(net::Request request,
                                                        Duration /*timeout*/) {
  const auto signal = signal_of_path(request.target);
  if (!signal || request.method != "POST") {
    co_return answer(404, "the hive takes POST /v1/traces, /v1/metrics and /v1/logs");
  }
  if (is_compressed(request)) co_return answer(415, "the hive takes bodies without compression");
  co_return state_->take(*signal, request.body);
}

Result<std::string> HiveTransport::recent_json(std::string_view query) const {
  const auto asked = parse_recent_query(query);
  if (!asked) return asked.error();
  return hive::recent_json(state_->recent, *asked, otlp::protobuf_to_json);
}

void HiveTransport::flush() { state_->show(state_->traces.take_all()); }

}  // namespace forager::hive
