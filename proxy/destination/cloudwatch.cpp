#include "destination/cloudwatch.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/json_writer.h"
#include "destination/json_members.h"
#include "destination/otlp_http.h"

namespace forager::destination {
namespace {

constexpr std::size_t request_bytes_max = 1'048'576;
constexpr std::uint32_t request_records_max = 10'000;
constexpr std::string_view park_fix =
    "CloudWatch Logs refuses the request: check the credentials of AWS, their policy and the "
    "region; what was accepted is kept meanwhile";

bool is_success(const net::Response& response) {
  return response.status >= 200 && response.status < 300;
}

/// {"tooOldLogEventCount": 3, ...} in words; anything else as it is.
std::string reasons_in_words(std::string_view message) {
  struct Row {
    std::string_view name;
    std::string_view words;
  };
  constexpr std::array<Row, 3> table{{
      {"tooOldLogEventCount", "too old (over 14 days)"},
      {"tooNewLogEventCount", "too new (over 2 hours ahead)"},
      {"expiredLogEventCount", "older than the group's retention"},
  }};
  std::string words;
  otlp::JsonText text(message);
  const bool read = each_member(text, [&](std::string_view name) {
    const auto* const row =
        std::find_if(table.begin(), table.end(), [&](const Row& r) { return r.name == name; });
    if (row == table.end()) return text.skip_value();
    if (const std::int64_t count = take_count(text); count > 0) {
      words += fmt::format("{}{} {}", words.empty() ? "" : ", ", count, row->words);
    }
    return true;
  });
  return read && !words.empty() ? words : std::string(message);
}

/// Nothing about the items can be wrong with these requests: what would take a batch apart parks.
Verdict as_park(Verdict verdict) {
  if (auto* apart = std::get_if<TakeApart>(&verdict)) return Park{std::move(apart->why)};
  if (auto* recode = std::get_if<Recode>(&verdict)) return Park{std::move(recode->why)};
  return verdict;
}

/// The answer to a missing group or stream isn't documented (PROTOCOLS 3.1): the code, or a 400 or
/// 404 whose words name one.
bool names_missing(const net::Response& response, const AwsError& error) {
  if (failure_of(error) == AwsFailure::missing) return true;
  if (response.status != 400 && response.status != 404) return false;
  std::string words = error.message;
  std::transform(words.begin(), words.end(), words.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  const auto says = [&](std::string_view part) { return words.find(part) != std::string::npos; };
  return (says("log group") || says("log stream") || says("loggroup") || says("logstream")) &&
         (says("not exist") || says("not found") || says("no such"));
}

}  // namespace

Result<std::unique_ptr<CloudWatchDestination>> CloudWatchDestination::make(
    CloudWatchConfig config) {
  auto group = NameTemplate::parse(config.log_group, NameShape::log_group);
  if (!group) return fault("the log group: " + group.error().what);
  auto stream = NameTemplate::parse(config.log_stream, NameShape::log_stream);
  if (!stream) return fault("the log stream: " + stream.error().what);
  LogNames names{std::move(*group), std::move(*stream)};
  return std::unique_ptr<CloudWatchDestination>(
      new CloudWatchDestination(std::move(config), std::move(names)));
}

CloudWatchDestination::CloudWatchDestination(CloudWatchConfig config, LogNames names)
    : config_(std::move(config)),
      names_(std::move(names)),
      signer_({config_.at.region, "logs", config_.at.authority}) {}

Limits CloudWatchDestination::limits(Signal /*signal*/) const {
  Limits limits;
  limits.request_bytes = config_.batch_bytes == 0
                             ? request_bytes_max
                             : std::min(config_.batch_bytes, request_bytes_max);
  limits.request_items = request_records_max;
  limits.request_weight = config_.rules.request_weight;
  limits.spread = config_.rules.spread;
  return limits;
}

bool CloudWatchDestination::takes_codec(Signal /*signal*/, Codec codec) const {
  return codec == Codec::none || codec == Codec::gzip;
}

std::unique_ptr<Screen> CloudWatchDestination::make_screen() const {
  return std::make_unique<CloudWatchScreen>(config_.rules, names_);
}

CloudWatchDestination::Where CloudWatchDestination::where(std::string_view lane) const {
  if (names_.fixed()) return {names_.group.fixed_name(), names_.stream.fixed_name()};
  const std::size_t separator = lane.find(lane_separator);
  if (separator == std::string_view::npos) return {names_.group.name({}), names_.stream.name({})};
  return {std::string(lane.substr(0, separator)), std::string(lane.substr(separator + 1))};
}

net::Request CloudWatchDestination::encode(const Encoded& batch) const {
  net::Request request = otlp_request(batch, otlp_target(config_.at.path_prefix, batch.signal));
  Where to = where(batch.lane);
  request.headers.push_back({"x-aws-log-group", std::move(to.group)});
  request.headers.push_back({"x-aws-log-stream", std::move(to.stream)});
  return request;
}

void CloudWatchDestination::sign(net::Request& request, Signal /*signal*/, const Credentials& with,
                                 WallTime now) const {
  if (with.aws) signer_.sign(request, *with.aws, now);
}

Verdict CloudWatchDestination::judge(const net::Response& response, Signal signal, Codec codec,
                                     WallTime now) const {
  return judge_in_lane(response, signal, codec, {}, now);
}

Verdict CloudWatchDestination::judge_in_lane(const net::Response& response, Signal /*signal*/,
                                             Codec codec, std::string_view lane,
                                             WallTime now) const {
  const std::string group = names_.group.pattern();
  if (auto known = aws_verdict(response, config_.at, AwsNeed::logs_write, now, group)) {
    return *known;
  }
  if (!is_success(response) && names_missing(response, read_aws_error(response))) {
    return missing(response, lane);
  }
  Verdict verdict = aws_status_verdict(response, config_.at, codec, now, park_fix);
  if (auto* delivered = std::get_if<Delivered>(&verdict)) {
    delivered->message = reasons_in_words(delivered->message);
  }
  return verdict;
}

Verdict CloudWatchDestination::missing(const net::Response& response, std::string_view lane) const {
  const Where at = where(lane);
  std::string words = aws_words(config_.at, response, read_aws_error(response));
  if (!config_.create || (lane.empty() && !names_.fixed())) {
    return Park{fmt::format(
        "{}; make them: `aws logs create-log-group --region {} --log-group-name '{}'` and `aws "
        "logs create-log-stream --region {} --log-group-name '{}' --log-stream-name '{}'`; what "
        "was accepted is kept meanwhile",
        words, config_.at.region, at.group, config_.at.region, at.group, at.stream)};
  }
  JsonWriter group;
  group.begin_object().member("logGroupName", at.group).end_object();
  JsonWriter stream;
  stream.begin_object().member("logGroupName", at.group).member("logStreamName", at.stream);
  stream.end_object();
  Prepare todo;
  todo.why = fmt::format("{}; log group {} and stream {} are made", words, at.group, at.stream);
  todo.requests.push_back(api_request("CreateLogGroup", group.take()));
  todo.requests.push_back(api_request("CreateLogStream", stream.take()));
  return todo;
}

net::Request CloudWatchDestination::api_request(std::string_view operation,
                                                std::string json) const {
  net::Request request;
  std::string_view prefix = config_.at.path_prefix;
  while (prefix.ends_with('/')) prefix.remove_suffix(1);
  request.target = std::string(prefix) + "/";
  request.headers.push_back({"Content-Type", "application/x-amz-json-1.1"});
  request.headers.push_back({"X-Amz-Target", fmt::format("Logs_20140328.{}", operation)});
  request.headers.push_back({"User-Agent", "forager/" FORAGER_VERSION});
  request.body = Chain(Slice(std::move(json)));
  return request;
}

Verdict CloudWatchDestination::prepared(const net::Response& response, WallTime now) const {
  if (is_success(response)) return Delivered{};
  const AwsError error = read_aws_error(response);
  const AwsFailure failure = failure_of(error);
  if (failure == AwsFailure::exists) return Delivered{};
  const std::string group = names_.group.pattern();
  const std::string words = aws_words(config_.at, response, error);
  const std::string statement = iam_statement(AwsNeed::logs_create, config_.at.region, group);
  if (failure == AwsFailure::permission && denied_action(error) == "logs:CreateLogGroup") {
    return Delivered{0, words};
  }
  if (failure == AwsFailure::missing) {
    return Park{
        fmt::format("{}; the log group isn't there and may not be made: make it, or add "
                    "to the role's policy {}; what was accepted is kept meanwhile",
                    words, statement)};
  }
  if (auto known = aws_verdict(response, config_.at, AwsNeed::logs_create, now, group)) {
    return *known;
  }
  return as_park(aws_status_verdict(response, config_.at, Codec::none, now, park_fix));
}

}  // namespace forager::destination
