// The real door with all that stands behind it, for the tests of both receivers.
#pragma once

#include <string>
#include <utility>

#include "admit/admission.h"

namespace forager::receive {

/// Everything that stands behind the port, as app builds it.
class WholeDoor final : public admit::Door {
 public:
  explicit WholeDoor(const asio::any_io_executor& io)
      : journal(journal::JournalConfig{.bytes_max = 1U << 20U}, ledger),
        keys(config::KeyPolicy::pass_through, Secret(), admit::KeyRing::random_salt()),
        admission(admit::AdmissionConfig{}, budget, journal, ledger, keys, io, pool) {
    journal.open_cursor("honeycomb", {true, true, true});
  }
  asio::awaitable<admit::Outcome> admit(admit::Offer offer) override {
    return admission.admit(std::move(offer));
  }
  admit::Refused turn_away(Signal s, admit::Refused::Kind kind, std::string message) override {
    return admission.turn_away(s, kind, std::move(message));
  }
  void book_refusal(Signal s, ledger::Reason reason) override { admission.book_refusal(s, reason); }
  std::optional<Budget::Charge> room(std::size_t bytes) override { return admission.room(bytes); }
  std::size_t headroom() const override { return admission.headroom(); }
  std::size_t request_limit() const override { return admission.request_limit(); }
  std::string imbalance() const {
    return ledger::imbalance(
        ledger, [&](std::string_view name, Signal s) { return journal.held_items(name, s); });
  }

  asio::thread_pool pool{2};
  Budget budget{16U << 20U};
  ledger::Ledger ledger;
  journal::Journal journal;
  admit::KeyRing keys;
  admit::Admission admission;
};

}  // namespace forager::receive
