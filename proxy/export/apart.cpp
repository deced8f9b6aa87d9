// Taking a refused batch apart until the culprit is alone, and telling a bad item from a
// destination that refuses everything (DESIGN, "Verdicts", "Taking apart").
#include <algorithm>
#include <cassert>
#include <utility>

#include <fmt/format.h>

#include "base/mutant.h"
#include "export/delivery.h"

namespace forager::exporter {

using ledger::Reason;

namespace {

/// Single items refused in a row, nothing delivered between them, after which the fault is taken
/// for the destination's.
constexpr std::uint32_t systemic_refusals = 3;
/// A 413 never takes the learned limit below this: smaller requests would cost more than they could
/// save.
constexpr std::size_t learned_limit_min = 64U << 10U;
/// How long a learned limit stays before a quarter more is tried.
constexpr Duration learned_limit_rest = std::chrono::minutes(10);
/// A part begins one 500 short of being suspected itself, unless it is a single item.
constexpr std::uint32_t server_errors_of_part = 4;

}  // namespace

void Delivery::take_apart(Owned attempt, Time now) {
  if (!attempt->deliveries_at_refusal) attempt->deliveries_at_refusal = deliveries_;
  attempt->forget_encoded();
  if (attempt->items == 1 || (FORAGER_MUTANT(quarantined_together) && attempt->items == 2)) {
    refused_alone(std::move(attempt), now);
    return;
  }
  ++counts_.taken_apart;
  split(*attempt);
}

/// Ranges of records first, then of one record's items.
void Delivery::split(const Attempt& attempt) {
  auto left = part_of(attempt);
  auto right = part_of(attempt);
  const auto& pieces = attempt.pieces;
  if (pieces.size() > 1) {
    const auto middle = pieces.begin() + static_cast<std::ptrdiff_t>(pieces.size() / 2);
    left->pieces.assign(pieces.begin(), middle);
    right->pieces.assign(middle, pieces.end());
  } else {
    const batch::Piece& piece = pieces.front();
    const std::uint32_t middle = piece.first + piece.items() / 2;
    left->pieces.push_back({piece.position, piece.first, middle, false});
    right->pieces.push_back({piece.position, middle, piece.last, false});
  }
  weigh(*left);
  weigh(*right);
  if (parked_) {  // as probes: each should try something else than the last one
    waiting_.push_last_part(std::move(left));
    waiting_.push_last_part(std::move(right));
  } else {
    if (!FORAGER_MUTANT(lost_half)) waiting_.push_part(std::move(right));
    waiting_.push_part(std::move(left));
  }
}

Delivery::Owned Delivery::part_of(const Attempt& attempt) {
  auto part = std::make_unique<Attempt>();
  part->id = ++last_id_;
  part->signal = attempt.signal;
  part->group = attempt.group;
  part->codec = attempt.codec;
  part->lane = attempt.lane;
  part->screened = attempt.screened;
  part->part = true;
  part->deliveries_at_refusal = attempt.deliveries_at_refusal;
  part->deliveries_at_error = deliveries_;
  part->server_errors = attempt.server_errors == 0 ? 0 : server_errors_of_part;
  part->why = attempt.why;
  return part;
}

void Delivery::weigh(Attempt& attempt) {
  attempt.items = 0;
  attempt.bytes = 0;
  for (const batch::Piece& piece : attempt.pieces) {
    attempt.items += piece.items();
    attempt.bytes += cutter_.part_size(*journal_.find(piece.position), piece.first, piece.last);
  }
  if (attempt.items == 1) attempt.server_errors = 0;
}

/// A single item was refused. If anything has been delivered since its batch was, it is the item;
/// if not, it may be the destination: it is a suspect until something is delivered, the search
/// ends, or three in a row were refused.
void Delivery::refused_alone(Owned attempt, Time now) {
  if (attempt->step + 1 < attempt->steps) {
    attempt->step_refused = true;
    next_step(std::move(attempt), now);
    return;
  }
  if (deliveries_ > *attempt->deliveries_at_refusal) {
    quarantine(*attempt, now);
    return;
  }
  if (parked_) {
    waiting_.push_last_part(std::move(attempt));
    return;
  }
  const std::string why = attempt->why;
  attempt->alone = piece_body(attempt->pieces.front());
  suspects_.push_back(std::move(attempt));
  if (++refused_in_a_row_ < systemic_refusals) return;
  for (Owned& suspect : suspects_) suspect->alone = Slice();
  for (Owned& suspect : suspects_) waiting_.push_last_part(std::move(suspect));
  suspects_.clear();
  park(fmt::format("{} single items in a row were refused and nothing was delivered between them, "
                   "so the fault is taken for the destination's or its configuration's (address, "
                   "dataset, features to be switched on there); everything is held. It says: {}",
                   systemic_refusals, why),
       true, now);
}

/// With the search over and too few refusals for a systemic fault, its suspects are the culprits.
void Delivery::end_search(Time now) {
  if (suspects_.empty() || parts_in_flight_ != 0 || waiting_.holds_parts()) return;
  const auto is_part = [](const Owned& one) { return one->part; };
  if (std::ranges::any_of(unscreened_, is_part)) return;
  for (const Owned& suspect : std::exchange(suspects_, {})) quarantine(*suspect, now);
}

void Delivery::quarantine(const Attempt& attempt, Time now) {
  for (const batch::Piece& piece : attempt.pieces) {
    const Slice bytes = attempt.alone.empty() ? piece_body(piece) : attempt.alone;
    quarantine_piece(attempt.signal, piece, bytes, attempt.why, Reason::refused_alone, now);
  }
}

void Delivery::quarantine_unsent(const batch::Batch& batch, Time now) {
  const batch::Limits limits = planner_.limits(batch.signal);
  const std::string why =
      fmt::format("not sent: with its envelope the item has {} bytes, over the limit of {} bytes",
                  batch.bytes, std::min(limits.item_bytes, limits.request_bytes_max));
  for (const batch::Piece& piece : batch.pieces) {
    quarantine_piece(batch.signal, piece, piece_body(piece), why, Reason::over_item_limit, now);
  }
}

void Delivery::quarantine_piece(Signal signal, const batch::Piece& piece, const Slice& bytes,
                                const std::string& why, Reason reason, Time now) {
  const journal::Record& record = *journal_.find(piece.position);
  quarantine_.put({std::string(name()), signal, piece.position, piece.first, piece.last, why,
                   record.arrived, now, bytes});
  journal_.settle(cursor_, piece.position, piece.items(), reason, now);
}

void Delivery::learn_smaller(const Attempt& attempt, Time now) {
  batch::Limits limits = planner_.limits(attempt.signal);
  const std::size_t half = std::max(attempt.bytes / 2, learned_limit_min);
  limit_changed_[static_cast<std::size_t>(attempt.signal)] = now;
  if (half >= limits.request_bytes) return;  // another request has taught us as much
  limits.request_bytes = half;
  planner_.set_limits(attempt.signal, limits);
}

void Delivery::learn_larger(const Attempt& attempt, Time now) {
  batch::Limits limits = planner_.limits(attempt.signal);
  const std::size_t own = own_limits(attempt.signal).request_bytes;
  Time& changed = limit_changed_[static_cast<std::size_t>(attempt.signal)];
  if (limits.request_bytes >= own || now - changed < learned_limit_rest) return;
  if (attempt.bytes < limits.request_bytes / 4 * 3) return;  // says nothing about larger ones
  changed = now;
  limits.request_bytes = std::min(own, limits.request_bytes + limits.request_bytes / 4);
  planner_.set_limits(attempt.signal, limits);
}

}  // namespace forager::exporter
