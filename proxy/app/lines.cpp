// What the process says on its own account: the lines at the start and the ledger at the end.
#include <cstdio>
#include <string>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "app/app.h"

namespace forager::app {
namespace {

/// For a person on stdout, or for a machine in the log.
void say(config::LogFormat format, const std::string& line) {
  if (format == config::LogFormat::json) {
    spdlog::info("{}", line);
    return;
  }
  fmt::print("{}\n", line);
  std::fflush(stdout);
}

std::string in_mib(std::size_t bytes) {
  const double mib = static_cast<double>(bytes) / (1U << 20U);
  return mib < 10 ? fmt::format("{:.1f} MiB", mib) : fmt::format("{:.0f} MiB", mib);
}

std::string web(const std::string& address) {
  return address.starts_with("unix:") ? address : "http://" + address;
}

}  // namespace

void App::print_start() const {
  const config::Config& from = settings_.config;
  const auto line = [&](const std::string& text) { say(from.log_format, text); };
  line(fmt::format("Forager {}", FORAGER_VERSION));
  for (const std::string& at : http_->bound()) line(fmt::format("listening otlp/http {}", web(at)));
  if (grpc_) {
    for (const std::string& at : grpc_->bound()) line(fmt::format("listening otlp/grpc {}", at));
  }
  for (const std::string& text : xray_daemon_lines()) line(text);
  for (const std::string& at : admin_->addresses())
    line(fmt::format("listening admin {}", web(at)));

  for (const auto& carrier : carriers_) {
    std::string signals;
    for (const Signal signal : all_signals) {
      if (!carrier->destination->takes(signal)) continue;
      signals += fmt::format("{}{}", signals.empty() ? "" : ", ", facts(signal).name);
    }
    line(fmt::format("delivering {} to {} ({})", signals, carrier->destination->name(),
                     carrier->where));
  }
  if (storage_.files) {
    line(fmt::format("keeping data on disk in {}, up to {}; 200 means it is synced",
                     storage_.files->directory(), in_mib(from.journal_bytes)));
  } else {
    if (!storage_.why.empty()) line(fmt::format("no disk journal: {}", storage_.why));
    line(
        fmt::format("keeping data in memory, up to {}: what is still held when the process ends is "
                    "lost, and counted",
                    in_mib(from.journal_bytes)));
  }

  std::string endpoint;
  for (const std::string& at : http_->bound()) {
    if (endpoint.empty() && !at.starts_with("unix:")) {
      endpoint = fmt::format("http://localhost:{}", at.substr(at.rfind(':') + 1));
    }
  }
  if (!endpoint.empty())
    line(fmt::format("in your app's environment: OTEL_EXPORTER_OTLP_ENDPOINT={}", endpoint));
  if (carriers_.size() == 1 && carriers_.front()->hive != nullptr) {
    line(
        "no key is set, so what arrives is shown here: try `forager demo`, or set "
        "HONEYCOMB_API_KEY to deliver to Honeycomb");
  }
}

void App::print_ledger() const {
  std::string text = "ledger:";
  for (const Signal signal : all_signals) {
    const ledger::Door& door = ledger_.door();
    if (door.offered(signal).requests == 0) continue;
    const std::uint64_t accepted = door.accepted(signal).requests;
    text += fmt::format(" {}: {} requests offered, {} accepted ({} {}), {} refused;",
                        facts(signal).name, door.offered(signal).requests, accepted,
                        door.accepted(signal).items, facts(signal).items,
                        door.offered(signal).requests - accepted);
    for (const auto& book : ledger_.books()) {
      if (book->accepted(signal) == 0) continue;
      text += fmt::format(" {}:", book->destination());
      for (const auto state :
           {ledger::State::delivered, ledger::State::rejected, ledger::State::quarantined,
            ledger::State::expired, ledger::State::filtered, ledger::State::lost}) {
        if (const auto count = book->count(signal, state);
            count != 0 || state == ledger::State::delivered) {
          text += fmt::format(" {} {}", count, ledger::name(state));
        }
      }
      if (book->held(signal) != 0) text += fmt::format(" {} held", book->held(signal));
      text += ';';
    }
  }
  if (text == "ledger:") text += " nothing was offered;";
  text.back() = '.';
  say(settings_.config.log_format, text);
}

}  // namespace forager::app
