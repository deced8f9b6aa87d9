// A small, complete AdminSource for tests, and the state behind it.
#pragma once

#include <string>

#include "admin/source.h"

namespace forager::test {

struct ASource {
  admin::Phase phase = admin::Phase::serving;
  admin::Status status;
  ledger::Ledger ledger;
  std::uint64_t held_traces = 0;  ///< of every destination

  ASource() {
    status.version = "1.2.3";
    status.phase = admin::Phase::serving;
    status.now = WallTime(std::chrono::milliseconds(1'764'000'123'045));
    status.uptime = std::chrono::milliseconds(90'500);
    status.journal_kind = "disk";
    status.journal_directory = "/var/lib/forager";
    status.journal_bytes = 4'096;
    status.journal_limit = 1U << 30U;
    status.memory_used = 1'000;
    status.memory_limit = 2'000;
    status.listeners = {{"otlp/http", "127.0.0.1:4318"}};
    status.receivers = {{"otlp/http", 3, 1}, {"otlp/grpc", std::nullopt, 2}};
    status.received = {{"otlp/http", "200", 12}, {"otlp/grpc", "UNAVAILABLE", 1}};
    status.sent = {{"honeycomb", "401", 2}};
    admin::DestinationStatus destination;
    destination.name = "honeycomb";
    destination.state = "parked";
    destination.since = status.now;
    destination.last_error = "401: the key is \"unknown\"\nto Honeycomb";
    destination.held_items = 7;
    destination.oldest_age = std::chrono::milliseconds(1'500);
    status.destinations = {destination};
  }
  admin::AdminSource source() {
    admin::AdminSource made;
    made.phase = [this] { return phase; };
    made.status = [this] { return status; };
    made.ledger = [this]() -> const ledger::Ledger& { return ledger; };
    made.held = [this](std::string_view, Signal s) {
      return s == Signal::traces ? held_traces : 0;
    };
    made.recent = [](std::string_view query) -> Result<std::string> {
      if (query == "limit=0") return fault("limit must be more");
      return std::string("[]");
    };
    return made;
  }
  /// 10 spans taken, 6 delivered, 1 over age, 3 held; one request refused.
  void trade() {
    ledger.door().accepted(Signal::traces, 10);
    ledger.door().refused(Signal::traces, ledger::Reason::memory_budget, 4);
    auto& book = ledger.book("honeycomb");
    book.accepted(Signal::traces, 10);
    book.settled(Signal::traces, ledger::Reason::delivered, 6);
    book.settled(Signal::traces, ledger::Reason::over_age, 1);
    held_traces = 3;
  }
};

}  // namespace forager::test
