#include "export/waiting.h"

#include <algorithm>
#include <utility>

namespace forager::exporter {

void Waiting::push_part(Owned attempt) {
  count(*attempt);
  parts_.push_front(std::move(attempt));
}

void Waiting::push_last_part(Owned attempt) {
  count(*attempt);
  parts_.push_back(std::move(attempt));
}

void Waiting::push_retry(Owned attempt) {
  count(*attempt);
  const Time at = attempt->not_before;
  retries_.emplace(at, std::move(attempt));
}

Waiting::Owned Waiting::pop_part() {
  Owned attempt = std::move(parts_.front());
  parts_.pop_front();
  uncount(*attempt);
  return attempt;
}

Waiting::Owned Waiting::pop_retry() {
  Owned attempt = std::move(retries_.begin()->second);
  retries_.erase(retries_.begin());
  uncount(*attempt);
  return attempt;
}

void Waiting::hurry(Time now) {
  std::multimap<Time, Owned> due;
  for (auto& [at, attempt] : retries_) {
    attempt->not_before = std::min(at, now);
    due.emplace_hint(due.end(), attempt->not_before, std::move(attempt));
  }
  retries_ = std::move(due);
}

void Waiting::drop(journal::Position position) {
  if (!pieces_.contains(position)) return;
  const auto emptied = [&](const Owned& attempt) {
    if (!without(*attempt, position)) return false;
    if (attempt->part) --part_count_;
    return true;
  };
  std::erase_if(parts_, emptied);
  std::erase_if(retries_, [&](const auto& waiting) { return emptied(waiting.second); });
  pieces_.erase(position);
}

void Waiting::count(const Attempt& attempt) {
  if (attempt.part) ++part_count_;
  for (const batch::Piece& piece : attempt.pieces) ++pieces_[piece.position];
}

void Waiting::uncount(const Attempt& attempt) {
  if (attempt.part) --part_count_;
  for (const batch::Piece& piece : attempt.pieces) {
    const auto at = pieces_.find(piece.position);
    if (--at->second == 0) pieces_.erase(at);
  }
}

bool without(Attempt& attempt, journal::Position position) {
  const auto gone = std::erase_if(attempt.pieces, [&](const batch::Piece& piece) {
    if (piece.position != position) return false;
    attempt.items -= piece.items();
    return true;
  });
  if (gone != 0) attempt.forget_encoded();
  return attempt.pieces.empty();
}

}  // namespace forager::exporter
