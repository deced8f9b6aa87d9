// Each destination's delivery and exporter: what configuration says, put into the parts.
#include <array>
#include <random>
#include <utility>

#include <spdlog/spdlog.h>

#include "app/app.h"
#include "app/file_stamp.h"

namespace forager::app {
namespace {

using destination::Codec;

/// How long the destinations of AWS wait for the first credentials before they say that there are
/// none; records are accepted meanwhile.
constexpr std::chrono::seconds first_credentials{10};

std::optional<Codec> codec_of(config::Compression compression) {
  switch (compression) {
    case config::Compression::zstd:
      return Codec::zstd;
    case config::Compression::gzip:
      return Codec::gzip;
    case config::Compression::none:
      return Codec::none;
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

exporter::DeliveryConfig App::delivery_config(const std::string& name) const {
  const config::Config& from = settings_.config;
  exporter::DeliveryConfig made;
  made.concurrency = from.concurrency;
  made.linger = from.batch_linger;
  made.pace = batch::usual_pace;
  made.batch_bytes = from.batch_bytes;
  made.codec = codec_of(name == "otlp" ? from.otlp_compression : from.compression);
  if (name == "hive") made.codec = Codec::none;
  made.keys_of_apps = name == "honeycomb";
  // its screen counts what it sees, so it must see each record once: none is cut
  if (name == "rollbar") made.batch_bytes = 0;
  made.retry = {.initial = from.retry_initial, .max = from.retry_max};
  made.probe_interval = from.probe_interval;
  made.wall_clock = [] { return std::chrono::system_clock::now(); };
  return made;
}

Result<void> App::add_carrier(const std::string& name) {
  auto carrier = std::make_unique<Carrier>();
  if (auto made = vendors_.make(name, *carrier); !made) return made;
  carrier->delivery = std::make_unique<exporter::Delivery>(
      delivery_config(name), *carrier->destination, journal_, quarantine_, random_source(),
      std::chrono::steady_clock::now());
  exporter::ExporterSettings with;
  with.send_timeout = settings_.config.send_timeout;
  with.load = loader();
  with.book = &ledger_.book(name);
  with.no_credentials = carrier->no_credentials;
  with.stale_credentials = carrier->stale_credentials;
  carrier->exporter = std::make_unique<exporter::Exporter>(
      io_.get_executor(), pool_, *carrier->delivery, *carrier->destination, *carrier->transport,
      carrier->credentials, budget_, std::move(with));
  carriers_.push_back(std::move(carrier));
  return {};
}

void App::start_carriers() {
  const auto executor = io_.get_executor();
  for (const auto& carrier : carriers_) {
    auto running = carrier->needs_aws ? run_with_aws(*carrier) : carrier->exporter->run();
    spawn(executor, std::move(running), "exporter");
    if (carrier->tls) spawn(executor, watch_certificates(*carrier), "certificates");
  }
  if (vendors_.aws() == nullptr) return;
  vendors_.aws()->on_changed([this] {
    for (const auto& carrier : carriers_) {
      if (!carrier->needs_aws) continue;
      carrier->delivery->credentials_changed(std::chrono::steady_clock::now());
      carrier->exporter->wake();
    }
  });
  spawn(executor, vendors_.aws()->run(), "AWS credentials");
}

/// Begins when the first credentials are there, so that a start doesn't look like a fault.
asio::awaitable<void> App::run_with_aws(Carrier& carrier) {
  const Time deadline = std::chrono::steady_clock::now() + first_credentials;
  auto first = co_await vendors_.aws()->first(deadline);
  // a stop ends the wait too, and that is no fault
  if (!first && phase_ != admin::Phase::draining)
    spdlog::warn("{}: {}", carrier.destination->name(), first.error().what);
  co_await carrier.exporter->run();
}

/// Connections that are open go on as they are used; new ones are made with what is there now.
asio::awaitable<void> App::reload_certificates(Carrier& carrier, std::string_view why) {
  const std::string name(carrier.destination->name());
  const std::string said(why);
  auto done = co_await carrier.tls->reload();
  if (!done) {
    spdlog::error("{}: the certificates stay as they were: {}; correct the file, it is read again",
                  name, done.error().what);
    co_return;
  }
  if (*done) {
    spdlog::info("{}: the certificates were read again ({})", name, said);
    carrier.transport->begin_anew();
  }
  carrier.delivery->credentials_changed(std::chrono::steady_clock::now());
  carrier.exporter->wake();
}

/// A certificate and its key are two files: what has changed is read when it has been still for a
/// moment.
asio::awaitable<void> App::watch_certificates(Carrier& carrier) {
  const auto stamps = [&carrier] {
    std::array<FileStamp, 3> made;
    const net::TlsFiles& files = carrier.tls->files();
    std::size_t i = 0;
    for (const std::string* path : {&files.ca, &files.certificate, &files.private_key})
      made[i++] = path->empty() ? FileStamp{} : stamp_of(*path);
    return made;
  };
  auto seen = stamps();
  if (carrier.tls->files().ca.empty() && carrier.tls->files().certificate.empty()) co_return;
  bool changed = false;
  asio::steady_timer timer(io_);
  for (;;) {
    timer.expires_after(file_step);
    co_await timer.async_wait(use_tuple);
    const auto now = stamps();
    if (now != seen) {
      seen = now;
      changed = true;
      continue;
    }
    if (!std::exchange(changed, false)) continue;
    co_await reload_certificates(carrier, std::string_view("a file has changed"));
  }
}

}  // namespace forager::app
