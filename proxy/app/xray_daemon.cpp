// The X-Ray daemon's port: built where it is asked for, with a way to ask X-Ray for sampling rules.
#include <algorithm>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "app/app.h"

namespace forager::app {
namespace {

/// An SDK asks every five minutes and has its own rules meanwhile: it need not wait long.
constexpr std::chrono::seconds ask_timeout{10};

/// What AWS says to who doesn't sign, which is what the daemon without credentials does.
net::Response unsigned_answer(const std::string& why) {
  net::Response made;
  made.status = 403;
  made.headers = {{"Content-Type", "application/json"},
                  {"x-amzn-ErrorType", "MissingAuthenticationTokenException"}};
  made.body = R"({"message":"Forager has no AWS credentials now; see its log"})";
  spdlog::debug("sampling rules were asked for, and there are no AWS credentials: {}", why);
  return made;
}

}  // namespace

Carrier* App::carrier_named(std::string_view name) {
  const auto found = std::ranges::find_if(
      carriers_, [&](const auto& one) { return one->destination->name() == name; });
  return found == carriers_.end() ? nullptr : found->get();
}

/// Signed like all that goes to X-Ray, by its destination and through its connection.
asio::awaitable<receive::XrayAnswer> App::ask_xray(net::Request request) {
  Carrier& xray = *carrier_named("xray");
  const auto with = xray.credentials(journal::own_group);
  if (!with) {
    co_return unsigned_answer(xray.no_credentials ? xray.no_credentials() : std::string());
  }
  request.target.insert(0, xray.prefix);
  xray.destination->sign(request, Signal::segments, *with, xray.exporter->signing_time());
  const Duration timeout = std::min<Duration>(settings_.config.send_timeout, ask_timeout);
  net::Answer answer = co_await xray.transport->send(std::move(request), timeout);
  if (!answer) co_return answer.error();
  co_return *std::move(answer);
}

Result<void> App::start_xray_daemon() {
  const config::Config& from = settings_.config;
  if (from.xray_daemon.off) return {};
  ledger_.expect_segments();
  const bool to_xray = carrier_named("xray") != nullptr;
  const auto& traces = settings_.routes.of(Signal::traces);
  const bool others =
      std::ranges::any_of(traces, [](const std::string& name) { return name != "xray"; });
  receive::XrayDaemonSettings with;
  with.listen = from.xray_daemon;
  with.segments_as_spans = from.xray_segments_as_spans && others;
  if (from.xray_segments_as_spans && !others)
    spdlog::warn(
        "FORAGER_XRAY_SEGMENTS_AS_SPANS is on, but traces go to no destination beside X-Ray; set "
        "FORAGER_DESTINATIONS");
  if (!to_xray && !with.segments_as_spans)
    spdlog::warn(
        "segments come in ({}) and go nowhere: they are counted and dropped; add xray to "
        "FORAGER_DESTINATIONS, or set FORAGER_XRAY_SEGMENTS_AS_SPANS=on",
        "FORAGER_XRAY_DAEMON_LISTEN");
  receive::XrayForward forward;
  if (to_xray) forward = [this](net::Request request) { return ask_xray(std::move(request)); };
  auto started =
      receive::XrayDaemon::start(std::move(with), io_.get_executor(), *door_, std::move(forward));
  if (!started) return started.error();
  xray_daemon_ = std::move(*started);
  return {};
}

std::vector<std::string> App::xray_daemon_lines() const {
  std::vector<std::string> lines;
  if (!xray_daemon_) return lines;
  for (const std::string& at : xray_daemon_->bound())
    lines.push_back(fmt::format("listening xray-daemon {} (UDP with a buffer of {} KiB, and TCP)",
                                at, xray_daemon_->buffer_bytes() / 1024));
  return lines;
}

void App::show_xray_daemon(admin::Status& made) const {
  if (!xray_daemon_) return;
  const receive::XrayDaemon& daemon = *xray_daemon_;
  for (const std::string& at : daemon.bound()) made.listeners.push_back({"xray-daemon", at});
  made.receivers.push_back({"xray-daemon", static_cast<std::uint32_t>(daemon.open_connections()),
                            static_cast<std::uint32_t>(daemon.open_requests())});
  const receive::XrayCounters& counters = daemon.counters();
  const auto show = [&](std::string_view what, std::uint64_t count) {
    made.received.push_back({"xray-daemon", std::string(what), count});
  };
  show("segment", counters.segments);
  show("otlp", counters.otlp);
  show("malformed", counters.malformed);
  show("unsampled", counters.unsampled);
  show("refused", counters.refused);
  show("kernel_drop", daemon.kernel_drops());
  for (const auto& [status, count] : counters.answers)
    made.received.push_back({"xray-sampling", std::to_string(status), count});
}

}  // namespace forager::app
