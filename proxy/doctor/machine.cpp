#include "doctor/machine.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <string>
#include <string_view>
#include <sys/resource.h>

#include <fmt/format.h>

#include "config/cgroup.h"

namespace forager::doctor {
namespace {

using std::chrono::seconds;

/// Listeners, journal, log, name look-ups, and gRPC's own.
constexpr std::uint64_t files_beside = 64;
/// From the end of the drain to the end of the process, and the orchestrator's own delay.
constexpr seconds stop_reserve{2};
constexpr seconds ecs_most{120};

struct KeeperFacts {
  std::string_view setting;  ///< what has to be as long
  seconds usual;             ///< its default
};
constexpr std::array<KeeperFacts, 4> keepers{{
    {"", seconds(0)},
    {"stopTimeout of this container in the ECS task definition", seconds(30)},
    {"terminationGracePeriodSeconds of the pod", seconds(30)},
    {"TimeoutStopSec of the systemd unit", seconds(90)},
}};

Finding finding(Level level, std::string of, std::string what, std::string fix = {}) {
  return {level, std::move(of), std::move(what), std::move(fix), Area::machine};
}

bool is_set(const config::Sources& sources, std::string_view name) {
  const auto value = sources.env(name);
  return value && !value->empty();
}

}  // namespace

Finding judge_memory(std::optional<std::size_t> limit, std::size_t budget) {
  if (!limit) {
    return finding(Level::ok, "memory",
                   fmt::format("no limit of a container; Forager uses {} and what its code needs",
                               size_text(budget)));
  }
  const std::size_t need = budget + beside_budget;
  if (*limit >= need) {
    return finding(Level::ok, "memory",
                   fmt::format("the container may use {}, Forager needs {} at most",
                               size_text(*limit), size_text(need)));
  }
  const std::size_t fitting = *limit > 2 * beside_budget ? *limit - beside_budget : *limit / 2;
  return finding(
      Level::failure, "memory",
      fmt::format("the container may use {}, but Forager needs {} (its budget of {} and {} beside "
                  "it): under load the kernel would end it",
                  size_text(*limit), size_text(need), size_text(budget), size_text(beside_budget)),
      fmt::format("give the container {}, or set FORAGER_MEMORY_LIMIT to {}", size_text(need),
                  size_text(fitting)));
}

Keeper keeper_of(const config::Sources& sources) {
  if (is_set(sources, "ECS_CONTAINER_METADATA_URI_V4")) return Keeper::ecs;
  if (is_set(sources, "KUBERNETES_SERVICE_HOST")) return Keeper::kubernetes;
  // a shell that systemd started has INVOCATION_ID too; only a service has its own socket
  if (is_set(sources, "NOTIFY_SOCKET")) return Keeper::systemd;
  return Keeper::unknown;
}

Finding judge_stop(Keeper keeper, std::chrono::milliseconds grace) {
  const seconds need = std::chrono::ceil<seconds>(grace) + stop_reserve;
  std::string what = fmt::format(
      "Forager ends within {:g} s of SIGTERM (FORAGER_STOP_GRACE), so whoever stops it "
      "must wait {} s",
      static_cast<double>(grace.count()) / 1000, need.count());
  if (keeper == Keeper::unknown) {
    return finding(Level::ok, "stop",
                   what +
                       ": stop_grace_period in compose (10 s by default), docker stop -t, "
                       "stopTimeout in ECS, terminationGracePeriodSeconds in Kubernetes");
  }
  if (keeper == Keeper::ecs && need > ecs_most) {
    return finding(Level::warning, "stop", what + ", and ECS waits for 120 s at most",
                   "set FORAGER_STOP_GRACE to 118s or less");
  }
  const KeeperFacts& facts = keepers[static_cast<std::size_t>(keeper)];
  what += fmt::format(": {} must be at least {} s", facts.setting, need.count());
  what += need <= facts.usual
              ? fmt::format("; its default of {} s is enough", facts.usual.count())
              : fmt::format("; its default of {} s is too short", facts.usual.count());
  return finding(Level::ok, "stop", std::move(what));
}

Finding judge_files(std::uint64_t soft, std::uint64_t hard, std::uint32_t connections,
                    std::size_t in_flight) {
  const std::uint64_t need = connections + in_flight + files_beside;
  if (soft >= need) {
    return finding(Level::ok, "files",
                   fmt::format("{} needed at most: {} connections of apps, {} to destinations, {} "
                               "others; within the limit",
                               need, connections, in_flight, files_beside));
  }
  const std::uint64_t fitting =
      soft > in_flight + files_beside ? soft - in_flight - files_beside : 0;
  const std::string lower =
      fitting > 0 ? fmt::format(", or set FORAGER_CONNECTIONS to {}", fitting) : std::string();
  const std::string_view who = hard >= need ? "" : " (its hard limit is lower: root must)";
  return finding(fitting > 0 ? Level::warning : Level::failure, "files",
                 fmt::format("a process may open {} files, but {} connections of apps "
                             "(FORAGER_CONNECTIONS) and what Forager opens beside them need {}",
                             soft, connections, need),
                 fmt::format("raise the limit to {0}{1}: ulimit -n {0}, LimitNOFILE={0} in "
                             "systemd, ulimits: nofile: {0} in compose{2}",
                             need, who, lower));
}

std::vector<Finding> look_at_machine(const config::Loaded& loaded, const config::Sources& sources) {
  const config::Config& from = loaded.config;
  std::vector<Finding> found;
  found.push_back(judge_memory(config::cgroup_memory_limit(sources.read_file), from.memory_limit));
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
    found.push_back(judge_files(files.rlim_cur, files.rlim_max, from.connections,
                                loaded.routes.all().size() * from.concurrency));
  }
  found.push_back(judge_stop(keeper_of(sources), from.stop_grace));
  return found;
}

}  // namespace forager::doctor
