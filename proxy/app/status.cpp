// What the admin pages show, gathered from the parts when it is asked for.
#include <chrono>

#include "admin/process.h"
#include "app/app.h"

namespace forager::app {
namespace {

using std::chrono::steady_clock;
using std::chrono::system_clock;

struct Clocks {
  Time now = steady_clock::now();
  WallTime wall = system_clock::now();
  WallTime at(Time t) const {
    return wall - std::chrono::duration_cast<WallTime::duration>(now - t);
  }
  std::optional<WallTime> at(const std::optional<Time>& t) const {
    if (!t) return std::nullopt;
    return at(*t);
  }
};

admin::DestinationStatus status_of(const Carrier& carrier, const Clocks& clocks,
                                   const journal::Quarantine& quarantine) {
  const exporter::DeliveryState state = carrier.delivery->state();
  admin::DestinationStatus made;
  made.name = carrier.destination->name();
  made.state = exporter::name(state.kind);
  made.since = clocks.at(state.since);
  made.last_error = state.last_error;
  made.last_error_at = clocks.at(state.last_error_at);
  made.last_success_at = clocks.at(state.last_success);
  made.held_items = state.held.items;
  made.held_bytes = state.held.bytes;
  if (state.held.oldest) made.oldest_age = clocks.now - *state.held.oldest;
  made.in_flight = static_cast<std::uint32_t>(state.in_flight);
  for (const Signal signal : all_signals) {
    const std::size_t own = carrier.destination->limits(signal).request_bytes;
    const std::size_t learned = state.request_bytes[static_cast<std::size_t>(signal)];
    if (learned < own &&
        (made.learned_request_bytes == 0 || learned < made.learned_request_bytes)) {
      made.learned_request_bytes = learned;
    }
  }
  made.codec =
      state.codec == destination::Codec::none ? "none" : destination::content_encoding(state.codec);
  for (const auto& kept : quarantine.kept()) {
    if (kept.what.destination == made.name)
      made.quarantined_items += kept.what.last - kept.what.first;
  }
  made.retries = carrier.delivery->counts().retries + carrier.delivery->counts().transport_errors;
  return made;
}

}  // namespace

admin::Status App::status() const {
  const Clocks clocks;
  admin::Status made;
  made.version = FORAGER_VERSION;
  made.phase = phase_;
  made.now = clocks.wall;
  made.uptime = clocks.now - started_;
  made.journal_kind = storage_.files ? "disk" : "memory";
  if (storage_.files) made.journal_directory = storage_.files->directory();
  made.journal_bytes = storage_.files ? journal_.disk_bytes() : journal_.bytes();
  made.journal_limit = journal_.bytes_max();
  made.memory_used = budget_.used();
  made.memory_limit = budget_.limit();
  made.resident_bytes = admin::resident_bytes();
  made.warnings = settings_.warnings;
  if (const std::string& why = journal_.disk_trouble(); !why.empty())
    made.warnings.push_back("the disk takes nothing, requests are answered 503: " + why);
  for (const std::string& name : journal_.removed_destinations())
    made.warnings.push_back("records are held for " + name + ", which is not configured any more");
  for (const std::string& at : http_->bound()) {
    made.listeners.push_back(
        {"otlp/http", at, static_cast<std::uint32_t>(http_->open_connections())});
  }
  if (grpc_) {
    for (const std::string& at : grpc_->bound()) made.listeners.push_back({"otlp/grpc", at, 0});
  }
  for (const std::string& at : admin_->addresses()) {
    made.listeners.push_back({"admin", at, static_cast<std::uint32_t>(admin_->open_connections())});
  }
  for (const auto& carrier : carriers_)
    made.destinations.push_back(status_of(*carrier, clocks, quarantine_));

  const receive::HttpCounters& http = http_->counters();
  made.received = {{"otlp/http", "ok", http.requests - http.refused},
                   {"otlp/http", "refused", http.refused}};
  for (const auto& carrier : carriers_) {
    const exporter::DeliveryCounts& counts = carrier->delivery->counts();
    const std::string to(carrier->destination->name());
    made.sent.push_back({to, "delivered", counts.delivered});
    made.sent.push_back({to, "retry", counts.retries});
    made.sent.push_back({to, "error", counts.transport_errors});
    made.sent.push_back({to, "refused", counts.parks + counts.taken_apart + counts.recoded});
  }
  return made;
}

admin::AdminSource App::admin_source() {
  admin::AdminSource source;
  source.phase = [this] { return phase_; };
  source.status = [this] { return status(); };
  source.ledger = [this]() -> const ledger::Ledger& { return ledger_; };
  source.held = [this](std::string_view destination, Signal signal) {
    return journal_.held_items(destination, signal);
  };
  for (const auto& carrier : carriers_) {
    if (carrier->hive == nullptr) continue;
    source.recent = [hive = carrier->hive](std::string_view query) {
      return hive->recent_json(query);
    };
  }
  return source;
}

}  // namespace forager::app
