#include "otlp/reply.h"

#include <fmt/format.h>
#include <protozero/pbf_writer.hpp>

#include "otlp/json_text.h"

namespace forager::otlp {
namespace {

constexpr std::string_view retry_info_type = "type.googleapis.com/google.rpc.RetryInfo";

/// A proto3 string must be UTF-8, and a message may quote what somebody sent.
std::string repaired(std::string_view text) {
  std::string made(text);
  char* const end = made.data() + made.size();
  for (char* at = made.data(); at != end;) {
    const std::size_t length = utf8_length(at, end);
    if (length == 0) *at = '?';
    at += length == 0 ? 1 : length;
  }
  return made;
}

std::string quoted(std::string_view text) {
  std::string made = "\"";
  append_json_escaped(text, made);
  made += '"';
  return made;
}

std::string json_status(int code, std::string_view message,
                        std::optional<std::chrono::seconds> retry_delay) {
  std::string body = fmt::format(R"({{"code":{},"message":{})", code, quoted(message));
  if (retry_delay) {
    body += fmt::format(R"(,"details":[{{"@type":"{}","retryDelay":"{}s"}}])", retry_info_type,
                        retry_delay->count());
  }
  body += '}';
  return body;
}

}  // namespace

std::string success_body(Encoding encoding) { return encoding == Encoding::json ? "{}" : ""; }

std::string partial_success_body(Signal signal, Encoding encoding, std::int64_t rejected,
                                 std::string_view message) {
  if (encoding == Encoding::json) {
    return fmt::format(R"({{"partialSuccess":{{"{}":"{}","errorMessage":{}}}}})",
                       facts(signal).rejected_field, rejected, quoted(message));
  }
  std::string partial;
  protozero::pbf_writer in_partial(partial);
  if (rejected != 0) in_partial.add_int64(1, rejected);
  if (!message.empty()) in_partial.add_string(2, repaired(message));
  std::string body;
  protozero::pbf_writer(body).add_message(1, partial);
  return body;
}

std::string status_body(Encoding encoding, int grpc_code, std::string_view message,
                        std::optional<std::chrono::seconds> retry_delay) {
  if (encoding == Encoding::json) return json_status(grpc_code, message, retry_delay);
  std::string body;
  protozero::pbf_writer status(body);
  if (grpc_code != 0) status.add_int32(1, grpc_code);
  if (!message.empty()) status.add_string(2, repaired(message));
  if (!retry_delay) return body;
  std::string duration;
  if (retry_delay->count() != 0) protozero::pbf_writer(duration).add_int64(1, retry_delay->count());
  std::string retry_info;
  protozero::pbf_writer(retry_info).add_message(1, duration);
  std::string any;
  protozero::pbf_writer in_any(any);
  in_any.add_string(1, retry_info_type.data(), retry_info_type.size());
  in_any.add_bytes(2, retry_info);
  status.add_message(3, any);
  return body;
}

}  // namespace forager::otlp
