#include "app/app.h"

#include <random>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "base/memory.h"
#include "destination/hive.h"
#include "destination/honeycomb.h"
#include "hive/screen.h"
#include "hive/terminal.h"
#include "net/https.h"
#include "net/proxy.h"
#include "net/url.h"

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

std::optional<destination::Codec> codec_of(config::Compression compression) {
  switch (compression) {
    case config::Compression::zstd:
      return destination::Codec::zstd;
    case config::Compression::gzip:
      return destination::Codec::gzip;
    case config::Compression::none:
      return destination::Codec::none;
    case config::Compression::automatic:
      break;
  }
  return std::nullopt;
}

exporter::Delivery::Random random_source() {
  return [engine = std::mt19937_64(std::random_device{}()),
          unit = std::uniform_real_distribution<double>(0, 1)]() mutable { return unit(engine); };
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
      tls_(io_.get_executor(), pool_, settings_.config.ca_file),
      signals_(io_, SIGTERM, SIGINT, SIGHUP),
      stopping_changed_(io_.get_executor()) {}

App::~App() { pool_.join(); }

exporter::DeliveryConfig App::delivery_config(const std::string& name) const {
  const config::Config& from = settings_.config;
  exporter::DeliveryConfig made;
  made.concurrency = from.concurrency;
  made.linger = from.batch_linger;
  made.pace = batch::usual_pace;
  made.batch_bytes = from.batch_bytes;
  made.codec = name == "hive" ? destination::Codec::none : codec_of(from.compression);
  made.retry = {.initial = from.retry_initial, .max = from.retry_max};
  made.probe_interval = from.probe_interval;
  return made;
}

std::function<asio::awaitable<bool>(std::vector<journal::Position>)> App::loader() {
  if (!committer_) return {};
  return
      [this](std::vector<journal::Position> wanted) { return committer_->load(std::move(wanted)); };
}

exporter::Exporter::CredentialsOf App::credentials_for(const std::string& name) {
  if (name == "hive") {  // it needs no key, and there may be none
    return [](journal::GroupId) { return std::make_optional<destination::Credentials>(); };
  }
  return [this](journal::GroupId group) { return keys_.credentials(group); };
}

Result<void> App::add_carrier(const std::string& name) {
  const config::Config& from = settings_.config;
  const auto executor = io_.get_executor();
  std::array<bool, signal_count> routed{};
  for (const Signal signal : all_signals) {
    for (const std::string& to : settings_.routes.of(signal))
      routed[static_cast<std::size_t>(signal)] |= to == name;
  }
  auto carrier = std::make_unique<Carrier>();
  if (name == "hive") {
    hive::HiveOptions options;
    const auto no_color = sources_.env("NO_COLOR");
    options.colour =
        hive::colour_wanted(::isatty(STDOUT_FILENO) == 1, no_color ? no_color->c_str() : nullptr);
    options.sink = [terminal = std::make_shared<hive::Terminal>(STDOUT_FILENO)](
                       std::string_view line) { return terminal->write_line(line); };
    carrier->destination = std::make_unique<destination::HiveDestination>(routed);
    auto hive = std::make_unique<hive::HiveTransport>(
        executor, options, budget_.take_anyway(hive::HiveTransport::memory(options)));
    carrier->hive = hive.get();
    carrier->transport = std::move(hive);
    carrier->where = "shown here and at /hive/recent";
  } else {
    auto origin = net::parse_origin(from.honeycomb_endpoint);
    if (!origin) return origin.error();
    auto proxy = net::choose_proxy(*origin, from.https_proxy, from.no_proxy);
    if (!proxy) return proxy.error();
    carrier->where = from.honeycomb_endpoint;
    if (*proxy) carrier->where += fmt::format(" through the proxy {}", (*proxy)->endpoint());
    carrier->destination = std::make_unique<destination::HoneycombDestination>(
        destination::HoneycombConfig{.host = origin->host,
                                     .path_prefix = origin->prefix,
                                     .dataset = from.honeycomb_dataset,
                                     .metrics_dataset = from.honeycomb_metrics_dataset,
                                     .batch_bytes = from.batch_bytes,
                                     .routed = routed});
    net::HttpsSettings https;
    https.budget = &budget_;
    https.seed = std::random_device{}();
    carrier->transport = std::make_unique<net::HttpsTransport>(executor, std::move(*origin),
                                                               std::move(*proxy), tls_, https);
  }
  carrier->delivery = std::make_unique<exporter::Delivery>(
      delivery_config(name), *carrier->destination, journal_, quarantine_, random_source(),
      std::chrono::steady_clock::now());
  carrier->exporter = std::make_unique<exporter::Exporter>(
      executor, pool_, *carrier->delivery, *carrier->destination, *carrier->transport,
      credentials_for(name), budget_,
      exporter::ExporterSettings{
          .send_timeout = from.send_timeout, .load = loader(), .book = &ledger_.book(name)});
  carriers_.push_back(std::move(carrier));
  return {};
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
      for (const auto& carrier : carriers_)
        carrier->delivery->credentials_changed(std::chrono::steady_clock::now());
    });
  }
  for (const std::string& name : settings_.routes.all()) {
    if (auto added = add_carrier(name); !added) return added;
  }
  door_ = std::make_unique<admit::Admission>(
      admit::AdmissionConfig{.request_limit = settings_.config.request_limit,
                             .wait_for_delivery = settings_.config.ack == config::Ack::delivered},
      budget_, journal_, ledger_, keys_, io_.get_executor(), pool_);
  if (committer_) door_->wait_for(committer_->ended());
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
  for (const auto& carrier : carriers_) spawn(executor, carrier->exporter->run(), "exporter");
  if (committer_) {
    spawn(executor, committer_->run(), "journal");
    auto adopt = [this](const journal::format::Group& group) { return keys_.adopt(group); };
    spawn(executor, committer_->recover(storage_.found, adopt), "recovery");
  }
  spawn(executor, watch_signals(), "signals");
  if (!settings_.config.honeycomb_key_file.empty()) spawn(executor, watch_key_file(), "key file");
  spawn(executor, watch_expiry(), "expiry");
  spawn(executor, live(), "life");
  forget_start();
  io_.run();
  return exit_;
}

}  // namespace forager::app
