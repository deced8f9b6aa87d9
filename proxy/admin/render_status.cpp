#include "admin/render.h"
#include "base/iso_time.h"
#include "base/json_writer.h"

namespace forager::admin {

namespace {

double seconds(Duration d) { return std::chrono::duration<double>(d).count(); }

void time_or_null(JsonWriter& json, std::string_view name, std::optional<WallTime> t) {
  json.key(name);
  if (t) {
    json.value(iso_time(*t));
  } else {
    json.null();
  }
}

void text_or_null(JsonWriter& json, std::string_view name, std::string_view text) {
  json.key(name);
  if (text.empty()) {
    json.null();
  } else {
    json.value(text);
  }
}

void used_of_limit(JsonWriter& json, std::uint64_t used, std::uint64_t limit) {
  json.member("bytes", used).member("limit_bytes", limit);
}

void write(JsonWriter& json, const DestinationStatus& destination) {
  json.begin_object();
  json.member("name", destination.name).member("state", destination.state);
  time_or_null(json, "since", destination.since);
  text_or_null(json, "last_error", destination.last_error);
  time_or_null(json, "last_error_at", destination.last_error_at);
  time_or_null(json, "last_success_at", destination.last_success_at);
  json.member("held_items", destination.held_items).member("held_bytes", destination.held_bytes);
  json.key("oldest_age_seconds");
  if (destination.oldest_age) {
    json.value(seconds(*destination.oldest_age));
  } else {
    json.null();
  }
  json.member("requests_in_flight", destination.in_flight);
  json.key("learned_request_bytes");
  if (destination.learned_request_bytes != 0) {
    json.value(destination.learned_request_bytes);
  } else {
    json.null();
  }
  text_or_null(json, "codec", destination.codec);
  json.member("quarantined_items", destination.quarantined_items);
  json.member("refused_keys", destination.refused_keys);
  json.member("unknown_keys", destination.unknown_keys);
  json.member("retries", destination.retries);
  json.end_object();
}

void write(JsonWriter& json, std::string_view name, const std::vector<CodeCount>& counts) {
  json.key(name).begin_array();
  for (const CodeCount& one : counts) {
    json.begin_object();
    json.member("by", one.by).member("code", one.code).member("count", one.count);
    json.end_object();
  }
  json.end_array();
}

}  // namespace

std::string_view name(Phase phase) {
  switch (phase) {
    case Phase::starting:
      return "starting";
    case Phase::serving:
      return "serving";
    case Phase::draining:
      return "draining";
  }
  return "";
}

std::string render_status(const Status& status) {
  JsonWriter json;
  json.begin_object();
  json.member("version", status.version).member("phase", name(status.phase));
  json.member("now", iso_time(status.now)).member("uptime_seconds", seconds(status.uptime));
  json.key("warnings").begin_array();
  for (const std::string& warning : status.warnings) json.value(warning);
  json.end_array();
  json.key("journal").begin_object();
  json.member("kind", status.journal_kind);
  text_or_null(json, "directory", status.journal_directory);
  json.member("recovering", status.journal_recovering);
  used_of_limit(json, status.journal_bytes, status.journal_limit);
  json.end_object();
  json.key("memory").begin_object();
  used_of_limit(json, status.memory_used, status.memory_limit);
  json.member("resident_bytes", status.resident_bytes);
  json.end_object();
  json.key("listeners").begin_array();
  for (const ListenerStatus& listener : status.listeners) {
    json.begin_object();
    json.member("protocol", listener.protocol).member("address", listener.address);
    json.end_object();
  }
  json.end_array();
  json.key("receivers").begin_array();
  for (const ReceiverStatus& receiver : status.receivers) {
    json.begin_object();
    json.member("protocol", receiver.protocol).key("open_connections");
    if (receiver.open_connections) {
      json.value(*receiver.open_connections);
    } else {
      json.null();
    }
    json.member("open_requests", receiver.open_requests);
    json.end_object();
  }
  json.end_array();
  json.key("quarantined").begin_array();
  for (const QuarantinedStatus& one : status.quarantined) {
    json.begin_object();
    json.member("number", one.number)
        .member("destination", one.destination)
        .member("signal", one.signal)
        .member("position", one.position);
    json.member("first_item", one.first_item).member("last_item", one.last_item);
    json.member("arrived", iso_time(one.arrived)).member("why", one.why);
    json.end_object();
  }
  json.end_array();
  json.key("destinations").begin_array();
  for (const DestinationStatus& destination : status.destinations) write(json, destination);
  json.end_array();
  write(json, "requests_received", status.received);
  write(json, "requests_sent", status.sent);
  json.end_object();
  return json.take() + "\n";
}

}  // namespace forager::admin
