#include "doctor/checkup.h"

#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <fmt/format.h>

#include "app/vendors.h"
#include "aws/caller_identity.h"
#include "base/async.h"
#include "base/budget.h"
#include "doctor/disk_check.h"
#include "doctor/finding.h"
#include "doctor/machine.h"
#include "doctor/ports.h"
#include "doctor/trial.h"
#include "doctor/way.h"
#include "net/tls.h"

namespace forager::doctor {
namespace {

using app::Carrier;
using std::chrono::steady_clock;
using std::chrono::system_clock;

constexpr std::chrono::seconds patience{10};
constexpr std::size_t memory = std::size_t{64} << 20U;

class Checkup {
 public:
  Checkup(const config::Loaded& loaded, const config::Sources& sources, bool create)
      : loaded_(loaded),
        sources_(sources),
        create_(create),
        budget_(memory),
        tls_(io_.get_executor(), pool_, net::TlsFiles{.ca = loaded.config.ca_file}),
        vendors_(loaded, sources, io_.get_executor(), pool_, budget_, tls_,
                 [this](journal::GroupId) { return own_key(); }),
        ask_(io_.get_executor(), tls_,
             {.https_proxy = loaded.config.https_proxy,
              .no_proxy = loaded.config.no_proxy,
              .budget = &budget_}) {}
  Checkup(const Checkup&) = delete;
  Checkup& operator=(const Checkup&) = delete;
  ~Checkup() { pool_.join(); }

  std::vector<Finding> run() {
    for (const std::string& warning : loaded_.warnings)
      add(Level::warning, "settings", warning, {}, Area::settings);
    add(look_at_machine(loaded_, sources_));
    add(look_at_journal(loaded_.config));
    add(look_at_ports(loaded_.config));
    spawn(io_.get_executor(), look(), "doctor");
    io_.run();
    return std::move(findings_);
  }

 private:
  std::optional<destination::Credentials> own_key() const {
    if (loaded_.config.honeycomb_key.empty()) return std::nullopt;
    destination::Credentials made;
    made.key = loaded_.config.honeycomb_key;
    made.dataset = loaded_.config.honeycomb_dataset;
    return made;
  }
  void add(Finding one) { findings_.push_back(std::move(one)); }
  void add(std::vector<Finding> all) {
    for (Finding& one : all) add(std::move(one));
  }
  void add(Level level, std::string of, std::string what, std::string fix = {},
           Area area = Area::credentials) {
    add({level, std::move(of), std::move(what), std::move(fix), area});
  }

  asio::awaitable<void> look() {
    for (const std::string& name : loaded_.routes.all()) {
      if (name == "hive") {
        add(Level::ok, name, "is in this process");
        continue;
      }
      Carrier carrier;
      if (auto made = vendors_.make(name, carrier); !made) {
        add(Level::failure, name, made.error().what, {}, Area::settings);
        continue;
      }
      const bool reached = co_await way(name, carrier);
      if (vendors_.aws() != nullptr && !aws_begun_) {
        aws_begun_ = true;
        co_await aws_identity();
      }
      if (reached) {
        co_await destination(name, carrier);
      }
      carrier.transport->stop();
    }
    if (vendors_.aws() != nullptr) vendors_.aws()->stop();
    ask_.stop();
  }

  /// False: a step on the way failed, so nothing else can be asked there.
  asio::awaitable<bool> way(const std::string& name, Carrier& carrier) {
    auto to = way_to(name, carrier.url, loaded_.config.https_proxy, loaded_.config.no_proxy);
    if (!to) {
      add(Level::failure, name, to.error().what, {}, Area::settings);
      co_return false;
    }
    net::Tls& tls = carrier.tls ? *carrier.tls : tls_;
    auto walked = co_await walk(io_.get_executor(), std::move(*to), tls, patience);
    add(std::move(walked.findings));
    co_return walked.arrived;
  }

  asio::awaitable<void> aws_identity() {
    aws::Provider& provider = *vendors_.aws();
    spawn(io_.get_executor(), provider.run(), "AWS credentials");
    const Time deadline = steady_clock::now() + patience;
    auto first = co_await provider.first(deadline);
    if (!first) {
      add(Level::failure, "AWS", first.error().what);
      co_return;
    }
    const aws::ProviderState state = provider.state();
    add(Level::ok, "AWS", fmt::format("credentials {} from {}", state.key_id, state.source));
    const auto environment = aws::environment_from(sources_.env);
    const std::string& region = loaded_.config.aws_region;
    const auto answer =
        co_await aws::get_caller_identity(ask_, *first, aws::sts_url(environment, region), region);
    if (answer.who) {
      add(Level::ok, "AWS", fmt::format("account {}, {}", answer.who->account, answer.who->arn));
    } else {
      add(Level::warning, "AWS",
          fmt::format("who we are isn't known: {}", answer.who.error().what));
    }
  }

  asio::awaitable<void> destination(const std::string& name, Carrier& carrier) {
    const auto with = carrier.credentials(journal::own_group);
    if (!with) {
      const bool apps_bring_keys = name == "honeycomb";
      add(apps_bring_keys ? Level::warning : Level::failure, name,
          apps_bring_keys          ? "the apps bring the keys, so none can be tried here"
          : carrier.no_credentials ? carrier.no_credentials()
                                   : "there are no credentials");
      co_return;
    }
    if (name == "honeycomb") {
      const bool known = co_await honeycomb(carrier, *with);
      if (!known) co_return;
    }
    if (name == "rollbar") {
      co_await rollbar(carrier, *with);
      co_return;
    }
    for (const Signal signal : otlp_signals) {
      if (!carrier.destination->takes(signal)) continue;
      const bool reached = co_await trial(name, carrier, signal, *with);
      if (!reached) co_return;
    }
  }

  /// Sends and says when nothing answers. The first answer tells of the clock.
  asio::awaitable<std::optional<net::Response>> ask(std::string name, Carrier& carrier,
                                                    net::Request request) {
    net::Answer answer = co_await carrier.transport->send(std::move(request), patience);
    if (!answer) {
      add(unreachable(name, answer.error()));
      co_return std::nullopt;
    }
    if (auto off = clock_of(name, *answer, system_clock::now())) add(std::move(*off));
    co_return std::move(*answer);
  }

  asio::awaitable<bool> trial(const std::string& name, Carrier& carrier, Signal signal,
                              const destination::Credentials& with) {
    const auto now = system_clock::now();
    std::string lane;
    if (auto screen = carrier.destination->make_screen(); screen && signal == Signal::logs) {
      const std::string service =
          loaded_.config.service_name.empty() ? "forager-doctor" : loaded_.config.service_name;
      const auto stretches = screen->look(signal, sample_logs(service, now), now);
      if (!stretches.empty()) lane = stretches.front().lane;
    }
    net::Request request = carrier.destination->encode(empty_request(signal, lane));
    carrier.destination->sign(request, signal, with, now);
    auto answer = co_await ask(name, carrier, std::move(request));
    if (!answer) co_return false;
    auto verdict = carrier.destination->judge_in_lane(*answer, signal, destination::Codec::none,
                                                      lane, system_clock::now());
    auto* const missing = std::get_if<destination::Prepare>(&verdict);
    if (create_ && missing != nullptr) {
      co_return co_await create(name, carrier, signal, with, std::move(*missing));
    }
    add(judge_trial(name, signal, verdict));
    co_return true;
  }

  asio::awaitable<bool> create(const std::string& name, Carrier& carrier, Signal signal,
                               const destination::Credentials& with, destination::Prepare missing) {
    for (net::Request& request : missing.requests) {
      carrier.destination->sign(request, signal, with, system_clock::now());
      auto answer = co_await ask(name, carrier, std::move(request));
      if (!answer) co_return false;
      const auto verdict = carrier.destination->prepared(*answer, system_clock::now());
      if (std::holds_alternative<destination::Delivered>(verdict)) continue;
      add(judge_trial(name, signal, verdict));
      co_return true;
    }
    add(Level::ok, name, fmt::format("{}: done, so it may create them", missing.why));
    co_return true;
  }

  /// False: it makes no sense to go on with that key.
  asio::awaitable<bool> honeycomb(Carrier& carrier, const destination::Credentials& with) {
    net::Request request;
    request.method = "GET";
    request.target = carrier.prefix + "/1/auth";
    request.secret_headers.emplace_back("X-Honeycomb-Team", with.key);
    auto answer = co_await ask("honeycomb", carrier, std::move(request));
    if (!answer) co_return false;
    Finding found = honeycomb_key(*answer);
    const bool known = found.level != Level::failure;
    add(std::move(found));
    co_return known;
  }

  asio::awaitable<void> rollbar(Carrier& carrier, const destination::Credentials& with) {
    net::Request request;
    request.target = carrier.prefix + "/api/1/item/";
    request.headers.push_back({"Content-Type", "application/json"});
    request.secret_headers.emplace_back("X-Rollbar-Access-Token", with.key);
    request.body = Chain(Slice(std::string("{}")));
    auto answer = co_await ask("rollbar", carrier, std::move(request));
    if (answer) add(rollbar_token(*answer));
  }

  const config::Loaded& loaded_;
  const config::Sources& sources_;
  bool create_;
  asio::io_context io_{1};
  asio::thread_pool pool_{1};
  Budget budget_;
  net::Tls tls_;
  app::Vendors vendors_;
  aws::Fetcher ask_;
  bool aws_begun_ = false;
  std::vector<Finding> findings_;
};

}  // namespace

config::Printed run_doctor(const config::Loaded& loaded, const config::Sources& sources, bool json,
                           bool create) {
  Checkup checkup(loaded, sources, create);
  return show(checkup.run(), json);
}

}  // namespace forager::doctor
