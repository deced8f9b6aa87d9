// Keeps AWS credentials fresh for everybody who signs: chooses the source, fetches ahead of the
// end, keeps the old ones while new ones can't be had, and says in words what is wrong. Built and
// run by app; doctor asks it once.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "aws/chain.h"
#include "aws/environment.h"
#include "aws/fetcher.h"
#include "aws/region.h"
#include "aws/schedule.h"
#include "aws/sources.h"
#include "base/async.h"
#include "destination/destination.h"

namespace forager::aws {

struct ProviderSettings {
  Environment environment;
  ReadFile read_file = read_small_file;
  FetchSettings net{};
  ScheduleConfig schedule{};
  Patience patience{};
  std::string ecs_host{ecs_endpoint};  ///< for AWS_CONTAINER_CREDENTIALS_RELATIVE_URI
  /// For STS; empty: the environment's or the profile's.
  std::string region{};
  /// Keys in files have no end: they are looked at again so often.
  Duration file_interval = std::chrono::seconds(10);
};

/// For /status and metrics. Nothing here is a secret.
struct ProviderState {
  std::string source;  ///< "container endpoint http://169.254.170.2"; empty: not chosen yet
  std::string key_id;  ///< "ASIA...WXYZ"; empty: none yet
  std::optional<Duration> expires_in;  ///< below zero: over, and used all the same
  std::string trouble;  ///< why the last fetch failed, with the fix; empty: it didn't
  std::uint64_t fetches = 0;
  std::uint64_t failures = 0;  ///< of all fetches
  std::uint64_t changes = 0;   ///< how often other keys came
};

/// io thread. `tls` outlives it; it outlives its run().
class Provider {
 public:
  /// In [0, 1).
  using Random = std::function<double()>;

  Provider(asio::any_io_executor executor, net::Tls& tls, ProviderSettings settings, Random random);
  Provider(const Provider&) = delete;
  Provider& operator=(const Provider&) = delete;

  /// Fetches until stop(). To be called once.
  asio::awaitable<void> run();
  /// Ends a fetch under way. Idempotent.
  void stop();

  /// What to sign with now; nullopt: there never were any. Ones that are over are still given: the
  /// destination has the last word.
  const std::optional<destination::AwsKeys>& current() const { return keys_; }
  /// Called after other keys came. One listener.
  void on_changed(std::function<void()> listener) { on_changed_ = std::move(listener); }
  /// A destination says that the keys are stale: at most every 30 s new ones are asked for.
  void refresh_now();
  /// SIGHUP: the environment stays, files are read again at once.
  void reread();

  /// Returns when a fetch has ended since the start, or at `deadline`: keys, or why there are none.
  asio::awaitable<Result<destination::AwsKeys>> first(Time deadline);
  ProviderState state() const;
  /// For ExporterSettings::no_credentials: one clause.
  std::string why_none() const;

 private:
  asio::awaitable<void> fetch();
  asio::awaitable<Brought> ask(const Source& source, std::string region);
  void take(Brought brought, const Source& source);
  void fail(std::string why);
  std::string made_up_session_name();

  ProviderSettings settings_;
  Random random_;
  Fetcher fetcher_;
  Schedule schedule_;
  Event wake_;   ///< look at the schedule again
  Event ended_;  ///< a fetch has ended
  std::function<void()> on_changed_;
  std::optional<destination::AwsKeys> keys_;
  ProviderState state_;
  struct Said {
    Time at;
    std::string trouble;
    bool usable = false;
  };
  std::optional<Said> said_;  ///< the last line about trouble, until it is over
  bool stopping_ = false;
};

}  // namespace forager::aws
