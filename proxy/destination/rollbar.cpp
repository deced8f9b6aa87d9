#include "destination/rollbar.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "destination/retry_after.h"
#include "destination/rollbar_screen.h"
#include "destination/verdict.h"
#include "otlp/json_text.h"
#include "otlp/json_value.h"
#include "rollbar/write.h"

namespace forager::destination {
namespace {

constexpr std::string_view token_header = "X-Rollbar-Access-Token";
// rollbar.js waits no longer either (PROTOCOLS 4.3).
constexpr std::chrono::seconds pause_max{60};
constexpr std::string_view token_fix =
    "ROLLBAR_ACCESS_TOKEN is refused: set a project access token with the scope post_server_item; "
    "what was accepted is kept meanwhile";

/// No control characters and blanks: a token file may end in a line break.
std::string header_value(std::string_view from) {
  std::string value;
  for (const char c : from) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte < 0x7F) value += c;
  }
  return value;
}

std::optional<std::int64_t> number_in(const net::Response& response, std::string_view header) {
  const auto text = response.header(header);
  if (!text) return std::nullopt;
  std::int64_t number = 0;
  const auto read = std::from_chars(text->data(), text->data() + text->size(), number);
  if (read.ec != std::errc() || read.ptr != text->data() + text->size()) return std::nullopt;
  return number;
}

/// Until the limit is reset, at most a minute.
std::optional<Duration> pause_told(const net::Response& response, WallTime now) {
  std::optional<std::int64_t> seconds = number_in(response, "X-Rate-Limit-Remaining-Seconds");
  if (!seconds) {
    seconds = number_in(response, "X-Rate-Limit-Reset");
    if (seconds) *seconds -= static_cast<std::int64_t>(unix_nanos(now) / 1'000'000'000);
  }
  if (!seconds) return std::nullopt;
  return std::chrono::seconds(std::clamp<std::int64_t>(*seconds, 0, pause_max.count()));
}

/// The pause after a 429: what Retry-After says, else until the limit is reset, at most a minute.
std::optional<Duration> pause_after(const net::Response& response, WallTime now) {
  if (const auto text = response.header("Retry-After")) {
    if (const auto after = parse_retry_after(*text, now)) return after;
  }
  return pause_told(response, now);
}

/// The same after a call that was let in, when it was the last one.
std::optional<Duration> pause_before_next(const net::Response& response, WallTime now) {
  const auto left = number_in(response, "X-Rate-Limit-Remaining");
  if (!left || *left > 0) return std::nullopt;
  return pause_told(response, now);
}

/// "err" of the answer; nullopt: not such an answer.
std::optional<std::int64_t> err_of(std::string_view body) {
  otlp::JsonText text(body);
  std::optional<std::int64_t> err;
  if (!text.take('{')) return std::nullopt;
  if (text.take('}')) return std::nullopt;
  do {
    otlp::JsonString key;
    if (!text.string(key) || !text.take(':')) return std::nullopt;
    std::string_view digits;
    if (key.raw == "err" && text.peek() != '"') {
      if (!text.number(digits)) return std::nullopt;
      err = otlp::signed_of(digits, INT64_MIN, INT64_MAX);
    } else if (!text.skip_value()) {
      return std::nullopt;
    }
  } while (text.take(','));
  return text.take('}') && text.at_end() ? err : std::nullopt;
}

Verdict verdict_of_success(const net::Response& response, std::string_view host, WallTime now) {
  const auto err = err_of(response.body);
  if (err && err != 0) return TakeApart{answer_in_words(host, response), false};
  std::string doubt;
  if (!err) doubt = fmt::format("{} answered {}, but not as Rollbar does", host, response.status);
  return Delivered{0, std::move(doubt), pause_before_next(response, now)};
}

}  // namespace

std::vector<std::string> rollbar_scrub_default() {
  return {"pw",
          "passwd",
          "password",
          "confirm-password",
          "secret",
          "access-token",
          "auth",
          "token",
          "authentication",
          "api-key",
          "authorization",
          "cookie",
          "set-cookie",
          "proxy-authorization",
          "x-api-key",
          "x-rollbar-access-token"};
}

RollbarDestination::RollbarDestination(RollbarConfig config)
    : config_(std::move(config)), scrub_(config_.scrub) {
  while (config_.path_prefix.ends_with('/')) config_.path_prefix.pop_back();
}

bool RollbarDestination::takes(Signal signal) const {
  const bool errors = signal == Signal::traces || signal == Signal::logs;
  return errors && config_.routed[static_cast<std::size_t>(signal)];
}

Limits RollbarDestination::limits(Signal /*signal*/) const {
  Limits limits;
  // A record is never cut for its size: the screen must see each once, and what is sent of an item
  // is cut by the ladder. After admission a request grows by attributes of its resources, and by
  // the times that its log records lack (batch::log_time_bytes each, and a record has two bytes).
  constexpr std::size_t attributes = 64U << 10U;
  limits.request_bytes = 9 * config_.request_limit + attributes;
  return limits;
}

bool RollbarDestination::takes_codec(Signal /*signal*/, Codec codec) const {
  return codec == Codec::none;
}

std::unique_ptr<Screen> RollbarDestination::make_screen() const {
  return std::make_unique<RollbarScreen>(config_.read, config_.rate);
}

std::string RollbarDestination::json_of(const Encoded& batch) const {
  const std::string body = batch.body.joined();
  std::vector<rollbar::Occurrence> errors;
  rollbar::Envelope around;
  rollbar::each_item(body, [&](std::string_view item, std::string_view scope_group,
                               std::string_view resource_group) {
    if (!errors.empty()) return;
    rollbar::read_occurrences(batch.signal, item, config_.read, errors);
    around = rollbar::envelope_of(scope_group, resource_group);
  });
  const std::vector<RollbarPick> picks = picks_of(batch.lane, errors.size());
  if (picks.empty()) {  // no screen has seen this batch: still an item that Rollbar can take
    rollbar::Item nothing;
    nothing.message = true;
    nothing.text = "Forager was asked to send an error that isn't one";
    nothing.level = "debug";
    nothing.environment = config_.item.environment;
    return rollbar::write_item(nothing, scrub_, config_.item_bytes);
  }
  const RollbarPick pick = picks[std::min<std::size_t>(batch.step, picks.size() - 1)];
  errors[pick.error].repeat = pick.repeat;
  const rollbar::Item item =
      rollbar::make_item(errors[pick.error], around, config_.item, scrub_, pick.held_back);
  return written(item, batch.squeezed);
}

std::string RollbarDestination::written(const rollbar::Item& item, bool squeezed) const {
  std::string json = rollbar::write_item(item, scrub_, config_.item_bytes);
  if (!squeezed) return json;
  return rollbar::write_item(item, scrub_, json.size() / 2);
}

net::Request RollbarDestination::encode(const Encoded& batch) const {
  net::Request request;
  request.target = config_.path_prefix + "/api/1/item/";
  request.headers.push_back({"Content-Type", "application/json"});
  request.headers.push_back({"User-Agent", "forager/" FORAGER_VERSION});
  request.body = Chain(Slice(json_of(batch)));
  return request;
}

void RollbarDestination::sign(net::Request& request, Signal /*signal*/, const Credentials& with,
                              WallTime /*now*/) const {
  std::erase_if(request.secret_headers, [](const auto& h) { return h.first == token_header; });
  request.secret_headers.emplace_back(token_header, Secret(header_value(with.key.reveal())));
}

Verdict RollbarDestination::judge(const net::Response& response, Signal /*signal*/, Codec codec,
                                  WallTime now) const {
  if (response.status >= 200 && response.status < 300) {
    return verdict_of_success(response, config_.host, now);
  }
  Verdict verdict = verdict_of(response, codec, now, config_.host, token_fix);
  if (auto* retry = std::get_if<Retry>(&verdict); retry != nullptr && response.status == 429) {
    retry->after = pause_after(response, now);
  }
  if (auto* apart = std::get_if<TakeApart>(&verdict); apart != nullptr && apart->too_large) {
    // One item is the smallest request there is, but the ladder can cut it harder.
    apart->too_large = false;
    apart->squeeze = true;
    apart->why += fmt::format(
        "; items are cut to {} bytes, and once more to half of theirs: a proxy in between may have "
        "a smaller limit",
        config_.item_bytes);
  }
  return verdict;
}

}  // namespace forager::destination
