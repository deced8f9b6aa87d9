// Decides what is taken: the door of both receivers. Charges memory, prepares bodies (inline or on
// the pool), applies the key policy, journals, and books at the door what was refused and why.
// Lives on the io thread.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <unordered_map>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/thread_pool.hpp>

#include "admit/door.h"
#include "admit/keys.h"
#include "admit/prepare.h"
#include "base/async.h"
#include "base/budget.h"
#include "base/ledger.h"
#include "journal/journal.h"

namespace forager::admit {

struct AdmissionConfig {
  std::size_t request_limit = 64U << 20U;  ///< bytes, also inflated and as protobuf
  /// FORAGER_ACK=delivered: answer when every destination has settled the record, or retryably at
  /// `delivery_wait`.
  bool wait_for_delivery = false;
  std::chrono::milliseconds delivery_wait{8'000};  ///< SDKs give up at 10 s
};

class Admission final : public Door {
 public:
  /// All references outlive it; with wait_for_delivery it takes the journal's `on_passed`.
  Admission(AdmissionConfig config, Budget& budget, journal::Journal& journal,
            ledger::Ledger& ledger, KeyRing& keys, asio::any_io_executor io,
            asio::thread_pool& pool);

  asio::awaitable<Outcome> admit(Offer offer) override;
  Refused turn_away(Signal signal, Refused::Kind kind, std::string message) override;
  void book_refusal(Signal signal, ledger::Reason reason) override;
  std::optional<Budget::Charge> room(std::size_t bytes) override {
    make_memory(bytes);
    return budget_.take(bytes);
  }
  /// With a disk journal: what is woken after each commit.
  void wait_for(Event& committed) { committed_ = &committed; }
  std::size_t request_limit() const override { return request_limit_; }
  /// What the last body with one resource was missing: an app sends the same resource every time.
  std::size_t headroom() const override { return headroom_; }

  /// Resource attributes for the requests from now on, where they are missing; nullptr: none. What
  /// came before goes without.
  void enrich_with(std::shared_ptr<const otlp::Enrichment> attributes) {
    enrichment_ = std::move(attributes);
    headroom_ = 0;
  }

  /// The last step of a stop: from now on everything is refused as `stopping`. Until then the door
  /// stays open while draining, since the port outlives the app (DESIGN, invariant 12).
  void close() { closed_ = true; }
  /// The process ends at `deadline`: what a journal in memory can't have delivered by then, at the
  /// rate at which it drains, is refused instead of being answered 200 and lost.
  void close_by(Time deadline) { ends_ = deadline; }

 private:
  struct Sender {
    std::optional<Secret> key;
    std::optional<std::string> dataset;
    std::string_view not_for{};  ///< as in Offer
  };
  struct Ready {
    Prepared prepared;
    Budget::Charge charge;
  };
  std::optional<Refused> objection(const Offer& offer);
  asio::awaitable<std::variant<Ready, Refused>> prepare_charged(Raw raw, Budget::Charge charge);
  asio::awaitable<std::variant<Ready, Refused>> enrich_charged(
      Signal signal, Ready ready, std::shared_ptr<const otlp::Enrichment> with);
  struct Kept {
    journal::Position position = journal::not_routed;
    std::uint32_t items = 0;
  };
  std::variant<Kept, Accepted, Refused> keep(Signal signal, const Sender& sender, Ready ready);
  /// Bodies that are on disk are let go before anything is refused.
  void make_memory(std::size_t bytes) {
    const std::size_t wanted = budget_.used() + bytes;  // what can't be refused may be over it
    if (wanted <= budget_.limit()) return;
    journal_.forget_bodies(wanted - budget_.limit() + budget_.limit() / 16);
  }
  bool grow(Budget::Charge& charge, std::size_t bytes) {
    if (bytes > charge.bytes()) make_memory(bytes - charge.bytes());
    return charge.resize(bytes);
  }
  asio::awaitable<bool> passed(journal::Position position);
  Refused refuse(Signal signal, ledger::Reason reason, std::string message,
                 std::uint64_t items = 0);
  Refused refuse(Signal signal, const KeyRefused& why, std::uint64_t items);
  void note_repaired(Signal signal, std::uint32_t strings);
  void note_not_routed(Signal signal, std::uint64_t items);
  void note_left_alone(std::size_t size);
  void note_growth(std::size_t grown, const std::shared_ptr<const otlp::Enrichment>& by) {
    if (by == enrichment_) headroom_ = grown;
  }

  AdmissionConfig config_;
  Budget& budget_;
  journal::Journal& journal_;
  ledger::Ledger& ledger_;
  KeyRing& keys_;
  asio::any_io_executor io_;
  asio::thread_pool& pool_;
  std::size_t request_limit_;
  std::size_t enriched_limit_;
  std::shared_ptr<const otlp::Enrichment> enrichment_;
  std::size_t headroom_ = 0;
  Event* committed_ = nullptr;
  bool closed_ = false;
  std::optional<Time> ends_;
  std::unordered_map<journal::Position, Event*> waiting_;  ///< for delivery
  std::array<bool, signal_count> warned_repaired_{};
  std::array<bool, signal_count> warned_not_routed_{};
  bool warned_left_alone_ = false;
};

}  // namespace forager::admit
