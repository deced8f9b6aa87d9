// Bugs planted on purpose, to show that the simulator finds them: FORAGER_MUTANT(name) is `false`
// in every build but that of tests/sim's second copy of the core, which switches one on at a time.
#pragma once

#include <cstdint>

namespace forager::mutant {

enum class Mutant : std::uint8_t {
  none,
  cursor_passes_unsettled,
  double_settle,
  lost_half,
  budget_leak,
  no_jitter,
  partial_success_ignored,
  expiry_uncounted,
  retry_after_ignored,
  groups_mixed,
  probes_without_pause,
  expired_in_flight,
  limit_ignored,
  quarantined_together,
  forgotten_retry,
  ack_before_sync,
  sync_asked_again,
  settled_too_far,
  voids_forgotten,
  body_unchecked,
  bodies_kept,
  oldest_spared,
  share_ignored,
  laggards_spared,
  full_means_refused,
  expires_early,
  range_lost,
  passed_by_one,
  missing_unbooked,
  removed_takes_all,
  quarantine_settled_early,
  replay_removes_early,
  replay_stays,
  copies_skipped,
  numbers_reused,
  replays_believed,
  copies_alone,
};

#ifdef FORAGER_SIM_MUTANTS
inline Mutant active = Mutant::none;
#define FORAGER_MUTANT(name) (::forager::mutant::active == ::forager::mutant::Mutant::name)
#else
#define FORAGER_MUTANT(name) false
#endif

}  // namespace forager::mutant
