// The fields of a segment document as attributes of the semantic conventions.
#include <array>
#include <charconv>

#include "otlp/json_value.h"
#include "otlp/segment_parts.h"
#include "otlp/wire.h"

namespace forager::otlp::segments {
namespace {

using Kind = JsonTree::Kind;

// field numbers of KeyValue, AnyValue and ArrayValue (PROTOCOLS 1.6)
constexpr std::uint32_t key_field = 1;
constexpr std::uint32_t value_field = 2;
constexpr std::uint32_t string_value = 1;
constexpr std::uint32_t bool_value = 2;
constexpr std::uint32_t int_value = 3;
constexpr std::uint32_t double_value = 4;
constexpr std::uint32_t array_value = 5;

void put(pbf_writer& to, std::uint32_t field, std::string_view text) {
  to.add_bytes(field, text.data(), text.size());
}

/// An integer that is written like one.
std::optional<std::int64_t> whole_of(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 'a' - 'A');
  }
  return text;
}

/// The parts of an absolute URL, or of a path alone; without a user and a password, which are
/// nobody's business.
struct Url {
  std::string full;
  std::string scheme;
  std::string host;
  std::optional<std::int64_t> port;
  std::string path;
  std::string query;
};

void split_authority(std::string_view authority, Url& into) {
  const auto bracket = authority.rfind(']');
  const auto colon = authority.rfind(':');
  const bool has_port = colon != authority.npos && (bracket == authority.npos || colon > bracket);
  into.host = authority.substr(0, has_port ? colon : authority.size());
  if (into.host.starts_with('[') && into.host.ends_with(']'))
    into.host = into.host.substr(1, into.host.size() - 2);
  if (has_port) into.port = whole_of(authority.substr(colon + 1));
}

Url url_of(std::string_view text) {
  Url made;
  std::string_view rest = text.substr(0, text.find('#'));
  const auto scheme = rest.find("://");
  if (scheme != rest.npos && scheme < rest.find_first_of("/?")) {
    made.scheme = lower(std::string(rest.substr(0, scheme)));
    rest.remove_prefix(scheme + 3);
    const std::string_view whole = rest.substr(0, rest.find_first_of("/?"));
    const auto at = whole.rfind('@');
    const std::string_view authority = at == whole.npos ? whole : whole.substr(at + 1);
    split_authority(authority, made);
    made.full = std::string(text.substr(0, scheme + 3)) + std::string(authority) +
                std::string(text.substr(scheme + 3 + whole.size()));
    rest.remove_prefix(whole.size());
  } else {
    made.full = text;
  }
  const auto question = rest.find('?');
  made.path = rest.substr(0, question);
  if (question != rest.npos) made.query = rest.substr(question + 1);
  return made;
}

void put_http(Attributes& to, const Value& http, SpanKind kind) {
  const Value request = http.get("request");
  to.text("http.request.method", request.get("method").text());
  const std::string text = request.get("url").text();
  if (!text.empty()) {
    const Url url = url_of(text);
    if (!url.scheme.empty()) to.text("url.full", url.full);
    if (kind == SpanKind::server) {
      to.text("url.scheme", url.scheme);
      to.text("url.path", url.path);
      to.text("url.query", url.query);
    }
    to.text("server.address", url.host);
    if (url.port) to.whole("server.port", *url.port);
  }
  to.text("user_agent.original", request.get("user_agent").text());
  to.text("client.address", request.get("client_ip").text());
  if (request.get("x_forwarded_for").is_true()) to.truth("aws.xray.x_forwarded_for", true);
  if (request.get("traced").is_true()) to.truth("aws.xray.traced", true);
  const Value response = http.get("response");
  to.number("http.response.status_code", response.get("status"));
  to.number("http.response.body.size", response.get("content_length"));
}

std::string database_of(const std::string& type) {
  constexpr std::array<std::array<std::string_view, 2>, 5> names{
      {{"postgres", "postgresql"},
       {"microsoft sql server", "microsoft.sql_server"},
       {"mssql", "microsoft.sql_server"},
       {"oracle", "oracle.db"},
       {"db2", "ibm.db2"}}};
  std::string name = lower(type);
  for (const auto& [from, to] : names) {
    if (name == from) return std::string(to);
  }
  return name;
}

/// `of_http`: the same segment has a URL of HTTP, which says where the server is.
void put_sql(Attributes& to, const Value& sql, bool of_http) {
  if (!sql) return;
  to.text("db.system.name", database_of(sql.get("database_type").text()));
  to.text("db.query.text", sql.get("sanitized_query").text());
  const std::string text = sql.get("url").text();
  const Url url = url_of(text.starts_with("jdbc:") ? std::string_view(text).substr(5) : text);
  if (!url.host.empty() && !of_http) {
    to.text("server.address", url.host);
    if (url.port) to.whole("server.port", *url.port);
  }
  if (!url.host.empty() && url.path.size() > 1)
    to.text("db.namespace", std::string_view(url.path).substr(1));
  to.text("db.user", sql.get("user").text());
  to.text("aws.xray.sql.database_version", sql.get("database_version").text());
  to.text("aws.xray.sql.driver_version", sql.get("driver_version").text());
  to.text("aws.xray.sql.preparation", sql.get("preparation").text());
}

constexpr std::array calls{
    Renamed{"operation", "rpc.method"},
    Renamed{"request_id", "aws.request_id"},
    Renamed{"id_2", "aws.extended_request_id"},
    Renamed{"queue_url", "aws.sqs.queue.url"},
    Renamed{"table_name", "aws.table_name"},
    Renamed{"bucket_name", "aws.s3.bucket"},
    Renamed{"key", "aws.s3.key"},
    Renamed{"retries", "aws.xray.retries"},
};

/// Of a call to AWS. What describes where the segment itself ran is the resource's.
void put_call(Attributes& to, const Value& segment) {
  const Value aws = segment.get("aws");
  if (segment.get("namespace").text() == "aws") {
    to.text("rpc.system", "aws-api");
    to.text("rpc.service", segment.get("name").text());
  }
  put_renamed(to, aws, calls);
  const bool is_segment = segment.get("trace_id") && segment.get("type").text() != "subsegment";
  const Value region = aws.get("region");
  if (!is_segment) to.value("cloud.region", region ? region : aws.get("remote_region"));
  to.value("aws.xray.sampling_rule", aws.get("xray").get("sampling_rule_name"));
}

/// Each member repeats the name around it: with a long one and many members a datagram would become
/// hundreds of megabytes.
bool repeats_much(std::string_view prefix, const Value& space) {
  constexpr std::size_t expansion_max = 16;
  std::size_t repeated = 0;
  for (Value one = space.first(); one; one = one.next()) repeated += prefix.size();
  return repeated > space.raw().size() * expansion_max;
}

void put_metadata(Attributes& to, const Value& metadata) {
  for (Value space = metadata.first(); space; space = space.next()) {
    const std::string prefix = "aws.xray.metadata." + space.name();
    if (!space.is(Kind::object) || repeats_much(prefix, space)) {
      to.value(prefix, space);
      continue;
    }
    for (Value one = space.first(); one; one = one.next()) to.value(prefix + "." + one.name(), one);
  }
}

}  // namespace

void Attributes::text(std::string_view key, std::string_view value) {
  if (value.empty()) return;
  pbf_writer attribute(message_, field_);
  put(attribute, key_field, key);
  pbf_writer any(attribute, value_field);
  put(any, string_value, value);
}

void Attributes::whole(std::string_view key, std::int64_t value) {
  pbf_writer attribute(message_, field_);
  put(attribute, key_field, key);
  pbf_writer any(attribute, value_field);
  any.add_int64(int_value, value);
}

void Attributes::truth(std::string_view key, bool value) {
  pbf_writer attribute(message_, field_);
  put(attribute, key_field, key);
  pbf_writer any(attribute, value_field);
  any.add_bool(bool_value, value);
}

void Attributes::texts(std::string_view key, std::span<const std::string> values) {
  if (values.empty()) return;
  pbf_writer attribute(message_, field_);
  put(attribute, key_field, key);
  pbf_writer any(attribute, value_field);
  pbf_writer array(any, array_value);
  for (const std::string& value : values) {
    pbf_writer element(array, 1);
    put(element, string_value, value);
  }
}

void Attributes::value(std::string_view key, const Value& value) {
  switch (value.kind()) {
    case Kind::string:
      return text(key, value.text());
    case Kind::boolean:
      return truth(key, value.is_true());
    case Kind::number:
      break;
    case Kind::object:
    case Kind::array: {
      std::string json(value.raw());
      repair_utf8(json);
      return text(key, json);
    }
    default:
      return;
  }
  if (const auto number = whole_of(value.raw())) return whole(key, *number);
  const auto number = double_of(value.raw());
  if (!number) return text(key, value.raw());  // over the range of a double: as it was written
  pbf_writer attribute(message_, field_);
  put(attribute, key_field, key);
  pbf_writer any(attribute, value_field);
  any.add_double(double_value, *number);
}

void Attributes::number(std::string_view key, const Value& value) {
  const std::string quoted = value.text();
  const auto number = whole_of(value.is(Kind::string) ? std::string_view(quoted) : value.raw());
  if (number) whole(key, *number);
}

void put_renamed(Attributes& to, const Value& from, std::span<const Renamed> names) {
  for (const Renamed& one : names) to.value(one.to, from.get(one.from));
}

void put_attributes(Attributes to, const Value& segment, SpanKind kind) {
  put_http(to, segment.get("http"), kind);
  put_sql(to, segment.get("sql"), bool{segment.get("http").get("request").get("url")});
  put_call(to, segment);
  to.value("enduser.id", segment.get("user"));
  for (const std::string_view flag : {"error", "fault", "throttle"}) {
    if (segment.get(flag).is_true()) to.truth("aws.xray." + std::string(flag), true);
  }
  if (const Value cause = segment.get("cause"); cause.is(Kind::string))
    to.text("aws.xray.cause", cause.text());
  const Value annotations = segment.get("annotations");
  for (Value one = annotations.first(); one; one = one.next()) to.value(one.name(), one);
  put_metadata(to, segment.get("metadata"));
}

}  // namespace forager::otlp::segments
