// What the admin pages show, gathered from the parts when it is asked for.
#include <chrono>

#include <fmt/format.h>

#include "admin/process.h"
#include "app/app.h"

namespace forager::app {
namespace {

using std::chrono::steady_clock;
using std::chrono::system_clock;

/// Of the quarantined items, the newest ones.
constexpr std::size_t quarantined_shown = 100;

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
                                   const ledger::Book& book) {
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
  for (const Signal signal : all_signals) {
    made.quarantined_items += book.count(signal, ledger::State::quarantined);
  }
  made.refused_keys = state.refused_keys;
  made.unknown_keys = state.keyless;
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
  made.journal_recovering = journal_.recovering();
  made.journal_bytes = storage_.files ? journal_.disk_bytes() : journal_.bytes();
  made.journal_limit = journal_.bytes_max();
  made.memory_used = budget_.used();
  made.memory_limit = budget_.limit();
  made.resident_bytes = admin::resident_bytes();
  made.warnings = settings_.warnings;
  show_receivers(made);
  for (const auto& carrier : carriers_) {
    for (const auto& book : ledger_.books()) {
      if (book->destination() != carrier->destination->name()) continue;
      made.destinations.push_back(status_of(*carrier, clocks, *book));
    }
  }
  const auto& kept = quarantine_.kept();
  for (auto at = kept.rbegin(); at != kept.rend() && made.quarantined.size() < quarantined_shown;
       ++at) {
    const journal::Quarantined& what = at->what;
    const std::uint64_t number = quarantine_.numbered() ? at->number : 0;
    made.quarantined.push_back({number, what.destination, std::string(facts(what.signal).name),
                                what.position, what.first, what.last, what.arrived, what.why});
  }
  if (const std::string& why = journal_.disk_trouble(); !why.empty())
    made.warnings.push_back(
        fmt::format("the disk takes nothing, requests are answered 503 until it does: free space "
                    "or mend it, or move FORAGER_DATA_DIR, now {}: {}",
                    made.journal_directory, why));
  for (const std::string& name : journal_.removed_destinations())
    made.warnings.push_back("records are held for " + name + ", which is not configured any more");
  for (const auto& carrier : carriers_) {
    const std::string to(carrier->destination->name());
    for (const auto& [status, count] : carrier->exporter->answers())
      made.sent.push_back({to, std::to_string(status), count});
    made.sent.push_back({to, "none", carrier->delivery->counts().transport_errors});
  }
  return made;
}

void App::show_receivers(admin::Status& made) const {
  for (const std::string& at : http_->bound()) made.listeners.push_back({"otlp/http", at});
  made.receivers.push_back({"otlp/http", static_cast<std::uint32_t>(http_->open_connections()),
                            static_cast<std::uint32_t>(http_->open_requests())});
  for (const auto& [status, count] : http_->counters().answers)
    made.received.push_back({"otlp/http", std::to_string(status), count});
  if (grpc_) {
    for (const std::string& at : grpc_->bound()) made.listeners.push_back({"otlp/grpc", at});
    made.receivers.push_back(
        {"otlp/grpc", std::nullopt, static_cast<std::uint32_t>(grpc_->open_requests())});
    const auto& answers = grpc_->counters().answers;
    for (std::size_t code = 0; code < answers.size(); ++code) {
      if (answers.at(code) == 0) continue;
      made.received.push_back(
          {"otlp/grpc", std::string(receive::grpc_code_name(code)), answers.at(code)});
    }
  }
  show_xray_daemon(made);
  for (const std::string& at : admin_->addresses()) made.listeners.push_back({"admin", at});
  made.receivers.push_back({"admin", static_cast<std::uint32_t>(admin_->open_connections()), 0});
}

admin::AdminSource App::admin_source() {
  admin::AdminSource source;
  source.phase = [this] { return phase_; };
  source.status = [this] { return status(); };
  source.ledger = [this]() -> const ledger::Ledger& { return ledger_; };
  source.held = [this](std::string_view destination, Signal signal) {
    return journal_.held_items(destination, signal);
  };
  source.quarantined = [this](std::uint64_t after) { return quarantined_after(after); };
  source.change = [this](const admin::JournalChange& change) { return change_journal(change); };
  source.change_quarantined = [this](const admin::QuarantineChange& change) {
    return change_quarantined(change);
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
