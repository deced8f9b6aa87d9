#include "destination/aws_errors.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/json_writer.h"
#include "destination/aws_endpoint.h"
#include "destination/json_members.h"
#include "otlp/reply.h"
#include "otlp/wire.h"

namespace forager::destination {
namespace {

struct CodeRow {
  std::string_view code;  ///< without "Exception" at its end
  AwsFailure means;
};

// Codes of the query, JSON and REST protocols of AWS; services differ in the ending.
constexpr std::array<CodeRow, 29> codes{{
    {"AccessDenied", AwsFailure::permission},
    {"UnauthorizedOperation", AwsFailure::permission},
    {"NotAuthorized", AwsFailure::permission},
    {"ExpiredToken", AwsFailure::credentials},
    {"TokenRefreshRequired", AwsFailure::credentials},
    {"InvalidToken", AwsFailure::credentials},
    {"InvalidClientTokenId", AwsFailure::credentials},
    {"InvalidAccessKeyId", AwsFailure::credentials},
    {"UnrecognizedClient", AwsFailure::credentials},
    {"MissingAuthenticationToken", AwsFailure::credentials},
    {"MissingAuthToken", AwsFailure::credentials},
    {"InvalidSignature", AwsFailure::credentials},
    {"SignatureDoesNotMatch", AwsFailure::credentials},
    {"IncompleteSignature", AwsFailure::credentials},
    {"OptInRequired", AwsFailure::credentials},
    {"RequestTimeTooSkewed", AwsFailure::clock},
    {"RequestExpired", AwsFailure::clock},
    {"RequestInTheFuture", AwsFailure::clock},
    {"Throttling", AwsFailure::throttled},
    {"Throttled", AwsFailure::throttled},
    {"ThrottledRequest", AwsFailure::throttled},
    {"RequestThrottled", AwsFailure::throttled},
    {"TooManyRequests", AwsFailure::throttled},
    {"RequestLimitExceeded", AwsFailure::throttled},
    {"SlowDown", AwsFailure::throttled},
    {"ServiceUnavailable", AwsFailure::throttled},
    {"OperationAborted", AwsFailure::throttled},
    {"ResourceNotFound", AwsFailure::missing},
    {"ResourceAlreadyExists", AwsFailure::exists},
}};

struct TextRow {
  std::string_view part;  ///< in lower case
  AwsFailure means;
};

// The OTLP endpoints answer with a google.rpc.Status, which has words and no code. The first row
// that fits counts: an expired signature is also one that "does not match" for some services.
constexpr std::array<TextRow, 19> texts{{
    {"the otlp api is supported with cloudwatch logs as a trace segment destination",
     AwsFailure::tracing_off},
    {"signature expired", AwsFailure::clock},
    {"signature not yet current", AwsFailure::clock},
    {"not yet current", AwsFailure::clock},
    {"difference between the request time and the current time is too large", AwsFailure::clock},
    {"security token included in the request is expired", AwsFailure::credentials},
    {"security token included in the request is invalid", AwsFailure::credentials},
    {"token has expired", AwsFailure::credentials},
    {"missing authentication token", AwsFailure::credentials},
    {"request signature we calculated does not match", AwsFailure::credentials},
    {"incomplete-signature", AwsFailure::credentials},
    {"is not authorized to perform", AwsFailure::permission},
    {"access denied", AwsFailure::permission},
    {"rate exceeded", AwsFailure::throttled},
    {"too many requests", AwsFailure::throttled},
    {"log group does not exist", AwsFailure::missing},
    {"log stream does not exist", AwsFailure::missing},
    {"log group not found", AwsFailure::missing},
    {"log stream not found", AwsFailure::missing},
}};

constexpr std::array<std::string_view, 4> xray_actions{"xray:PutTraceSegments", "xray:PutSpans",
                                                       "xray:PutSpansForIndexing",
                                                       "xray:PutTelemetryRecords"};
constexpr std::array<std::string_view, 2> sampling_actions{"xray:GetSamplingRules",
                                                           "xray:GetSamplingTargets"};
constexpr std::array<std::string_view, 3> write_actions{
    "logs:PutLogEvents", "logs:DescribeLogGroups", "logs:DescribeLogStreams"};
constexpr std::array<std::string_view, 2> create_actions{"logs:CreateLogGroup",
                                                         "logs:CreateLogStream"};

std::string lower_case(std::string_view text) {
  std::string made(text);
  std::transform(made.begin(), made.end(), made.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return made;
}

/// "com.amazon.coral.service#AccessDeniedException:http://..." -> "AccessDeniedException".
std::string bare_code(std::string_view code) {
  if (const std::size_t hash = code.rfind('#'); hash != std::string_view::npos) {
    code.remove_prefix(hash + 1);
  }
  // it goes into log lines: whoever answers in AWS's place may have put anything there
  constexpr std::size_t bytes_max = 100;
  std::string made;
  for (const char c : code.substr(0, std::min(code.find(':'), bytes_max))) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    if (plain || c == '.' || c == '_' || c == '-') made += c;
  }
  return made;
}

/// A refused signature is explained by the canonical string, and that holds the session token.
std::string one_line(std::string_view text) {
  constexpr std::size_t bytes_max = 1000;
  for (const char* const secret_follows :
       {"The Canonical String", "canonical string", "Canonical-String", "x-amz-security-token",
        "X-Amz-Security-Token"}) {
    text = text.substr(0, text.find(secret_follows));
  }
  text = text.substr(0, bytes_max);
  std::string line;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte != 0x7F) {
      line += byte < 0x80 ? c : '?';
    } else if (!line.empty() && line.back() != ' ') {
      line += ' ';
    }
  }
  if (line.ends_with(' ')) line.pop_back();
  return line;
}

std::string xml_text(std::string_view body, std::string_view name) {
  const std::string open = fmt::format("<{}>", name);
  const std::size_t begin = body.find(open);
  if (begin == std::string_view::npos) return {};
  const std::string_view rest = body.substr(begin + open.size());
  const std::size_t end = rest.find("</");
  return end == std::string_view::npos ? std::string() : std::string(rest.substr(0, end));
}

void read_json(std::string_view body, AwsError& into) {
  otlp::JsonText text(body);
  each_member(text, [&](std::string_view name) {
    const bool is_code = name == "__type" || name == "code" || name == "Code";
    const bool is_message = name == "message" || name == "Message" || name == "errorMessage";
    if ((!is_code && !is_message) || text.peek() != '"') return text.skip_value();
    const auto value = take_string(text);
    if (!value) return false;
    if (is_code && into.code.empty()) into.code = bare_code(*value);
    if (is_message && into.message.empty()) into.message = one_line(*value);
    return true;
  });
}

/// google.rpc.Status: field 2.
void read_protobuf(std::string_view body, AwsError& into) {
  otlp::Fields fields(body);
  while (const auto field = fields.next()) {
    if (field->number == 2 && field->type == otlp::WireType::bytes) {
      into.message = one_line(field->value);
    }
  }
}

std::string log_group_resource(std::string_view region, std::string_view log_group) {
  return fmt::format("arn:{}:logs:{}:*:log-group:{}{}", aws_partition(region),
                     region.empty() ? "*" : region, log_group, log_group == "*" ? "" : ":*");
}

}  // namespace

AwsError read_aws_error(const net::Response& response) {
  AwsError error;
  const std::string_view type = response.header("Content-Type").value_or("");
  const std::string_view body = response.body;
  if (const auto header = response.header("x-amzn-ErrorType")) error.code = bare_code(*header);
  const std::size_t begin = std::min(body.find_first_not_of(" \t\r\n"), body.size());
  if (body.substr(begin).starts_with('{')) {
    read_json(body, error);
  } else if (body.substr(begin).starts_with('<')) {
    if (error.code.empty()) error.code = bare_code(xml_text(body, "Code"));
    error.message = one_line(xml_text(body, "Message"));
  } else if (type.find("protobuf") != std::string_view::npos) {
    read_protobuf(body, error);
  }
  if (error.message.empty()) error.message = one_line(otlp::read_error_message(type, body));
  return error;
}

AwsFailure failure_of(const AwsError& error) {
  std::string_view code = error.code;
  constexpr std::array<std::string_view, 2> endings{"Exception", "Error"};
  for (const std::string_view ending : endings) {
    if (code.ends_with(ending)) code.remove_suffix(ending.size());
  }
  const std::string message = lower_case(error.message);
  const auto* const text = std::find_if(texts.begin(), texts.end(), [&](const TextRow& row) {
    return message.find(row.part) != std::string::npos;
  });
  const auto* const row =
      std::find_if(codes.begin(), codes.end(), [&](const CodeRow& r) { return r.code == code; });
  // InvalidSignatureException is said of an expired one too: there the words are more exact.
  const bool clock = text != texts.end() && text->means == AwsFailure::clock;
  if (row != codes.end() && !clock) return row->means;
  return text != texts.end() ? text->means : AwsFailure::none;
}

AwsFailure failure_of(const net::Response& response) {
  if (response.status >= 200 && response.status < 300) return AwsFailure::none;
  return failure_of(read_aws_error(response));
}

std::string denied_action(const AwsError& error) {
  constexpr std::string_view before = "authorized to perform: ";
  const std::string_view message = error.message;
  const std::size_t at = message.find(before);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = message.substr(at + before.size());
  const std::string_view action = rest.substr(0, rest.find(' '));
  const bool sound = std::all_of(action.begin(), action.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == ':' ||
           c == '-';
  });
  return sound ? std::string(action) : std::string();
}

std::span<const std::string_view> actions_for(AwsNeed need) {
  switch (need) {
    case AwsNeed::xray_traces:
      return xray_actions;
    case AwsNeed::xray_sampling:
      return sampling_actions;
    case AwsNeed::logs_write:
      return write_actions;
    case AwsNeed::logs_create:
      break;
  }
  return create_actions;
}

std::string iam_statement(std::span<const std::string_view> actions, std::string_view resource) {
  JsonWriter json;
  json.begin_object().member("Effect", "Allow").key("Action").begin_array();
  for (const std::string_view action : actions) json.value(action);
  json.end_array().member("Resource", resource).end_object();
  return json.take();
}

std::string iam_statement(AwsNeed need, std::string_view region, std::string_view log_group) {
  const bool logs = need == AwsNeed::logs_write || need == AwsNeed::logs_create;
  // X-Ray's actions know no resources.
  return iam_statement(actions_for(need), logs ? log_group_resource(region, log_group) : "*");
}

}  // namespace forager::destination
