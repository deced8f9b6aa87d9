#include "admit/admission.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace forager::admit {
namespace {

using ledger::Reason;

Time now() { return std::chrono::steady_clock::now(); }

/// A request may be this much over the limit by what is added to it. The limit is for what apps
/// send; a body of many small resources must not become one of many large ones.
constexpr std::size_t enriched_most_over = std::size_t{64} << 10U;
/// From here on a copy is worth the hops to the pool (see worth_offloading).
constexpr std::size_t copied_elsewhere = std::size_t{256} << 10U;

std::size_t journalable(const journal::Journal& journal) {
  const std::size_t most = journal.bytes_max();
  return most > journal::record_overhead ? most - journal::record_overhead : 0;
}

/// min(limit, budget / 4) (DESIGN, invariant 6); and what the journal can't hold at all is 413, not
/// 503 for ever.
std::size_t effective_limit(std::size_t configured, const Budget& budget,
                            const journal::Journal& journal) {
  return std::min({configured, budget.limit() / 4, journalable(journal)});
}

/// What runs on the pool: owns all it touches.
struct Preparing {
  Raw raw;
  Allowance allowance;
  std::shared_ptr<const otlp::Enrichment> add;
  Preparation operator()() { return prepare(std::move(raw), allowance, add.get()); }
};
struct Enriching {
  Signal signal;
  Prepared from;
  std::shared_ptr<const otlp::Enrichment> add;
  Prepared operator()() { return enriched(signal, std::move(from), *add); }
};

struct ReasonKind {
  Reason reason;
  Refused::Kind kind;
};
constexpr std::array<ReasonKind, 8> kinds{
    {{Reason::malformed, Refused::Kind::malformed},
     {Reason::unauthenticated, Refused::Kind::unauthenticated},
     {Reason::too_large, Refused::Kind::too_large},
     {Reason::memory_budget, Refused::Kind::busy},
     {Reason::stopping, Refused::Kind::unavailable},
     {Reason::disk, Refused::Kind::unavailable},
     {Reason::journal_full, Refused::Kind::unavailable},
     {Reason::aborted_upload, Refused::Kind::malformed}}};

std::string_view usual_words(Refused::Kind kind) {
  switch (kind) {
    case Refused::Kind::malformed:
      return "the request is malformed";
    case Refused::Kind::unauthenticated:
      return "the request brings no key";
    case Refused::Kind::too_large:
      return "the request is over the limit (FORAGER_REQUEST_LIMIT); send smaller batches";
    case Refused::Kind::busy:
      return "no memory for this request now (FORAGER_MEMORY_LIMIT); send it again later";
    case Refused::Kind::unavailable:
      return "not taking requests now; send it again later";
  }
  return {};
}

journal::Audience audience_without(const journal::Journal& journal, std::string_view name) {
  for (journal::CursorId id = 0; !name.empty() && id < journal.cursors(); ++id) {
    if (journal.cursor_name(id) == name) return journal::Audience::all_but(id);
  }
  return {};
}

std::string disk_words(const journal::Journal& journal) {
  return fmt::format("the disk takes nothing now; send it again later ({})",
                     journal.disk_trouble());
}

}  // namespace

Admission::Admission(AdmissionConfig config, Budget& budget, journal::Journal& journal,
                     ledger::Ledger& ledger, KeyRing& keys, asio::any_io_executor io,
                     asio::thread_pool& pool)
    : config_(config),
      budget_(budget),
      journal_(journal),
      ledger_(ledger),
      keys_(keys),
      io_(std::move(io)),
      pool_(pool),
      request_limit_(effective_limit(config.request_limit, budget, journal)),
      enriched_limit_(std::min(request_limit_ + enriched_most_over, journalable(journal))) {
  if (!config_.wait_for_delivery) return;
  journal_.on_passed([this](journal::Position position) {
    if (const auto found = waiting_.find(position); found != waiting_.end())
      found->second->notify_all();
  });
}

asio::awaitable<Outcome> Admission::admit(Offer offer) {
  const Signal signal = offer.signal;
  if (auto refused = objection(offer)) co_return *std::move(refused);
  const bool answered = offer.answered;
  const Sender sender{std::move(offer.key), std::move(offer.dataset), offer.not_for};
  Raw raw{signal, offer.encoding, offer.coding, std::move(offer.body)};
  auto prepared = co_await prepare_charged(std::move(raw), std::move(offer.charge));
  if (auto* const refused = std::get_if<Refused>(&prepared)) co_return std::move(*refused);
  auto kept = keep(signal, sender, std::move(std::get<Ready>(prepared)));
  if (auto* const refused = std::get_if<Refused>(&kept)) co_return std::move(*refused);
  if (auto* const accepted = std::get_if<Accepted>(&kept)) co_return std::move(*accepted);
  const auto [position, items] = std::get<Kept>(kept);
  while (!journal_.decided(position)) {
    co_await committed_->wait();
  }
  if (journal_.voided(position))
    co_return refuse(signal, Reason::disk, disk_words(journal_), items);
  ledger_.door().accepted(signal, items);
  if (!config_.wait_for_delivery || !answered) co_return Accepted{};
  const bool delivered = co_await passed(position);
  if (delivered) co_return Accepted{};
  // the books have it as accepted, which it is: a repeat is the price of this setting
  Refused late{Refused::Kind::unavailable,
               "kept, but not every destination has it yet (FORAGER_ACK=delivered)",
               {}};
  late.retry_after = journal_.retry_after(now());
  co_return late;
}

std::optional<Refused> Admission::objection(const Offer& offer) {
  const Time at = now();
  const bool kept_anyway = journal_.on_disk();  // the next run delivers it
  const bool too_late =
      ends_ && (at >= *ends_ || (!kept_anyway && journal_.drain_time(at) > *ends_ - at));
  if (closed_ || too_late)
    return refuse(offer.signal, Reason::stopping,
                  "Forager is stopping; send it again to the next one");
  if (offer.body.size() > request_limit_) return refuse(offer.signal, Reason::too_large, {});
  // before anything is inflated; whether it is among the groups is asked after the body was found
  // good; segments go to X-Ray, which knows no such keys
  if (offer.signal == Signal::segments) return std::nullopt;
  if (const auto why = keys_.objection(offer.key, offer.dataset))
    return refuse(offer.signal, *why, 0);
  return std::nullopt;
}

asio::awaitable<std::variant<Admission::Ready, Refused>> Admission::prepare_charged(
    Raw raw, Budget::Charge charge) {
  const Signal signal = raw.signal;
  const std::size_t came = raw.body.capacity();
  const bool elsewhere = worth_offloading(raw);
  const bool plain =
      raw.encoding == otlp::Encoding::protobuf && raw.coding == ContentCoding::identity;
  // segments have no resource, and are given to X-Ray as they are; and what the journal could no
  // longer hold goes as it came
  const bool stays = signal == Signal::segments || (plain && came > enriched_limit_);
  const std::shared_ptr<const otlp::Enrichment> add = stays ? nullptr : enrichment_;
  Allowance allowance = expected_allowance(raw, request_limit_);
  const Allowance most = full_allowance(raw, request_limit_);
  while (true) {
    if (charge.bytes() < came + allowance.total() && !grow(charge, came + allowance.total())) {
      co_return refuse(signal, Reason::memory_budget, {});
    }
    Preparing work{std::move(raw), allowance, add};
    Preparation done;
    if (elsewhere) {
      done = co_await offload(pool_, std::move(work));
    } else {
      done = work();
    }
    if (auto* const bad = std::get_if<Fault>(&done))
      co_return refuse(signal, Reason::malformed, std::move(bad->what));
    if (auto* const good = std::get_if<Prepared>(&done)) {
      Ready ready{std::move(*good), std::move(charge)};
      if (ready.prepared.missing.edits != 0) {
        auto made = co_await enrich_charged(signal, std::move(ready), add);
        const auto* const kept = std::get_if<Ready>(&made);
        if (plain && kept != nullptr) note_growth(kept->prepared.grown, add);
        co_return made;
      }
      if (plain) note_growth(ready.prepared.grown, add);
      co_return ready;
    }
    if (allowance.inflated >= most.inflated) {
      co_return refuse(
          signal, Reason::too_large,
          fmt::format(
              "decompressed the request has more than {} bytes, the limit (FORAGER_REQUEST_LIMIT); "
              "send smaller batches",
              request_limit_));
    }
    allowance = most;  // it said less of itself than it has
    raw = std::move(std::get<Outgrown>(done).raw);
  }
}

/// What the headroom took is in already; the rest is charged before it is written.
asio::awaitable<std::variant<Admission::Ready, Refused>> Admission::enrich_charged(
    Signal signal, Ready ready, std::shared_ptr<const otlp::Enrichment> with) {
  Prepared& prepared = ready.prepared;
  const std::size_t size = prepared.missing.size;
  if (size > enriched_limit_) {
    note_left_alone(size);
    prepared = left_alone(std::move(prepared));
    co_return ready;
  }
  const std::size_t both = prepared.body.capacity() + size;
  if (ready.charge.bytes() < both && !grow(ready.charge, both)) {
    co_return refuse(signal, Reason::memory_budget, {}, prepared.shape.items);
  }
  Enriching work{signal, std::move(prepared), std::move(with)};
  if (size > copied_elsewhere) {
    ready.prepared = co_await offload(pool_, std::move(work));
  } else {
    ready.prepared = work();
  }
  co_return ready;
}

std::variant<Admission::Kept, Accepted, Refused> Admission::keep(Signal signal,
                                                                 const Sender& sender,
                                                                 Ready ready) {
  const otlp::Shape shape = ready.prepared.shape;
  if (closed_)
    return refuse(signal, Reason::stopping, "Forager is stopping; send it again to the next one",
                  shape.items);
  if (shape.items == 0) {
    ledger_.door().accepted(signal, 0);
    return Accepted{};
  }
  std::variant<journal::GroupId, KeyRefused> group = journal::own_group;
  if (signal != Signal::segments) group = keys_.group_of(sender.key, sender.dataset);
  if (const auto* const why = std::get_if<KeyRefused>(&group))
    return refuse(signal, *why, shape.items);
  const std::size_t capacity = ready.prepared.body.capacity();
  if (!grow(ready.charge, capacity + journal::record_overhead)) {
    return refuse(signal, Reason::memory_budget, {}, shape.items);
  }
  journal::Record record;
  record.signal = signal;
  record.items = shape.items;
  record.largest_item = shape.largest_item;
  record.log_time_missing = shape.log_time_missing;
  record.group = std::get<journal::GroupId>(group);
  record.arrived = std::chrono::system_clock::now();
  record.body = Slice(std::move(ready.prepared.body));
  const auto position = journal_.append(std::move(record), std::move(ready.charge), now(),
                                        audience_without(journal_, sender.not_for));
  if (!position && !journal_.disk_trouble().empty())
    return refuse(signal, Reason::disk, disk_words(journal_), shape.items);
  if (!position) {
    return refuse(signal, Reason::journal_full,
                  journal_.short_of_space()
                      ? "the file system with the journal has no room for more; send it again later"
                      : "the journal is full (FORAGER_JOURNAL_BYTES); send it again later",
                  shape.items);
  }
  if (shape.repaired != 0) note_repaired(signal, shape.repaired);
  if (*position != journal::not_routed) return Kept{*position, shape.items};
  ledger_.door().accepted(signal, shape.items);
  note_not_routed(signal, shape.items);
  return Accepted{};
}

asio::awaitable<bool> Admission::passed(journal::Position position) {
  const Time until = now() + config_.delivery_wait;
  Event event(io_);
  waiting_.emplace(position, &event);
  while (!journal_.passed(position) && now() < until) {
    co_await event.wait_until(until);
  }
  waiting_.erase(position);
  co_return journal_.passed(position);
}

Refused Admission::turn_away(Signal signal, Refused::Kind kind, std::string message) {
  for (const ReasonKind& known : kinds) {
    if (known.kind == kind) return refuse(signal, known.reason, std::move(message));
  }
  return refuse(signal, Reason::malformed, std::move(message));
}

void Admission::book_refusal(Signal signal, Reason reason) {
  ledger_.door().refused(signal, reason);
}

Refused Admission::refuse(Signal signal, Reason reason, std::string message, std::uint64_t items) {
  ledger_.door().refused(signal, reason, items);
  Refused refused;
  for (const ReasonKind& known : kinds) {
    if (known.reason == reason) refused.kind = known.kind;
  }
  refused.message = message.empty() ? std::string(usual_words(refused.kind)) : std::move(message);
  const bool later =
      refused.kind == Refused::Kind::busy || refused.kind == Refused::Kind::unavailable;
  if (later) refused.retry_after = journal_.retry_after(now());
  return refused;
}

Refused Admission::refuse(Signal signal, const KeyRefused& why, std::uint64_t items) {
  switch (why.kind) {
    case KeyRefused::Kind::malformed:
      return refuse(signal, Reason::malformed, why.message, items);
    case KeyRefused::Kind::unauthenticated:
      return refuse(signal, Reason::unauthenticated, why.message, items);
    case KeyRefused::Kind::too_many:
      break;
  }
  // memory for keys is what has run out
  Refused refused = refuse(signal, Reason::memory_budget, why.message, items);
  refused.kind = Refused::Kind::unavailable;
  return refused;
}

void Admission::note_repaired(Signal signal, std::uint32_t strings) {
  ledger_.door().repaired(signal, strings);
  bool& warned = warned_repaired_[static_cast<std::size_t>(signal)];
  if (std::exchange(warned, true)) return;
  spdlog::warn(
      "an app sends {} with strings that aren't UTF-8; each bad byte becomes '?', and they are "
      "counted. Said once a signal",
      facts(signal).name);
}

void Admission::note_left_alone(std::size_t size) {
  if (std::exchange(warned_left_alone_, true)) return;
  spdlog::warn(
      "a request would have {} bytes with the attributes of its many resources, and {} are the "
      "limit (FORAGER_REQUEST_LIMIT): it goes without them, as others like it will. Said once",
      size, enriched_limit_);
}

void Admission::note_not_routed(Signal signal, std::uint64_t items) {
  ledger_.door().not_routed(signal, items);
  bool& warned = warned_not_routed_[static_cast<std::size_t>(signal)];
  if (std::exchange(warned, true)) return;
  spdlog::warn(
      "no destination takes {}: they are answered 200 and dropped (FORAGER_DESTINATIONS). Said "
      "once a signal",
      facts(signal).name);
}

}  // namespace forager::admit
