// From the first signal to the last line: stopping in order with one deadline, and reloading
// without closing a port.
#include <algorithm>
#include <cstdlib>

#include <spdlog/spdlog.h>

#include "app/app.h"
#include "app/file_stamp.h"
#include "app/log.h"
#include "base/iso_time.h"

namespace forager::app {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// How often a draining process looks whether it may go on; only between SIGTERM and exit.
constexpr milliseconds drain_step{10};
/// Of the grace, what is kept back for delivering and closing after the listeners are gone.
constexpr milliseconds reserve_max{2'000};

}  // namespace

asio::awaitable<void> App::watch_signals() {
  for (;;) {
    const auto [error, number] = co_await signals_.async_wait(use_tuple);
    if (error) co_return;
    if (number == SIGHUP) {
      reload_settings();
      continue;
    }
    if (phase_ == admin::Phase::draining) {
      spdlog::warn("second signal: stopping at once");
      print_ledger();
      std::fflush(nullptr);
      std::_Exit(static_cast<int>(config::ExitCode::interrupted));
    }
    phase_ = admin::Phase::draining;
    stop_asked_ = steady_clock::now();
    spdlog::info("stopping: the ports stay open until the app has sent its last");
    stopping_changed_.notify_all();
  }
}

asio::awaitable<void> App::live() {
  while (phase_ != admin::Phase::draining) co_await stopping_changed_.wait();
  co_await drain();
  io_.stop();
}

asio::awaitable<void> App::drain() {
  const config::Config& with = settings_.config;
  const Time deadline = stop_asked_ + with.stop_grace;
  const Time listen_until = deadline - std::min<Duration>(reserve_max, with.stop_grace / 4);
  door_->close_by(deadline);
  http_->begin_drain();
  if (grpc_) grpc_->begin_drain();
  for (const auto& carrier : carriers_) {
    carrier->delivery->drain();
    carrier->exporter->wake();
  }
  // DESIGN, invariant 12: the port outlives the app
  for (;;) {
    const Time now = steady_clock::now();
    std::size_t open = http_->open_requests();
    Time last = std::max(stop_asked_, http_->last_request_began());
    if (grpc_) {
      open += grpc_->open_requests();
      last = std::max(last, grpc_->last_request_began());
    }
    if (xray_daemon_) {
      open += xray_daemon_->open_requests();
      last = std::max(last, xray_daemon_->last_request_began());
    }
    if ((open == 0 && now - last >= with.stop_quiet) || now >= listen_until) break;
    co_await stopping_changed_.wait_until(std::min(now + drain_step, listen_until));
  }
  http_->close();
  if (xray_daemon_) xray_daemon_->close();
  co_await http_->drained(deadline);
  if (xray_daemon_) co_await xray_daemon_->drained(deadline);
  if (grpc_) {
    // its own thread: Shutdown waits for calls that may need the pool
    asio::thread_pool closer(1);
    const auto until = std::chrono::system_clock::now() + milliseconds(200);
    auto close = [grpc = grpc_.get(), until] {
      grpc->close(until);
      return true;
    };
    co_await offload(closer, std::move(close));
    closer.join();
  }
  for (const auto& carrier : carriers_) carrier->exporter->wake();
  for (;;) {
    const Time now = steady_clock::now();
    const bool done = std::all_of(carriers_.begin(), carriers_.end(),
                                  [](const auto& carrier) { return carrier->delivery->drained(); });
    if (done || now >= deadline) break;
    co_await stopping_changed_.wait_until(std::min(now + drain_step, deadline));
  }
  door_->close();
  admin_->stop();
  if (vendors_.aws() != nullptr) vendors_.aws()->stop();
  enricher_->stop();
  for (const auto& carrier : carriers_) {
    carrier->exporter->stop();
    if (carrier->hive != nullptr) carrier->hive->flush();
  }
  log_expiries();
  if (committer_) {
    co_await committer_->close(std::max<Time>(deadline, steady_clock::now() + milliseconds(500)));
  } else if (const std::uint64_t lost = journal_.lose_all(steady_clock::now()); lost != 0) {
    spdlog::error(
        "{} items were still held in memory and are lost: a longer FORAGER_STOP_GRACE gives them "
        "more time to be delivered",
        lost);
    exit_ = config::ExitCode::lost;
  }
  print_ledger();
}

void App::take_key(const config::KeySetting& of, const Secret& key, std::string_view from) {
  if (key == settings_.config.*of.key) return;
  settings_.config.*of.key = key;
  if (of.key == &config::Config::honeycomb_key) keys_.set_own(key);
  spdlog::info("{} was replaced, from {}", of.what, from);
  const Time now = steady_clock::now();
  for (const auto& carrier : carriers_) {
    if (carrier->destination->name() != of.destination) continue;
    carrier->delivery->credentials_changed(now);
    carrier->exporter->wake();
  }
}

void App::reload_settings() {
  config::Sources sources = sources_;
  // it stays as it is while we run, and to ask for it again would hold up everybody
  sources.find_region = [this] {
    return std::make_pair(settings_.config.aws_region, settings_.origin("aws-region").text);
  };
  config::Outcome read = config::load(sources);
  if (!read) {
    for (const std::string& problem : read.error().all) spdlog::error("not reloaded: {}", problem);
    return;
  }
  for (const config::KeySetting& one : config::key_settings) {
    take_key(one, read->config.*one.key, "SIGHUP");
  }
  if (vendors_.aws() != nullptr) vendors_.aws()->reread();
  for (const auto& carrier : carriers_) {
    if (carrier->tls) spawn(io_.get_executor(), reload_certificates(*carrier, "SIGHUP"), "SIGHUP");
  }
  if (read->config.log_level != settings_.config.log_level) {
    set_log_level(read->config.log_level);
    settings_.config.log_level = read->config.log_level;
  }
  // Ports, journal and destinations are built once; say so instead of seeming to have taken them.
  for (const config::Setting& setting : config::settings()) {
    if (setting.secret || setting.flag == "log-level") continue;
    if (setting.field.get(read->config) != setting.field.get(settings_.config)) {
      spdlog::warn("{} has changed; it takes effect at the next start", setting.flag);
    }
  }
  spdlog::info("reloaded: keys and log level");
}

asio::awaitable<void> App::watch_key_file(config::KeySetting of) {
  const std::string path = settings_.config.*of.file;
  FileStamp seen = stamp_of(path);
  asio::steady_timer timer(io_);
  for (;;) {
    timer.expires_after(file_step);
    co_await timer.async_wait(use_tuple);
    const FileStamp now = stamp_of(path);
    if (now == seen) continue;
    seen = now;
    if (now.inode == 0) continue;  // being replaced
    const auto key = config::read_key(of, path, sources_.read_file);
    if (key) {
      take_key(of, *key, path);
    } else {
      spdlog::error("{} stays as it was: {}", of.what, key.error().what);
    }
  }
}

/// Deliveries expire what is over age when they look for work; this looks when they have none, and
/// says what went.
asio::awaitable<void> App::watch_expiry() {
  const config::Config& with = settings_.config;
  const bool may_expire =
      with.retention.count() > 0 || with.on_full == config::OnFull::expire || carriers_.size() > 1;
  if (!may_expire) co_return;
  asio::steady_timer timer(io_);
  for (;;) {
    journal_.expire_old(steady_clock::now());
    log_expiries();
    timer.expires_after(std::chrono::seconds(1));
    co_await timer.async_wait(use_tuple);
  }
}

void App::log_expiries() {
  for (const journal::Expiry& gone : journal_.take_expiries()) {
    spdlog::warn("{}: {} {} that came from {} to {} expired: {}", gone.destination, gone.items,
                 facts(gone.signal).items, iso_time(gone.oldest), iso_time(gone.newest),
                 ledger::facts(gone.reason).sentence);
  }
}

}  // namespace forager::app
