#include "app/app.h"

#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "base/memory.h"

namespace forager::app {
namespace {

/// Threads for compression, inflation and JSON. One: with the io thread that makes the two cores a
/// sidecar may use.
constexpr std::size_t workers = 1;
/// Of the journal, what quarantined bytes may take.
constexpr std::size_t quarantine_share = 8;

/// Of the memory limit, what gRPC may buffer before we see it: taken out of the budget, since it
/// can't be charged to it.
std::size_t grpc_share(const config::Config& from) {
  return from.otlp_grpc.off ? 0 : from.memory_limit / 4;
}

journal::JournalConfig journal_config(const config::Config& from) {
  return {.bytes_max = from.journal_bytes,
          .expire_when_full = from.on_full == config::OnFull::expire,
          .retention = from.retention};
}

}  // namespace

App::App(config::Loaded settings, config::Sources sources)
    : settings_(std::move(settings)),
      sources_(std::move(sources)),
      started_(std::chrono::steady_clock::now()),
      storage_(open_storage(settings_.config)),
      io_(1),
      pool_(workers),
      budget_(settings_.config.memory_limit - grpc_share(settings_.config)),
      journal_(journal_config(settings_.config), ledger_),
      quarantine_(std::min(settings_.config.journal_bytes, settings_.config.memory_limit / 2) /
                      quarantine_share,
                  budget_),
      keys_(settings_.config.key_policy, settings_.config.honeycomb_key, storage_.salt),
      tls_(io_.get_executor(), pool_, net::TlsFiles{.ca = settings_.config.ca_file}),
      vendors_(settings_, sources_, io_.get_executor(), pool_, budget_, tls_,
               [this](journal::GroupId group) { return keys_.credentials(group); }),
      signals_(io_, SIGTERM, SIGINT, SIGHUP),
      stopping_changed_(io_.get_executor()) {}

App::~App() { pool_.join(); }

std::function<asio::awaitable<bool>(std::vector<journal::Position>)> App::loader() {
  if (!committer_) return {};
  return
      [this](std::vector<journal::Position> wanted) { return committer_->load(std::move(wanted)); };
}

Result<void> App::bind() {
  const config::Config& from = settings_.config;
  const auto executor = io_.get_executor();
  receive::HttpSettings http;
  http.listen = {from.otlp_http};
  http.connections = from.connections;
  http.header_timeout = from.header_timeout;
  http.body_timeout = from.body_timeout;
  http.idle_timeout = from.idle_timeout;
  http.cors_origins = from.cors_origins;
  auto http_bound = receive::HttpReceiver::start(std::move(http), executor, *door_);
  if (!http_bound) return http_bound.error();
  http_ = std::move(*http_bound);

  if (auto started = start_xray_daemon(); !started) return started;
  admin_ = std::make_unique<admin::AdminServer>(executor, admin_source());
  if (auto started = admin_->start(from.admin); !started) return started;
  // last: its calls wait for the io thread, so nothing may fail once it has taken one
  if (!from.otlp_grpc.off) {
    receive::GrpcSettings grpc;
    grpc.host = from.otlp_grpc.host;
    grpc.port = from.otlp_grpc.port;
    grpc.unix_path = from.otlp_grpc.unix_path;
    grpc.request_limit = door_->request_limit();
    grpc.buffer_bytes = grpc_share(from);
    auto grpc_bound = receive::GrpcReceiver::start(grpc, executor, *door_);
    if (!grpc_bound) return grpc_bound.error();
    grpc_ = std::move(*grpc_bound);
  }
  return {};
}

Result<void> App::build() {
  if (!storage_.error.empty()) return fault(storage_.error);
  if (storage_.files) {
    auto with = disk_settings(storage_, settings_.config);
    with.group_of = [this](journal::GroupId group) { return keys_.on_disk(group); };
    journal_.use_disk(std::move(with));
    committer_ = std::make_unique<journal::Committer>(io_.get_executor(), pool_, *storage_.files,
                                                      journal_, budget_);
    keys_.on_learned([this] {
      if (Carrier* const honeycomb = carrier_named("honeycomb"))
        honeycomb->delivery->credentials_changed(std::chrono::steady_clock::now());
    });
  }
  journal_.use_quarantine(quarantine_);
  for (const std::string& name : settings_.routes.all()) {
    if (auto added = add_carrier(name); !added) return added;
  }
  door_ = std::make_unique<admit::Admission>(
      admit::AdmissionConfig{.request_limit = settings_.config.request_limit,
                             .wait_for_delivery = settings_.config.ack == config::Ack::delivered},
      budget_, journal_, ledger_, keys_, io_.get_executor(), pool_);
  if (committer_) door_->wait_for(committer_->ended());
  // before the ports: what is known at once is in the first request
  aws::FetchSettings fetch;
  fetch.budget = &budget_;
  enricher_ = std::make_unique<Enricher>(io_.get_executor(), tls_, std::move(fetch),
                                         settings_.config, sources_.env, *door_);
  return bind();
}

config::ExitCode App::run() {
  for (const std::string& warning : settings_.warnings) spdlog::warn("{}", warning);
  if (auto built = build(); !built) {
    spdlog::error("{}", built.error().what);
    return config::ExitCode::unavailable;
  }
  phase_ = admin::Phase::serving;
  print_start();
  const auto executor = io_.get_executor();
  start_carriers();
  if (committer_) {
    spawn(executor, committer_->run(), "journal");
    auto adopt = [this](const journal::format::Group& group) { return keys_.adopt(group); };
    spawn(executor, committer_->recover(storage_.found, adopt), "recovery");
  }
  spawn(executor, enricher_->run(), "enrichment");
  spawn(executor, watch_signals(), "signals");
  for (const config::KeySetting& one : config::key_settings) {
    if ((settings_.config.*one.file).empty()) continue;
    spawn(executor, watch_key_file(one), "key file");
  }
  spawn(executor, watch_expiry(), "expiry");
  spawn(executor, live(), "life");
  forget_start();
  io_.run();
  return exit_;
}

}  // namespace forager::app
