#include "otlp/reply.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "opentelemetry/proto/collector/trace/v1/trace_service.pb.h"

namespace forager::otlp {
namespace {

using namespace std::chrono_literals;

std::string hex(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string made;
  for (const char c : bytes) {
    made += digits[static_cast<unsigned char>(c) >> 4U];
    made += digits[static_cast<unsigned char>(c) & 15U];
  }
  return made;
}

TEST(Reply, FullSuccessIsNothingInProtobufAndAnEmptyObjectInJson) {
  EXPECT_EQ(success_body(Encoding::protobuf), "");
  EXPECT_EQ(success_body(Encoding::json), "{}");
}

TEST(Reply, PartialSuccessHasTheGoldenBytes) {
  EXPECT_EQ(hex(partial_success_body(Signal::traces, Encoding::protobuf, 3, "bad")),
            "0a0708031203626164");
  EXPECT_EQ(partial_success_body(Signal::traces, Encoding::json, 3, "bad"),
            R"({"partialSuccess":{"rejectedSpans":"3","errorMessage":"bad"}})");
  EXPECT_EQ(partial_success_body(Signal::metrics, Encoding::json, 1, "a\"b"),
            R"({"partialSuccess":{"rejectedDataPoints":"1","errorMessage":"a\"b"}})");
  EXPECT_EQ(partial_success_body(Signal::logs, Encoding::json, 0, "w\n"),
            R"({"partialSuccess":{"rejectedLogRecords":"0","errorMessage":"w\n"}})");
}

TEST(Reply, StatusHasTheGoldenBytes) {
  EXPECT_EQ(hex(status_body(Encoding::protobuf, 3, "bad", std::nullopt)), "08031203626164");
  EXPECT_EQ(
      hex(status_body(Encoding::protobuf, 14, "busy", 7s)),
      "080e1204627573791a300a28747970652e676f6f676c65617069732e636f6d2f676f6f676c652e7270632e52"
      "65747279496e666f12040a020807");
  EXPECT_EQ(
      status_body(Encoding::json, 14, "overloaded", 7s),
      R"({"code":14,"message":"overloaded","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"7s"}]})");
  EXPECT_EQ(status_body(Encoding::json, 3, "bad", std::nullopt), R"({"code":3,"message":"bad"})");
}

TEST(Reply, WritesValidUtf8WhateverAMessageQuotes) {
  const std::string body = partial_success_body(Signal::traces, Encoding::protobuf, 1, "a\xFFz");
  opentelemetry::proto::collector::trace::v1::ExportTraceServiceResponse response;
  ASSERT_TRUE(response.ParseFromString(body));
  EXPECT_EQ(response.partial_success().error_message(), "a?z");
  EXPECT_EQ(status_body(Encoding::json, 3, "a\xFFz", std::nullopt),
            R"({"code":3,"message":"a?z"})");
}

TEST(ReadExportResponse, ReadsWhatPartialSuccessSays) {
  const auto read =
      read_export_response(partial_success_body(Signal::logs, Encoding::protobuf, 42, "late"));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->rejected, 42);
  EXPECT_EQ(read->message, "late");
}

TEST(ReadExportResponse, ReadsFullSuccessAndIgnoresUnknownFields) {
  for (const std::string_view body : {std::string_view(), std::string_view("\x0A\x00", 2),
                                      std::string_view("\x10\x05\x0A\x02\x18\x01", 6)}) {
    const auto read = read_export_response(body);
    ASSERT_TRUE(read.has_value()) << hex(body);
    EXPECT_EQ(read->rejected, 0);
    EXPECT_EQ(read->message, "");
  }
}

TEST(ReadExportResponse, RefusesWhatIsNoResponse) {
  for (const std::string_view body : {"<html>", "\x0A\x7F", "\x0A\x02\x08", "{\"a\":1}"}) {
    EXPECT_FALSE(read_export_response(body).has_value()) << body;
  }
}

TEST(ReadErrorMessage, FindsTheWordsInEveryFormTheyComeIn) {
  const auto json = [](std::string_view body) {
    return read_error_message("application/json", body);
  };
  EXPECT_EQ(read_error_message("application/x-protobuf",
                               status_body(Encoding::protobuf, 3, "no such thing", 7s)),
            "no such thing");
  EXPECT_EQ(json(R"({"code":3,"message":"no such thing","details":[{"x":[1]}]})"), "no such thing");
  EXPECT_EQ(json(R"({"error":"unknown API key - check your credentials"})"),
            "unknown API key - check your credentials");
  EXPECT_EQ(json(R"({"err":1,"error":{"code":7,"message":"inner"}})"), "inner");
  EXPECT_EQ(
      json(R"({"status":429,"type":"https://x/y","title":"Slow down","detail":"5 per second"})"),
      "Slow down: 5 per second");
  EXPECT_EQ(json(R"({"title":"only"})"), "only");
  EXPECT_EQ(json(R"({"message":"tab\tand \u00e9"})"), "tab and \xC3\xA9");
  EXPECT_EQ(read_error_message("text/plain", "415 unsupported\r\n  media type\n"),
            "415 unsupported media type");
  EXPECT_EQ(read_error_message("", ""), "");
  // what claims one form and is another
  EXPECT_EQ(read_error_message("application/x-protobuf", R"({"error":"json"})"), "json");
  EXPECT_EQ(read_error_message("application/x-protobuf", "bad gateway"), "bad gateway");
  EXPECT_EQ(json("{broken"), "{broken");
  EXPECT_EQ(json(R"({"other":1})"), R"({"other":1})");
}

TEST(ReadErrorMessage, IsOneShortLineOfValidText) {
  const std::string many(1000, 'x');
  EXPECT_EQ(read_error_message("text/plain", many), many.substr(0, 297) + "...");
  EXPECT_EQ(read_error_message("text/plain", many.substr(0, 300)), many.substr(0, 300));
  std::string wide;
  while (wide.size() < 400) wide += "\xE2\x82\xAC";
  const std::string cut = read_error_message("text/plain", wide);
  EXPECT_LE(cut.size(), 300U);
  EXPECT_EQ(cut, wide.substr(0, 297) + "...");
  EXPECT_EQ(read_error_message("text/plain", "x" + wide), "x" + wide.substr(0, 294) + "...");
  EXPECT_EQ(read_error_message("text/plain",
                               "a\x1B[31mb\x7F\xC2\x85"
                               "c\xFF"),
            "a [31mb c?");
}

}  // namespace
}  // namespace forager::otlp
