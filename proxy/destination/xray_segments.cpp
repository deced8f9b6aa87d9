#include "destination/xray_segments.h"

#include <map>

#include <fmt/format.h>

#include "destination/json_members.h"
#include "otlp/wire.h"

namespace forager::destination {
namespace {

constexpr std::size_t field_bytes = 4;  // tag and length of a document up to 64 kB
constexpr std::size_t words_max = 1000;

void append_documents(std::string_view body, std::string& json) {
  otlp::Fields fields(body);
  while (const auto field = fields.next()) {
    if (field->number != 1 || field->type != otlp::WireType::bytes) continue;
    json += json.ends_with('[') ? "\"" : ",\"";
    otlp::append_json_escaped(field->value, json);
    json += '"';
  }
}

struct Unprocessed {
  std::string code;
  std::string message;
};

/// False: not such an element.
bool read_unprocessed(otlp::JsonText& from, Unprocessed& into) {
  return each_member(from, [&](std::string_view name) {
    const bool wanted = name == "ErrorCode" || name == "Message";
    if (!wanted || from.peek() != '"') return from.skip_value();
    auto value = take_string(from);
    if (!value) return false;
    (name == "Message" ? into.message : into.code) = std::move(*value);
    return true;
  });
}

}  // namespace

Limits segment_limits() {
  Limits limits;
  limits.request_items = segments_per_request;
  limits.item_bytes = segment_bytes_max + field_bytes;
  return limits;
}

net::Request segments_request(const Chain& body, std::string_view prefix) {
  std::string json;
  json.reserve(body.size() + body.size() / 8 + 64);  // documents are full of quotes
  json += R"({"TraceSegmentDocuments":[)";
  for (const Slice& record : body.slices()) append_documents(record.view(), json);
  json += "]}";
  net::Request request;
  while (prefix.ends_with('/')) prefix.remove_suffix(1);
  request.target = std::string(prefix) + "/TraceSegments";
  request.headers.push_back({"Content-Type", "application/json"});
  request.headers.push_back({"User-Agent", "forager/" FORAGER_VERSION});
  request.body = Chain(Slice(std::move(json)));
  return request;
}

Delivered segments_delivered(const net::Response& response) {
  struct Group {
    std::int64_t count = 0;
    std::string message;  ///< of the first
  };
  std::map<std::string, Group> groups;
  Delivered verdict;
  otlp::JsonText text(response.body);
  const bool read = each_member(text, [&](std::string_view name) {
    if (name != "UnprocessedTraceSegments" || text.peek() != '[') return text.skip_value();
    return each_element(text, [&] {
      Unprocessed one;
      if (!read_unprocessed(text, one)) return false;
      Group& group = groups[one.code.empty() ? "no code" : one.code];
      if (group.count++ == 0) group.message = one.message.substr(0, 200);
      ++verdict.rejected;
      return true;
    });
  });
  for (const auto& [code, group] : groups) {
    if (verdict.message.size() > words_max) break;
    verdict.message += fmt::format("{}{} {}{}{}", verdict.message.empty() ? "" : "; ", group.count,
                                   code, group.message.empty() ? "" : ": ", group.message);
  }
  if (!read && verdict.rejected == 0) {
    verdict.message = "X-Ray took the segments, but its answer can't be read";
  }
  return verdict;
}

}  // namespace forager::destination
