#include "destination/aws_errors.h"

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "destination/aws_endpoint.h"
#include "otlp/reply.h"

namespace forager::destination {
namespace {

net::Response json(int status, std::string body, std::vector<net::Header> headers = {}) {
  headers.push_back({"Content-Type", "application/x-amz-json-1.1"});
  return {status, std::move(headers), std::move(body)};
}

net::Response status(int code, std::string_view words) {
  return {code,
          {{"Content-Type", "application/x-protobuf"}},
          otlp::status_body(otlp::Encoding::protobuf, 3, words, std::nullopt)};
}

TEST(AwsErrors, ReadsCodeAndWordsFromEveryForm) {
  const std::vector<net::Response> forms{
      json(400, R"({"__type":"com.amazon.coral#AccessDeniedException","message":"no"})"),
      json(400, R"({"__type":"AccessDeniedException","Message":"no"})"),
      json(403, R"({"message":"no"})", {{"x-amzn-ErrorType", "AccessDeniedException:http://x/"}}),
      json(403, R"({"code":"AccessDeniedException","message":"no","nested":{"message":"other"}})"),
      {403,
       {{"Content-Type", "text/xml"}},
       "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDeniedException</Code>"
       "<Message>no</Message></Error></ErrorResponse>"},
  };
  for (const auto& form : forms) {
    const AwsError error = read_aws_error(form);
    EXPECT_EQ(error.code, "AccessDeniedException") << form.body;
    EXPECT_EQ(error.message, "no") << form.body;
    EXPECT_EQ(failure_of(error), AwsFailure::permission) << form.body;
  }
  EXPECT_EQ(read_aws_error(status(400, "words of\na Status")).message, "words of a Status");
  EXPECT_EQ(read_aws_error({502, {}, "Bad Gateway"}).message, "Bad Gateway");
  EXPECT_EQ(read_aws_error({502, {}, ""}).message, "");
}

TEST(AwsErrors, KnowsWhatTheWordsOfTheOtlpEndpointsMean) {
  struct Case {
    std::string_view words;
    AwsFailure means;
  };
  const std::vector<Case> cases{
      {"The security token included in the request is invalid.", AwsFailure::credentials},
      {"The security token included in the request is expired", AwsFailure::credentials},
      {"Missing Authentication Token", AwsFailure::credentials},
      {"The request signature we calculated does not match the signature you provided.",
       AwsFailure::credentials},
      {"Signature expired: 20150830T123600Z is now earlier than 20150830T124100Z",
       AwsFailure::clock},
      {"Signature not yet current: 20150830T123600Z is still later than 20150830T120000Z",
       AwsFailure::clock},
      {"User: arn:aws:iam::1:user/x is not authorized to perform: xray:PutSpans on resource: *",
       AwsFailure::permission},
      {"Rate exceeded", AwsFailure::throttled},
      {"The OTLP API is supported with CloudWatch Logs as a Trace Segment Destination",
       AwsFailure::tracing_off},
      {"The specified log group does not exist.", AwsFailure::missing},
      {"The specified log stream does not exist.", AwsFailure::missing},
      {"something else", AwsFailure::none},
  };
  for (const Case& c : cases) EXPECT_EQ(failure_of(status(403, c.words)), c.means) << c.words;
  EXPECT_EQ(failure_of(status(200, "Rate exceeded")), AwsFailure::none);
}

TEST(AwsErrors, BelievesTheWordsWhenASignatureIsCalledInvalidBecauseItExpired) {
  EXPECT_EQ(failure_of(json(
                400, R"({"__type":"InvalidSignatureException","message":"Signature expired: x"})")),
            AwsFailure::clock);
  EXPECT_EQ(failure_of(json(400, R"({"__type":"InvalidSignatureException","message":"no"})")),
            AwsFailure::credentials);
}

TEST(AwsErrors, NeverRepeatsTheSessionTokenThatARefusedSignatureQuotes) {
  const auto error = read_aws_error(json(
      403,
      R"({"message":"The request signature we calculated does not match.\n\nThe Canonical String for this request should have been\n'POST\n/\n\nx-amz-security-token:SECRETTOKEN\n'"})"));
  EXPECT_EQ(error.message, "The request signature we calculated does not match.");
}

TEST(AwsErrors, FindsTheActionThatIsDenied) {
  const auto denied = [](std::string_view words) {
    return denied_action({"", std::string(words)});
  };
  EXPECT_EQ(denied("User: arn:aws:sts::1:assumed-role/a/b is not authorized to perform: "
                   "logs:CreateLogGroup on resource: arn:aws:logs:x because no identity-based "
                   "policy allows the logs:CreateLogGroup action"),
            "logs:CreateLogGroup");
  EXPECT_EQ(denied("not authorized to perform: xray:PutSpans"), "xray:PutSpans");
  EXPECT_EQ(denied("not authorized to perform: \"}]; rm"), "");
  EXPECT_EQ(denied("no"), "");
}

TEST(AwsErrors, WritesTheStatementThatIsMissing) {
  EXPECT_EQ(iam_statement(AwsNeed::xray_traces, "eu-west-1"),
            R"({"Effect":"Allow","Action":["xray:PutTraceSegments","xray:PutSpans",)"
            R"("xray:PutSpansForIndexing","xray:PutTelemetryRecords"],"Resource":"*"})");
  EXPECT_EQ(iam_statement(AwsNeed::logs_create, "cn-north-1", "/ecs/*"),
            R"({"Effect":"Allow","Action":["logs:CreateLogGroup","logs:CreateLogStream"],)"
            R"("Resource":"arn:aws-cn:logs:cn-north-1:*:log-group:/ecs/*:*"})");
}

TEST(AwsEndpoint, KnowsWhereAServiceIs) {
  EXPECT_EQ(aws_url("xray", "eu-west-1"), "https://xray.eu-west-1.amazonaws.com");
  EXPECT_EQ(aws_url("logs", "us-gov-west-1", {.fips = true}),
            "https://logs-fips.us-gov-west-1.amazonaws.com");
  EXPECT_EQ(aws_url("logs", "us-east-1", {.fips = false, .dual_stack = true}),
            "https://logs.us-east-1.api.aws");
  EXPECT_EQ(aws_url("xray", "cn-north-1"), "https://xray.cn-north-1.amazonaws.com.cn");
  EXPECT_EQ(aws_url("xray", "eusc-de-east-1"), "https://xray.eusc-de-east-1.amazonaws.eu");
  EXPECT_EQ(aws_partition("us-gov-east-1"), "aws-us-gov");
}

}  // namespace
}  // namespace forager::destination
