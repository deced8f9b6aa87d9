// One request of a destination, from the first time it is sent until its verdict is final; the
// delivery decides, the shell sends it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/budget.h"
#include "base/time.h"
#include "batch/planner.h"
#include "destination/destination.h"
#include "journal/record.h"

namespace forager::exporter {

using AttemptId = std::uint64_t;

/// Owned by the delivery. The pointer that next() gives is good until answered() or failed() with
/// its id.
struct Attempt {
  AttemptId id = 0;  ///< the same for every repetition of the same pieces
  Signal signal = Signal::traces;
  journal::GroupId group = journal::own_group;
  std::vector<batch::Piece> pieces;
  std::uint32_t items = 0;
  std::size_t bytes = 0;  ///< of the raw body, at most
  destination::Codec codec = destination::Codec::none;
  /// Filled by the shell before the first sending, and then kept so that a retry sends identical
  /// bytes. Empty again when the codec changed, when expired pieces were taken out, or when too
  /// many wait to keep all their copies.
  std::optional<destination::Encoded> encoded;
  /// Memory of `encoded`: the shell's (Budget::take_anyway); let go together with it.
  Budget::Charge encoded_charge;
  std::uint32_t number = 0;  ///< how often it was sent, this time included
  bool probe = false;        ///< sent to see whether a parked or failing destination is back

  // What a screen said of it (destination/screen.h).
  std::string lane;
  std::uint32_t step = 0;     ///< of `steps`: which request of its single item this is
  std::uint32_t steps = 1;    ///< requests, one after the other, before its items settle
  bool step_refused = false;  ///< one of them was refused; the others were sent all the same
  bool squeezed = false;      ///< this step was refused as too large: Encoded::squeezed
  Time screened{};            ///< when it was looked at

  // What the delivery remembers about it.
  std::uint32_t failures = 0;       ///< in a row, for the backoff
  std::uint32_t server_errors = 0;  ///< 500s in a row
  std::uint64_t deliveries_at_error =
      0;  ///< deliveries of this destination before the first of these 500s
  std::optional<std::uint64_t>
      deliveries_at_refusal;      ///< ... before it or what it was cut from was first refused
  bool part = false;              ///< cut from a refused one
  std::uint32_t credentials = 0;  ///< which ones it was last sent with
  bool recoded = false;           ///< refused in another codec, and sent again with the same pieces
  Time not_before{};              ///< while waiting
  Time sent{};                    ///< in flight: since when
  Slice alone;                    ///< a suspect's bytes, until it is cleared
  std::string why;                ///< the last words about it

  void forget_encoded() {
    encoded.reset();
    encoded_charge.release();
  }
};

}  // namespace forager::exporter
