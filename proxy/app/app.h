// Builds all parts in start order, runs them on one io thread, and takes them down in reverse. The
// only place that knows every part.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/thread_pool.hpp>

#include "admin/server.h"
#include "admin/source.h"
#include "admit/admission.h"
#include "admit/keys.h"
#include "app/carrier.h"
#include "app/enrichment.h"
#include "app/storage.h"
#include "app/vendors.h"
#include "base/async.h"
#include "base/budget.h"
#include "base/ledger.h"
#include "config/exit_codes.h"
#include "config/gather.h"
#include "config/load.h"
#include "config/sources.h"
#include "journal/committer.h"
#include "journal/journal.h"
#include "journal/quarantine.h"
#include "net/tls.h"
#include "receive/grpc.h"
#include "receive/http.h"
#include "receive/xray_daemon.h"

namespace forager::app {

class App {
 public:
  /// `sources` are read again on SIGHUP and when the key file changes.
  App(config::Loaded settings, config::Sources sources);
  App(const App&) = delete;
  App& operator=(const App&) = delete;
  ~App();

  /// From the first bind to the last line, which is the ledger. Returns the exit code.
  config::ExitCode run();

 private:
  // building (app.cpp)
  Result<void> build();
  Result<void> add_carrier(const std::string& name);
  Result<void> bind();
  std::function<asio::awaitable<bool>(std::vector<journal::Position>)> loader();

  // destinations (carriers.cpp)
  exporter::DeliveryConfig delivery_config(const std::string& name) const;
  asio::awaitable<void> run_with_aws(Carrier& carrier);
  void start_carriers();
  asio::awaitable<void> reload_certificates(Carrier& carrier, std::string_view why);
  asio::awaitable<void> watch_certificates(Carrier& carrier);

  // the X-Ray daemon's port (xray_daemon.cpp)
  Carrier* carrier_named(std::string_view name);
  asio::awaitable<receive::XrayAnswer> ask_xray(net::Request request);
  Result<void> start_xray_daemon();
  std::vector<std::string> xray_daemon_lines() const;
  void show_xray_daemon(admin::Status& made) const;

  // what is said (lines.cpp)
  void print_start() const;
  void print_ledger() const;

  // living (lifecycle.cpp)
  asio::awaitable<void> live();
  asio::awaitable<void> watch_signals();
  asio::awaitable<void> watch_key_file(config::KeySetting of);
  asio::awaitable<void> watch_expiry();
  asio::awaitable<void> drain();
  void reload_settings();
  void take_key(const config::KeySetting& of, const Secret& key, std::string_view from);
  void log_expiries();

  // what is shown (status.cpp)
  admin::AdminSource admin_source();
  admin::Status status() const;
  // what is asked (change.cpp)
  std::string quarantined_after(std::uint64_t number) const;
  Result<std::string> change_journal(const admin::JournalChange& change);
  Result<std::string> change_quarantined(const admin::QuarantineChange& change);

  void show_receivers(admin::Status& made) const;

  config::Loaded settings_;
  config::Sources sources_;
  const Time started_;

  Storage storage_;
  asio::io_context io_;
  asio::thread_pool pool_;
  Budget budget_;
  ledger::Ledger ledger_;
  journal::Journal journal_;
  std::unique_ptr<journal::Committer> committer_;  ///< with a disk
  journal::Quarantine quarantine_;
  admit::KeyRing keys_;
  net::Tls tls_;
  Vendors vendors_;
  std::vector<std::unique_ptr<Carrier>> carriers_;
  std::unique_ptr<admit::Admission> door_;
  std::unique_ptr<Enricher> enricher_;
  std::unique_ptr<receive::HttpReceiver> http_;
  std::unique_ptr<receive::XrayDaemon> xray_daemon_;  ///< where it is asked for
  std::unique_ptr<receive::GrpcReceiver> grpc_;
  std::unique_ptr<admin::AdminServer> admin_;
  asio::signal_set signals_;
  Event stopping_changed_;
  admin::Phase phase_ = admin::Phase::starting;
  Time stop_asked_{};
  config::ExitCode exit_ = config::ExitCode::ok;
};

}  // namespace forager::app
