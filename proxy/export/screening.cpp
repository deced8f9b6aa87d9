// Destinations with rules of their own about items: what is planned is looked at before it is sent,
// and becomes requests that the destination takes (destination/screen.h).
#include <algorithm>
#include <utility>

#include "export/delivery.h"

namespace forager::exporter {

using destination::Stretch;

namespace {

/// Of one portion; larger than a request of those whose requests it must not cut.
constexpr std::size_t portion_bytes = std::size_t{8} << 20U;
/// Looked at in one next(): the io thread has others to serve.
constexpr std::size_t look_bytes = std::size_t{4} << 20U;

/// The rule of Limits::spread for what is in a request and what comes to it.
bool too_far_apart(std::int64_t oldest, std::int64_t newest, const Stretch& stretch,
                   std::chrono::nanoseconds spread) {
  if (oldest == 0 || stretch.oldest == 0) return false;
  return std::max(newest, stretch.newest) - std::min(oldest, stretch.oldest) > spread.count();
}

}  // namespace

bool Delivery::outdated(const Attempt& attempt, Time now) const {
  const Duration good = screen_->good_for();
  return good > Duration::zero() && now - attempt.screened > good;
}

/// What waited so long that the destination may not take it any more is looked at again.
Delivery::Owned Delivery::to_screen(Owned attempt, Time now) {
  if (!screen_ || !outdated(*attempt, now)) return attempt;
  unscreened_.push_back(std::move(attempt));
  return screen_next(now);
}

/// The bodies of what is looked at are in memory together. After an outage a destination that cuts
/// no record plans more than there is room for.
void Delivery::in_portions(Owned attempt) {
  Owned portion;
  for (const batch::Piece& piece : attempt->pieces) {
    const std::size_t bytes = journal_.find(piece.position)->bytes();
    if (portion == nullptr || portion->bytes + bytes > portion_bytes) {
      if (portion) unscreened_.push_back(std::move(portion));
      portion = std::make_unique<Attempt>();
      portion->id = ++last_id_;
      portion->signal = attempt->signal;
      portion->group = attempt->group;
      portion->codec = attempt->codec;
    }
    portion->pieces.push_back(piece);
    portion->items += piece.items();
    portion->bytes += bytes;
  }
  if (portion) unscreened_.push_back(std::move(portion));
}

/// The next request of what is to be looked at; nullptr: nothing is left of it, bodies are missing,
/// or it is enough for this next().
Delivery::Owned Delivery::screen_next(Time now) {
  while (!unscreened_.empty() && looked_at_ < look_bytes) {
    if (!missing(*unscreened_.front()).empty()) return nullptr;
    const Owned attempt = std::move(unscreened_.front());
    unscreened_.pop_front();
    looked_at_ += attempt->bytes;
    std::vector<Owned> sendable;
    screen(*attempt, now, sendable);
    if (sendable.empty()) continue;
    for (std::size_t i = 1; i < sendable.size(); ++i) {
      waiting_.push_last_part(std::move(sendable[i]));
    }
    return std::move(sendable.front());
  }
  return nullptr;
}

/// Nothing may be sent now; what the screen filters can be settled all the same, as long as its
/// bodies are in memory. Returns when there is more to look at.
Time Delivery::look_ahead(Time now) {
  while (looked_at_ < look_bytes) {
    if (unscreened_.empty()) {
      Owned attempt = take_planned(now, hurried(now));
      if (!attempt) return planned(now) > now ? planned(now) : Time::max();
      in_portions(std::move(attempt));
    }
    while (Owned ready = screen_next(now)) waiting_.push_last_part(std::move(ready));
    if (!unscreened_.empty() && looked_at_ < look_bytes) return Time::max();  // bodies: later
  }
  return now + look_pause;
}

void Delivery::screen(const Attempt& attempt, Time now, std::vector<Owned>& sendable) {
  std::vector<Lane> open;
  std::vector<Stretch> found;
  std::optional<journal::Position> looked;
  for (const batch::Piece& piece : attempt.pieces) {
    const journal::Record* const record = journal_.find(piece.position);
    const std::uint32_t items = record->items;  // the record goes with its last item
    if (looked != piece.position) {
      const Slice body = with_time(*record, record->body);
      found = screen_->look(attempt.signal, body.view(), config_.wall_clock());
      looked = piece.position;
    }
    for (const Stretch& stretch : found) {
      batch::Piece part{piece.position, std::max(piece.first, stretch.first),
                        std::min(piece.last, stretch.last), false};
      if (part.first >= part.last) continue;
      part.whole = part.items() == items;
      switch (stretch.fate) {
        case Stretch::Fate::send:
          place(part, stretch, attempt, sendable, open);
          break;
        case Stretch::Fate::filter:
          journal_.settle(cursor_, part.position, part.items(), stretch.reason, now);
          break;
        case Stretch::Fate::quarantine:
          quarantine_piece(attempt.signal, part, piece_body(part), stretch.why, stretch.reason,
                           now);
          break;
      }
    }
  }
  for (const Owned& made : sendable) {
    weigh(*made);
    made->screened = now;
  }
}

/// Into the request of its lane if it still fits there, else into a new one.
void Delivery::place(const batch::Piece& piece, const Stretch& stretch, const Attempt& of,
                     std::vector<Owned>& sendable, std::vector<Lane>& open) {
  const destination::Limits limits = destination_.limits(of.signal);
  const auto begin = [&]() -> Attempt& {
    auto made = part_of(of);
    made->part = of.part;
    made->deliveries_at_refusal = of.deliveries_at_refusal;
    made->lane = stretch.lane;
    made->steps = std::max(stretch.requests, 1U);
    sendable.push_back(std::move(made));
    return *sendable.back();
  };
  if (stretch.requests != 0) {
    for (std::uint32_t item = piece.first; item < piece.last; ++item) {
      const bool whole = piece.whole && piece.items() == 1;
      begin().pieces.push_back({piece.position, item, item + 1, whole});
    }
    return;
  }
  const std::size_t bytes =
      cutter_.part_size(*journal_.find(piece.position), piece.first, piece.last);
  auto lane = std::ranges::find_if(
      open, [&](const Lane& one) { return one.attempt->lane == stretch.lane; });
  if (lane == open.end()) {
    lane = open.insert(open.end(), Lane{&begin()});
  } else if (lane->weight + stretch.weight > limits.request_weight ||
             lane->bytes + bytes > planner_.limits(of.signal).request_bytes ||
             too_far_apart(lane->oldest, lane->newest, stretch, limits.spread)) {
    *lane = Lane{&begin()};
  }
  lane->weight += stretch.weight;
  lane->bytes += bytes;
  if (stretch.oldest != 0) {
    lane->oldest = lane->oldest == 0 ? stretch.oldest : std::min(lane->oldest, stretch.oldest);
    lane->newest = std::max(lane->newest, stretch.newest);
  }
  auto& pieces = lane->attempt->pieces;
  if (!pieces.empty() && pieces.back().position == piece.position &&
      pieces.back().last == piece.first) {
    pieces.back().last = piece.last;
    pieces.back().whole = pieces.back().items() == journal_.find(piece.position)->items;
  } else {
    pieces.push_back(piece);
  }
}

/// The next request of an item that becomes several.
void Delivery::next_step(Owned attempt, Time now) {
  ++attempt->step;
  attempt->squeezed = false;
  attempt->forget_encoded();
  attempt->number = 0;
  attempt->failures = 0;
  attempt->server_errors = 0;
  attempt->not_before = now;
  waiting_.push_part(std::move(attempt));
}

/// One of its requests got through, and others follow, or an earlier one was refused: the worst
/// verdict is the item's.
void Delivery::step_delivered(Owned attempt, Time now) {
  ++counts_.delivered;
  last_success_ = now;
  is_up(*attempt, now);
  if (parked_ && (attempt->probe || parked_->systemic)) unpark(now);
  something_got_through(now);
  if (attempt->step + 1 < attempt->steps) return next_step(std::move(attempt), now);
  quarantine(*attempt, now);
}

}  // namespace forager::exporter
