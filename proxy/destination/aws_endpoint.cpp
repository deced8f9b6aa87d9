#include "destination/aws_endpoint.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/iso_time.h"
#include "destination/retry_after.h"
#include "destination/verdict.h"
#include "otlp/reply.h"

namespace forager::destination {
namespace {

struct Partition {
  std::string_view name;
  std::string_view regions;  ///< what their names begin with
  std::string_view suffix;
  std::string_view dual_stack_suffix;
};

// PROTOCOLS 3.1, from botocore's partitions; the last row is for all other regions.
constexpr std::array<Partition, 8> partitions{{
    {"aws-cn", "cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn"},
    {"aws-us-gov", "us-gov-", "amazonaws.com", "api.aws"},
    {"aws-eusc", "eusc-", "amazonaws.eu", "api.amazonwebservices.eu"},
    {"aws-iso", "us-iso-", "c2s.ic.gov", "api.aws.ic.gov"},
    {"aws-iso-b", "us-isob-", "sc2s.sgov.gov", "api.aws.scloud"},
    {"aws-iso-e", "eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"},
    {"aws-iso-f", "us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov"},
    {"aws", "", "amazonaws.com", "api.aws"},
}};

const Partition& partition_of(std::string_view region) {
  return *std::find_if(partitions.begin(), partitions.end(),
                       [&](const Partition& p) { return region.starts_with(p.regions); });
}

constexpr std::string_view credentials_fix =
    "the credentials of AWS are expired, unknown or not of this region: newer ones are asked for; "
    "what was accepted is kept meanwhile";

std::string permission_words(const AwsError& error, const AwsEndpoint& at, AwsNeed need,
                             std::string_view log_group) {
  const std::string action = denied_action(error);
  // Of those that we know, all are given: the next one missing would be met a minute later.
  const std::string statement = iam_statement(need, at.region, log_group);
  return fmt::format("{} is not allowed: add to the role's policy {}",
                     action.empty() ? actions_for(need).front() : std::string_view(action),
                     statement);
}

/// `why` begins with the words of the shared table.
void put_words(std::string& why, std::string_view shared, std::string_view own) {
  if (why.starts_with(shared)) why.replace(0, shared.size(), own);
}

/// A signature's time can be put right only where the answer says what time it is there.
Verdict clock_verdict(const net::Response& response, std::string words, WallTime now) {
  const auto date = response.header("Date");
  const auto theirs = date ? parse_http_date(*date, now) : std::nullopt;
  if (!theirs) {
    return Park{words + "; the clock of this machine is off: synchronise it (chrony, ntpd)"};
  }
  // What this exporter signs with is learned from the same header (clock_skew.h).
  return Retry{std::nullopt,
               fmt::format("{}; it is {} there, which is signed with from now on: synchronise the "
                           "clock of this machine",
                           words, iso_time(*theirs))};
}

}  // namespace

std::string_view aws_partition(std::string_view region) { return partition_of(region).name; }

std::string aws_url(std::string_view service, std::string_view region, AwsVariant variant) {
  const Partition& partition = partition_of(region);
  return fmt::format("https://{}{}.{}.{}", service, variant.fips ? "-fips" : "", region,
                     variant.dual_stack ? partition.dual_stack_suffix : partition.suffix);
}

std::string aws_words(const AwsEndpoint& at, const net::Response& response, const AwsError& error) {
  std::string words = fmt::format("{} answered {}", at.authority, response.status);
  for (const std::string& part : {error.code, error.message}) {
    if (!part.empty()) words.append(": ").append(part);
  }
  return words;
}

std::optional<Verdict> aws_verdict(const net::Response& response, const AwsEndpoint& at,
                                   AwsNeed need, WallTime now, std::string_view log_group) {
  if (response.status >= 200 && response.status < 300) return std::nullopt;
  const AwsError error = read_aws_error(response);
  std::string words = aws_words(at, response, error);
  switch (failure_of(error)) {
    case AwsFailure::credentials:
      return Park{words.append("; ").append(credentials_fix), true};
    case AwsFailure::clock:
      return clock_verdict(response, std::move(words), now);
    case AwsFailure::permission:
      // The fix comes first: their words are long, and the log cuts long lines.
      return Park{fmt::format("{} answered {}: {}; it says: {}", at.authority, response.status,
                              permission_words(error, at, need, log_group), error.message)};
    case AwsFailure::throttled:
      return Retry{retry_after(response, now), std::move(words), false};
    case AwsFailure::none:
    case AwsFailure::tracing_off:
    case AwsFailure::missing:
    case AwsFailure::exists:
      break;
  }
  return std::nullopt;
}

Verdict aws_status_verdict(const net::Response& response, const AwsEndpoint& at, Codec codec,
                           WallTime now, std::string_view park_fix) {
  Verdict verdict = verdict_of(response, codec, now, at.authority, park_fix);
  if (auto* delivered = std::get_if<Delivered>(&verdict)) {
    if (const auto read = otlp::read_export_response(response.body)) {
      delivered->message = read->message;
    }
    return verdict;
  }
  const std::string shared = answer_in_words(at.authority, response);
  const std::string own = aws_words(at, response, read_aws_error(response));
  if (auto* park = std::get_if<Park>(&verdict)) put_words(park->why, shared, own);
  if (auto* apart = std::get_if<TakeApart>(&verdict)) put_words(apart->why, shared, own);
  if (auto* retry = std::get_if<Retry>(&verdict)) put_words(retry->why, shared, own);
  return verdict;
}

}  // namespace forager::destination
