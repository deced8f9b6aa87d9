#include "sim/oracle.h"

#include <algorithm>

#include "sim/trace.h"

namespace forager::sim {

using std::chrono::milliseconds;
using std::chrono::seconds;

Witness::Known& Witness::known(Number number) {
  if (known_.size() <= number) known_.resize(std::max<std::size_t>(truths_.size(), number + 1U));
  return known_[number];
}

void Witness::check_key(const Sent& request, const Truth& truth) const {
  if (plan_.kind == PartyPlan::Kind::hive) return;
  const bool right = truth.app == 0
                         ? request.key.starts_with("own-")
                         : request.key == fmt::format("app-{}", static_cast<int>(truth.app));
  hold(right, [&] {
    return fmt::format("keys: an item of app {} went out with \"{}\"", static_cast<int>(truth.app),
                       request.key);
  });
}

/// Full jitter: the pauses are random shares, so whole milliseconds are a rare accident.
void Witness::check_jitter(const Sent& request, Time now) {
  const auto failure = failures_.find(request.id);
  if (failure == failures_.end()) return;
  const Duration pause = now - failure->second.at;
  if (failure->second.plain && !request.parked && pause > milliseconds(1)) {
    ++(pause % milliseconds(1) == Duration::zero() ? round_ : jittered_);
  }
  failures_.erase(failure);
}

void Witness::chosen(bool parked, Time now) {
  hold(now >= quiet_until_, "citizen: a request was let out before the time Retry-After named");
  if (!parked) return;
  hold(parked_at_ == Time::min() || now - parked_at_ >= plan_.delivery.probe_interval,
       "citizen: probed more than once in the probe interval while parked");
  parked_at_ = now;
}

void Witness::sent(const Sent& request, const std::vector<Seen>& items, Time now) {
  check_jitter(request, now);
  const bool hive = plan_.kind == PartyPlan::Kind::hive;
  hold(hive || request.raw_bytes <= plan_.request_bytes, [&] {
    return fmt::format("limits: {} bytes in a request, over the limit of {}", request.raw_bytes,
                       plan_.request_bytes);
  });
  hold(items.size() <= plan_.request_items, "limits: too many items in a request");
  hold(!items.empty(), "a request without items");
  Number before = 0;
  std::uint32_t record = UINT32_MAX;
  for (const Seen& seen : items) {
    hold(seen.number < truths_.size(), "sent what nobody offered: an unknown number");
    const Truth& truth = truths_[seen.number];
    hold(truth.accepted, "sent what was not accepted");
    hold(truth.signal == request.signal, "sent under another signal");
    hold(plan_.takes[static_cast<std::size_t>(truth.signal)], "sent to who doesn't take it");
    hold(is_for(truth) || known(seen.number).doubled,
         "sent to a destination that was not there when it was accepted");
    hold(seen.hash == truth.hash, "bytes: an item was changed on its way");
    if (truth.time != 0) hold(seen.time == truth.time, "bytes: a log record's time was changed");
    if (plan_.kind == PartyPlan::Kind::honeycomb && truth.signal == Signal::logs) {
      hold(seen.time != 0, "a log record without time was sent to who would store it at 1970");
    }
    hold(seen.bytes <= plan_.item_bytes, "limits: an item over the limit was sent");
    Known& item = known(seen.number);
    // from quarantine items come in the order in which they are sent again
    const bool follows = record == truth.record && item.home == 0;
    hold(!follows || item.doubled || seen.number > before, "order inside a record was not kept");
    before = seen.number;
    record = item.home == 0 ? truth.record : UINT32_MAX;
    check_key(request, truth);
    if (item.doubled) continue;
    hold(!item.in_flight, "an item is in two requests at the same time");
    hold(!item.confirmed, "repeats: an item was sent again after its delivery was confirmed");
    hold(!item.given_up, "sent after an app was told that it had come to its end");
    hold(!item.binned, "an item is sent and is in quarantine");
    hold(!item.left, "an item is sent that was let go from quarantine, or given up there");
    item.in_flight = true;
  }
}

void Witness::land(std::uint64_t id, const Reply& reply, bool retried, Time now) {
  for (std::size_t i = 0; i < reply.items.size(); ++i) {
    Known& item = known(reply.items[i].number);
    item.in_flight = false;
    if (reply.stored && !reply.acknowledged) ++item.may_repeat;
  }
  if (retried) failures_[id] = {now, true};
}

void Witness::answered(std::uint64_t id, const Reply& reply, bool retried, Time now) {
  land(id, reply, retried, now);
  if (reply.refused && reply.items.size() == 1) known(reply.items[0].number).refused_alone = true;
  if (!reply.acknowledged) return;
  rejected_ += reply.rejected;
  for (const Seen& seen : reply.items) {
    known(seen.number).confirmed = true;
    if (on_confirmed_) on_confirmed_(truths_[seen.number], now);
  }
}

void Witness::unanswered(std::uint64_t id, const Reply& reply, Time now) {
  for (const Seen& seen : reply.items) {
    Known& item = known(seen.number);
    item.in_flight = false;
    if (reply.stored) ++item.may_repeat;
  }
  failures_[id] = {now, true};
}

void Witness::crashed(const Reply& reply) {
  for (const Seen& seen : reply.items) {
    Known& item = known(seen.number);
    item.in_flight = false;
    if (reply.stored) ++item.may_repeat;
  }
}

std::uint64_t Witness::told_settled(Number first, Number end) {
  std::uint64_t given_up = 0;
  for (Number n = first; n < end; ++n) {
    Known& item = known(n);
    if (item.home != 0 || item.doubled) continue;  // quarantined, and sent again meanwhile
    hold(!item.in_flight, "an app was told that an item is settled while it is in flight");
    item.given_up = !item.confirmed && !item.binned;
    if (item.given_up) ++given_up;
  }
  return given_up;
}

bool Witness::gave_up(Number first, Number end, Position home) const {
  for (Number n = first; n < end; ++n) {
    const Known item = n < known_.size() ? known_[n] : Known{};
    if (item.home != home || item.left) continue;
    if (!item.confirmed && !item.quarantined && !item.vanished) return true;
  }
  return false;
}

std::uint64_t Witness::open_items(Number first, Number end, Position home) const {
  std::uint64_t open = 0;
  for (Number n = first; n < end; ++n) {
    const Known item = n < known_.size() ? known_[n] : Known{};
    if (item.home == home && !item.confirmed && !item.quarantined) ++open;
  }
  return open;
}

void Witness::undo(Known& item, bool settled) {
  item.given_up = false;
  if (item.confirmed) {
    item.confirmed = false;
    ++item.may_repeat;
    ++undone_confirmed_;
  } else if (item.quarantined) {
    item.quarantined = false;
    ++undone_quarantined_;
  } else if (settled && !item.vanished) {
    ++undone_gone_;
  }
}

void Witness::undo_all(Number first, Number end, Undone undone, Position home) {
  for (Number n = first; n < end; ++n) {
    Known& item = known(n);
    undo(item, undone.settled);
    item.binned = item.left = false;
    item.home = home;
  }
  if (!undone.settled) undone_gone_ += undone.unseen;
}

void Witness::doubled(Number first, Number end) {
  has_doubled_ = true;
  for (Number n = first; n < end; ++n) known(n).doubled = true;
}

void Witness::again(Number first, Number end, Undone undone, Position home, bool troubled) {
  for (Number n = first; n < end; ++n) {
    const bool twice = std::exchange(known(n).found_in, processes_) == processes_;
    hold(!twice || troubled, [&] {
      return fmt::format("recovery: item {} is there twice, as a record or in quarantine", n);
    });
    if (twice) doubled(n, n + 1);
  }
  undo_all(first, end, undone, home);
  for (Number n = first; n < end; ++n) known(n).vanished = false;
}

void Witness::vanished(Number first, Number end, std::uint64_t unseen) {
  undo_all(first, end, {false, unseen}, 0);
  for (Number n = first; n < end; ++n) known(n).vanished = true;
}

void Witness::check_quarantined(const Seen& seen, const std::string& why) {
  hold(seen.number < truths_.size(), "quarantine: an item that nobody offered");
  hold(seen.hash == truths_[seen.number].hash, "quarantine: an item was changed");
  hold(known(seen.number).refused_alone || why.starts_with("not sent"), [&] {
    return fmt::format("quarantine: item {} was never refused alone: {}", seen.number, why);
  });
}

void Witness::quarantined(Number first, Number end) {
  ever_quarantined_ = true;
  for (Number n = first; n < end; ++n) {
    Known& item = known(n);
    if (item.doubled) continue;
    hold(!item.binned, "quarantine: an item is in it twice");
    hold(!item.confirmed, "an item is delivered and quarantined");
    hold(!item.in_flight, "an item is quarantined while it is in flight");
    item.binned = true;
  }
}

void Witness::kept_again(Number first, Number end, Undone undone, Position home, bool troubled) {
  again(first, end, undone, home, troubled);
  for (Number n = first; n < end; ++n) known(n).binned = true;
}

void Witness::left(Number first, Number end) {
  for (Number n = first; n < end; ++n) {
    known(n).binned = false;
    known(n).left = true;
  }
}

void Witness::replayed(Number first, Number end, Position home) {
  for (Number n = first; n < end; ++n) {
    Known& item = known(n);
    item.binned = item.left = item.given_up = false;
    item.home = home;
  }
}

std::uint64_t Witness::absorb(const std::string& name, const ledger::Book& book,
                              const Ended& ended) {
  std::uint64_t there = 0;
  for (const auto& [first, end] : ended.kept) {
    for (Number n = first; n < end; ++n) {
      Known& item = known(n);
      ++there;
      if (item.doubled) continue;
      hold(!item.quarantined, "quarantine: an item is in it twice");
      hold(!item.confirmed, "an item is delivered and quarantined");
      item.quarantined = true;
    }
  }
  const std::uint64_t recovered = ended.recovered;
  std::uint64_t booked = 0;
  std::uint64_t found = 0;
  for (const Signal s : all_signals) {
    found += book.recovered(s);
    booked_accepted_ += book.accepted(s) - book.recovered(s);
    unreadable_ += book.count(s, ledger::Reason::disk_unreadable);
    for (std::size_t i = 0; i < booked_.size(); ++i) {
      booked_[i] += book.count(s, static_cast<ledger::State>(i));
    }
    booked += book.count(s, ledger::State::quarantined);
  }
  ++processes_;
  hold(has_doubled_ || booked >= there + ended.let_go, [&] {
    return fmt::format(
        "books of {}: {} items are in quarantine and {} were let go, but {} are "
        "booked",
        name, there, ended.let_go, booked);
  });
  const std::uint64_t unseen = booked - std::min(booked, there + ended.let_go);
  unseen_ += unseen;
  let_go_ += unseen + ended.let_go;
  hold(has_doubled_ || found >= recovered, [&] {
    return fmt::format("books of {}: {} items are back, but {} are booked", name, recovered, found);
  });
  phantoms_ += found - recovered;
  failures_.clear();
  quiet_until_ = Time::min();
  parked_at_ = Time::min();
  return unseen;
}

void Witness::close(const Server& server, std::uint64_t unanswered, bool disk_rots) const {
  for (Number n = 0; n < truths_.size(); ++n) {
    const Known item = n < known_.size() ? known_[n] : Known{};
    if (item.doubled) continue;
    const std::uint32_t stored = server.stored(n);
    hold(stored <= 1U + item.may_repeat, [&] {
      return fmt::format("repeats: {} stored item {} {} times, but only {} answers were lost",
                         server.name(), n, stored, item.may_repeat);
    });
    hold(!item.confirmed || !item.quarantined, "an item is delivered and quarantined");
  }
  if (!has_doubled_) close_books(unanswered, disk_rots);
  hold(round_ < 4 || round_ <= jittered_,
       "citizen: retries come after whole milliseconds, without jitter");
}

/// Of all processes together: each item in the state it is in, and in those that were undone since
/// a crash came before they were on disk.
void Witness::close_books(std::uint64_t unanswered, bool disk_rots) const {
  std::uint64_t accepted = 0;
  std::uint64_t confirmed = undone_confirmed_;
  std::uint64_t quarantined = undone_quarantined_;
  std::uint64_t gone = undone_gone_ + phantoms_;
  for (Number n = 0; n < truths_.size(); ++n) {
    const Truth& truth = truths_[n];
    const Known item = n < known_.size() ? known_[n] : Known{};
    if (!truth.accepted || !is_for(truth)) continue;
    if (truth.promised) ++accepted;
    if (item.vanished) continue;
    if (item.confirmed) ++confirmed;
    if (item.quarantined) ++quarantined;
    if (!item.confirmed && !item.quarantined) ++gone;
  }
  const auto of = [&](ledger::State state) { return booked_[static_cast<std::size_t>(state)]; };
  using ledger::State;
  const auto equal = [&](std::uint64_t is, std::uint64_t booked, const char* what) {
    hold(is == booked, [&] {
      return fmt::format("books: {} items are {}, but {} are booked", is, what, booked);
    });
  };
  equal(accepted, booked_accepted_, "accepted");
  equal(confirmed, of(State::delivered) + of(State::rejected), "confirmed");
  equal(rejected_, of(State::rejected), "rejected");
  // which of two copies damage took, the books alone know
  if (disk_rots && ever_quarantined_) return;
  equal(quarantined + let_go_, of(State::quarantined), "quarantined");
  equal(gone, of(State::expired) + of(State::lost) + let_go_, "neither delivered nor quarantined");
  hold(disk_rots || phantoms_ <= unanswered + unseen_,
       "recovery: more is booked as lost than apps were refused");
  hold(disk_rots || (unreadable_ <= phantoms_ && phantoms_ <= unreadable_ + unseen_),
       "lost as unreadable, though the disk reads right");
}

}  // namespace forager::sim
