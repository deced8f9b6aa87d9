// Everything one destination decides: what is sent next and when, and what an answer means for the
// items in it. Sans-IO: the shell (export/loop) asks next(), sends, and reports back; tests and the
// simulator do the same with a fake clock.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/ledger.h"
#include "base/time.h"
#include "batch/cutter.h"
#include "batch/pace.h"
#include "batch/planner.h"
#include "destination/destination.h"
#include "destination/screen.h"
#include "export/attempt.h"
#include "export/breaker.h"
#include "export/retry.h"
#include "export/waiting.h"
#include "journal/journal.h"
#include "journal/quarantine.h"
#include "net/message.h"

namespace forager::exporter {

struct DeliveryConfig {
  std::uint32_t concurrency = 4;  ///< requests in flight
  Duration linger = std::chrono::milliseconds(200);
  batch::Pace::Config pace{};   ///< of requests while nothing is in flight
  std::size_t batch_bytes = 0;  ///< uncompressed; 0: the destination's limit
  std::optional<destination::Codec> codec =
      std::nullopt;  ///< nullopt: zstd, and gzip once zstd was refused
  RetryConfig retry{};
  Duration probe_interval = std::chrono::seconds(30);  ///< parked: at most one request in this time
  std::uint32_t breaker_failures = 5;                  ///< in a row
  /// False: the destination's own credentials go with every record, whichever app's key it came
  /// with, so what is said of them is said of all.
  bool keys_of_apps = true;
  /// For destinations with rules about the items' own times; must be given for them.
  std::function<WallTime()> wall_clock = {};
};

/// Nothing to send until then (Time::max(): until woken). Always later than the `now` that was
/// passed.
struct Wait {
  Time until = Time::max();
};
/// Bodies to be read back first; then ask again.
struct Load {
  journal::Position position = 0;
};
using Next = std::variant<Attempt*, Wait, Load>;

/// For /status and metrics.
struct DeliveryState {
  enum class Kind : std::uint8_t { idle, delivering, retrying, open, parked };
  Kind kind = Kind::idle;
  Time since{};            ///< in this kind
  std::string why_parked;  ///< with the fix; empty unless parked
  std::string last_error;  ///< the words of the last verdict or error that wasn't a delivery;
                           ///< empty: none yet
  std::optional<Time> last_error_at;
  std::optional<Time> last_success;
  std::optional<Time> next_try;  ///< retrying, open, parked: when
  std::size_t in_flight = 0;     ///< requests
  std::size_t refused_keys = 0;  ///< keys of apps that are refused: their data waits, the rest
                                 ///< goes on
  std::size_t keyless = 0;       ///< groups that wait for their key
  std::size_t waiting = 0;       ///< attempts to be sent again
  destination::Codec codec = destination::Codec::zstd;
  std::array<std::size_t, signal_count> request_bytes{};  ///< in force, learned ones included
  journal::Held held;
};
std::string_view name(DeliveryState::Kind kind);

/// Plain counters for metrics, ever growing.
struct DeliveryCounts {
  std::uint64_t requests = 0;   ///< sent, repetitions included
  std::uint64_t delivered = 0;  ///< requests with verdict Delivered
  std::uint64_t retries = 0;    ///< verdicts Retry
  std::uint64_t transport_errors = 0;
  std::uint64_t parks = 0;  ///< verdicts Park, and systemic refusals
  std::uint64_t taken_apart = 0;
  std::uint64_t recoded = 0;
};

/// A verdict after which the items themselves are looked at: taking apart and quarantine need the
/// bodies, which a request that was sent again from its encoded copy may have in memory no more.
inline bool looks_inside(const destination::Verdict& verdict) {
  const auto* retry = std::get_if<destination::Retry>(&verdict);
  return std::holds_alternative<destination::TakeApart>(verdict) ||
         (retry != nullptr && retry->server_error);
}

class Delivery {
 public:
  using Random = std::function<double()>;  ///< in [0, 1)

  /// Opens its cursor in the journal: it takes what comes from now on. All references outlive it;
  /// the journal must not append or expire after it is gone.
  Delivery(DeliveryConfig config, const destination::Destination& destination,
           journal::Journal& journal, journal::Quarantine& quarantine, Random random, Time now);
  Delivery(const Delivery&) = delete;
  Delivery& operator=(const Delivery&) = delete;
  ~Delivery();

  /// The next request, now in flight until answered or failed; or how long there is nothing to do.
  /// Ask until it says Wait.
  Next next(Time now);
  /// The request's body before compression; parts cut, missing log times put in where the
  /// destination asks for it.
  Chain raw_body(const Attempt& attempt);

  /// For a verdict that looks_inside, no body of it may be missing().
  void answered(AttemptId id, const destination::Verdict& verdict, Time now);
  /// No answer came: the same as Retry.
  void failed(AttemptId id, const net::TransportError& error, Time now);
  /// Bodies of it that are not in memory can't be read at all: what they held is booked as lost,
  /// the rest goes out again.
  void unreadable(AttemptId id, Time now);
  /// The key of its group is not known (yet): this group waits for credentials_changed, the others
  /// go on.
  void key_unknown(AttemptId id, Time now);
  std::vector<journal::Position> missing(const Attempt& attempt) const;
  /// A key was replaced, or came for the first time: parked or backing off, it goes on at once.
  void credentials_changed(Time now);
  /// From now on nothing lingers. Backoff, pauses and parking stay.
  void drain();
  /// Nothing is held: all that was accepted for it is settled.
  bool drained() const { return journal_.held(cursor_).records == 0; }

  /// Called when next() or drained() may have a new answer: a record came that moves what is due,
  /// one expired, a request was answered, credentials changed, next() settled something. It must
  /// not call next() itself.
  void on_wake(std::function<void()> wake) { wake_ = std::move(wake); }
  DeliveryState state() const;
  const DeliveryCounts& counts() const { return counts_; }
  journal::CursorId cursor() const { return cursor_; }
  std::string_view name() const { return destination_.name(); }

 private:
  using Owned = std::unique_ptr<Attempt>;
  struct Parked {
    std::string why;
    bool systemic = false;  ///< it refuses every item, though it answers
    Time next_probe{};
  };
  /// After as much screening as one next() may do.
  static constexpr Duration look_pause = std::chrono::milliseconds(1);
  /// A request that is being filled with stretches of one lane.
  struct Lane {
    Attempt* attempt = nullptr;
    std::int64_t oldest = 0;
    std::int64_t newest = 0;
    std::size_t weight = 0;
    std::size_t bytes = 0;  ///< at most: each piece repeats its envelope
  };
  /// The three sources of work take turns, so that neither a search nor a backlog of retries keeps
  /// new data waiting.
  enum class Source : std::uint8_t { parts, retries, fresh };

  // what is next (delivery.cpp)
  void forget(const journal::Record& record);
  Next choose(Time now);
  Time barred_until(Time now) const;
  /// Nothing is gained by gathering more.
  bool hurried(Time now) const { return draining_ || (in_flight_.empty() && pace_.until() <= now); }
  Time planned(Time now) const;
  Owned pick(Time now, bool probe);
  Owned pick_from(Source source, Time now, bool probe);
  Owned plan(Time now, bool probe);
  Owned take_planned(Time now, bool idle);
  Attempt* launch(Owned attempt, bool probe, Time now);
  DeliveryState::Kind kind() const;
  void note_state(Time now);

  // what is to be looked at first (screening.cpp)
  Owned to_screen(Owned attempt, Time now);
  void in_portions(Owned attempt);
  Owned screen_next(Time now);
  Time look_ahead(Time now);
  void screen(const Attempt& attempt, Time now, std::vector<Owned>& sendable);
  void place(const batch::Piece& piece, const destination::Stretch& stretch, const Attempt& of,
             std::vector<Owned>& sendable, std::vector<Lane>& open);
  bool outdated(const Attempt& attempt, Time now) const;
  void next_step(Owned attempt, Time now);

  // what an answer means (verdicts.cpp)
  Owned land(AttemptId id);
  void on(Owned attempt, const destination::Delivered& verdict, Time now);
  void on(Owned attempt, const destination::Retry& verdict, Time now);
  void on(Owned attempt, const destination::Park& verdict, Time now);
  void on(Owned attempt, const destination::TakeApart& verdict, Time now);
  void on(Owned attempt, const destination::Recode& verdict, Time now);
  void on(Owned attempt, const destination::Prepare& verdict, Time now);
  void retry_later(Owned attempt, std::optional<Duration> after, Time now);
  void hold(Duration after, Time now);
  void wait(Owned attempt);
  void is_up(const Attempt& answered, Time now);
  void something_got_through(Time now);
  void step_delivered(Owned attempt, Time now);
  void park(std::string why, bool systemic, Time now);
  void park_group(Owned attempt, const std::string& why, Time now);
  void release_group(journal::GroupId group, Time now);
  void release_stale_groups(Time now);
  void unpark(Time now);
  void note_error(const std::string& why, Time now);

  // taking apart (apart.cpp)
  void take_apart(Owned attempt, Time now);
  void split(const Attempt& attempt);
  Owned part_of(const Attempt& attempt);
  void weigh(Attempt& attempt);
  void refused_alone(Owned attempt, Time now);
  void end_search(Time now);
  void quarantine(const Attempt& attempt, Time now);
  void quarantine_unsent(const batch::Batch& batch, Time now);
  void quarantine_piece(Signal signal, const batch::Piece& piece, const Slice& bytes,
                        const std::string& why, ledger::Reason reason, Time now);
  void learn_smaller(const Attempt& attempt, Time now);
  void learn_larger(const Attempt& attempt, Time now);

  Slice piece_body(const batch::Piece& piece);
  Slice with_time(const journal::Record& record, Slice body) const;
  batch::Limits own_limits(Signal signal) const;
  destination::Codec codec_for(Signal signal) const;
  void wake() const {
    if (wake_ && !asking_) wake_();
  }

  DeliveryConfig config_;
  const destination::Destination& destination_;
  journal::Journal& journal_;
  journal::Quarantine& quarantine_;
  Random random_;
  std::function<void()> wake_;
  journal::CursorId cursor_;
  batch::Planner planner_;
  batch::Pace pace_;
  batch::Cutter cutter_;
  Breaker breaker_;
  Waiting waiting_;
  std::unique_ptr<destination::Screen> screen_;  ///< nullptr: records go as they are
  std::deque<Owned> unscreened_;                 ///< planned, to be looked at before they are sent
  std::size_t looked_at_ = 0;                    ///< bytes, within this next()
  std::vector<Owned> keyless_;                   ///< their group's key is not known
  std::set<journal::GroupId> keyless_groups_;
  std::unordered_map<AttemptId, Owned> in_flight_;
  std::vector<Owned>
      suspects_;  ///< single items refused, while it may still be the destination's fault
  AttemptId last_id_ = 0;
  std::size_t turn_ = 0;  ///< the Source that is asked first
  std::optional<Parked> parked_;
  /// Keys of apps that were refused, and when the next of their requests is tried: they wait alone,
  /// the other keys go on.
  std::map<journal::GroupId, Time> parked_groups_;
  Time hold_until_{};  ///< Retry-After: nothing goes before
  destination::Codec codec_;
  bool draining_ = false;
  bool asking_ = false;            ///< within next(): no wake
  std::uint32_t credentials_ = 0;  ///< counts their changes
  std::size_t parts_in_flight_ = 0;
  std::uint64_t deliveries_ = 0;        ///< requests of which something was delivered
  std::uint32_t refused_in_a_row_ = 0;  ///< single items since the last delivery
  std::array<Time, signal_count> limit_changed_{};
  DeliveryCounts counts_;
  DeliveryState::Kind kind_ = DeliveryState::Kind::idle;
  Time kind_since_;
  std::string last_error_;
  std::optional<Time> last_error_at_;
  std::optional<Time> last_success_;
};

}  // namespace forager::exporter
