// forager_sim_mutants: for each bug planted on purpose, the first seed whose schedule finds it.
// Each mutant runs in a process of its own, since a bug may also end in a failed assertion.
#include <array>
#include <csignal>
#include <cstdlib>
#include <string_view>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/mutant.h"
#include "sim/world.h"

namespace forager::sim {
namespace {

using mutant::Mutant;

struct Planted {
  Mutant mutant;
  std::string_view what;
};
constexpr std::array<Planted, 36> planted{{
    {Mutant::cursor_passes_unsettled, "a cursor passes a record with items that aren't settled"},
    {Mutant::double_settle, "an item of a delivered batch is settled twice"},
    {Mutant::lost_half, "one half of a batch taken apart is forgotten"},
    {Mutant::budget_leak, "a byte of each record is never given back"},
    {Mutant::no_jitter, "retries without jitter"},
    {Mutant::partial_success_ignored, "partial success counts as delivered"},
    {Mutant::expiry_uncounted, "what expires over its share is not booked"},
    {Mutant::retry_after_ignored, "Retry-After doesn't bar other requests"},
    {Mutant::groups_mixed, "records of different keys in one batch"},
    {Mutant::probes_without_pause, "probes at once after it parked"},
    {Mutant::expired_in_flight, "records expire while they are in flight"},
    {Mutant::limit_ignored, "batches over the limit of bytes"},
    {Mutant::quarantined_together, "two items are quarantined though one was to blame"},
    {Mutant::forgotten_retry, "a request is forgotten after its third failure"},
    {Mutant::ack_before_sync, "200 is answered before the disk was synced"},
    {Mutant::sync_asked_again, "a sync that failed is asked again, and believed"},
    {Mutant::settled_too_far, "the next record is written as settled too"},
    {Mutant::voids_forgotten, "after a crash refused records are taken for kept ones"},
    {Mutant::body_unchecked, "a body read back is taken without its checksum"},
    {Mutant::bodies_kept, "a request is refused though bodies on disk could be let go"},
    {Mutant::oldest_spared, "a full journal evicts the second oldest segment"},
    {Mutant::share_ignored, "records are evicted though all destinations lag"},
    {Mutant::laggards_spared, "the app is refused though only one destination lags"},
    {Mutant::full_means_refused, "FORAGER_ON_FULL=expire refuses the app"},
    {Mutant::expires_early, "records expire at half their age"},
    {Mutant::range_lost, "an eviction is told with the wrong time range"},
    {Mutant::passed_by_one, "FORAGER_ACK=delivered answers when one destination has it"},
    {Mutant::missing_unbooked, "what a damaged segment held is not booked as lost"},
    {Mutant::removed_takes_all, "a destination gets what came while it was not configured"},
    {Mutant::quarantine_settled_early,
     "a record is settled before its quarantined items are written"},
    {Mutant::replay_removes_early, "quarantine forgets an item before its replay is durable"},
    {Mutant::replay_stays, "an item is sent again and stays in quarantine"},
    {Mutant::copies_skipped, "a segment goes before its quarantined items are copied"},
    {Mutant::numbers_reused, "a restart gives numbers of the quarantine a second time"},
    {Mutant::copies_alone, "copies begin a segment that the next record's overwrites"},
    {Mutant::replays_believed, "a segment goes before a replay from it is confirmed"},
}};
constexpr std::uint64_t seeds_max = 2000;

struct Killed {
  std::uint64_t seed = 0;  ///< 0: it survived
  std::string why;
};

/// In the child: writes each seed before it runs it, then the words.
[[noreturn]] void hunt(Mutant mutant, int to) {
  mutant::active = mutant;
  const auto tell = [to](std::string_view text) {
    if (write(to, text.data(), text.size()) < 0) _exit(3);
  };
  for (std::uint64_t seed = 1; seed <= seeds_max; ++seed) {
    tell(fmt::format("{}\n", seed));
    const Outcome outcome = run_schedule(seed, false);
    if (outcome.broken.empty()) continue;
    tell("!" + outcome.broken.substr(0, outcome.broken.find('\n')));
    _exit(1);
  }
  _exit(0);
}

Killed killed_by(Mutant mutant) {
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) std::abort();
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    if (std::freopen("/dev/null", "w", stderr) == nullptr) _exit(3);  // an assertion's words
    hunt(mutant, ends[1]);
  }
  close(ends[1]);
  std::string said;
  std::array<char, 4096> piece{};
  for (ssize_t n = 0; (n = read(ends[0], piece.data(), piece.size())) > 0;) {
    said.append(piece.data(), static_cast<std::size_t>(n));
  }
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  const std::size_t mark = said.find('!');
  std::string why = mark == std::string::npos ? "it crashed" : said.substr(mark + 1);
  const std::string seeds = said.substr(0, mark);
  const std::size_t line = seeds.rfind('\n', seeds.size() - 2);
  const std::string last = seeds.substr(line == std::string::npos ? 0 : line + 1);
  return {std::strtoull(last.c_str(), nullptr, 10), std::move(why)};
}

int hunt_all() {
  int survivors = 0;
  for (const Planted& p : planted) {
    const Killed killed = killed_by(p.mutant);
    if (killed.seed == 0) ++survivors;
    fmt::print("{:<62} {}\n", p.what,
               killed.seed == 0 ? fmt::format("SURVIVES {} seeds", seeds_max)
                                : fmt::format("seed {}: {}", killed.seed, killed.why));
  }
  const Killed nothing = killed_by(Mutant::none);
  fmt::print("{:<62} {}\n", "nothing planted",
             nothing.seed == 0 ? "survives, as it should"
                               : fmt::format("seed {}: {}", nothing.seed, nothing.why));
  return survivors == 0 && nothing.seed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace forager::sim

int main() { return forager::sim::hunt_all(); }
