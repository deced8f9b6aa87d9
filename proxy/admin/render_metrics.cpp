#include <cmath>

#include <fmt/format.h>

#include "admin/render.h"

namespace forager::admin {

namespace {

using ledger::ReasonFacts;
using ledger::State;

struct Label {
  std::string_view name;
  std::string_view value;
};

/// Writes metric families. A family's samples must follow its head; one without samples leaves no
/// trace.
class Exposition {
 public:
  void counter(std::string_view name, std::string_view help) { head(name, help, "counter"); }
  void gauge(std::string_view name, std::string_view help) { head(name, help, "gauge"); }
  void sample(std::initializer_list<Label> labels, std::uint64_t value) {
    put(labels, fmt::format("{}", value));
  }
  void sample(std::initializer_list<Label> labels, double value) {
    put(labels, fmt::format("{}", value));
  }
  std::string take() { return std::move(text_); }

 private:
  void head(std::string_view name, std::string_view help, std::string_view type) {
    name_ = name;
    pending_ = fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", name, help, type);
  }
  void put(std::initializer_list<Label> labels, std::string_view value) {
    text_ += std::exchange(pending_, {});
    text_ += name_;
    char before = '{';
    for (const Label& label : labels) {
      text_ += before;
      text_ += label.name;
      text_ += "=\"";
      for (const char c : label.value) put_escaped(c);
      text_ += '"';
      before = ',';
    }
    if (labels.size() != 0) text_ += '}';
    text_ += ' ';
    text_ += value;
    text_ += '\n';
  }
  void put_escaped(char c) {
    if (c == '\\' || c == '"') text_ += '\\';
    if (c == '\n') {
      text_ += "\\n";
    } else {
      text_ += c;
    }
  }

  std::string text_;
  std::string_view name_;
  std::string pending_;
};

double seconds(Duration d) { return std::chrono::duration<double>(d).count(); }
double unix_seconds(WallTime t) {
  return std::chrono::duration<double>(t.time_since_epoch()).count();
}

void write_door(Exposition& out, const ledger::Ledger& of) {
  const ledger::Door& door = of.door();
  out.counter("forager_offered_requests_total",
              "Requests that came to the door: accepted and refused.");
  for (const Signal s : of.shown())
    out.sample({{"signal", facts(s).name}}, door.offered(s).requests);
  out.counter("forager_accepted_requests_total", "Requests taken.");
  for (const Signal s : of.shown())
    out.sample({{"signal", facts(s).name}}, door.accepted(s).requests);
  out.counter("forager_accepted_items_total", "Spans, log records and data points taken.");
  for (const Signal s : of.shown()) out.sample({{"signal", facts(s).name}}, door.accepted(s).items);
  out.counter("forager_refused_requests_total", "Requests turned away at the door, by reason.");
  for (const ReasonFacts& reason : ledger::reasons()) {
    if (reason.state != State::refused) continue;
    for (const Signal s : of.shown()) {
      out.sample({{"signal", facts(s).name}, {"reason", reason.label}},
                 door.refused(s, reason.reason).requests);
    }
  }
  out.counter("forager_refused_items_total",
              "Items in refused requests, as far as they were known: a lower bound.");
  for (const ReasonFacts& reason : ledger::reasons()) {
    if (reason.state != State::refused) continue;
    for (const Signal s : of.shown()) {
      out.sample({{"signal", facts(s).name}, {"reason", reason.label}},
                 door.refused(s, reason.reason).items);
    }
  }
  out.counter("forager_not_routed_items_total",
              "Accepted items of a signal that no destination takes.");
  for (const Signal s : of.shown())
    out.sample({{"signal", facts(s).name}}, door.not_routed(s).items);
  out.counter("forager_repaired_strings_total", "Strings with invalid UTF-8 that were mended.");
  for (const Signal s : of.shown()) out.sample({{"signal", facts(s).name}}, door.repaired(s));
}

void write_books(Exposition& out, const ledger::Ledger& of, const ledger::HeldItems& held) {
  out.counter("forager_destination_accepted_items_total",
              "Items a destination's books opened with or took in.");
  for (const auto& book : of.books()) {
    for (const Signal s : of.shown()) {
      out.sample({{"destination", book->destination()}, {"signal", facts(s).name}},
                 book->accepted(s));
    }
  }
  out.counter("forager_items_total",
              "Items that came to their end, by destination, final state and reason.");
  for (const auto& book : of.books()) {
    for (const ReasonFacts& reason : ledger::reasons()) {
      if (reason.state == State::refused) continue;
      for (const Signal s : of.shown()) {
        out.sample({{"destination", book->destination()},
                    {"signal", facts(s).name},
                    {"state", ledger::name(reason.state)},
                    {"reason", reason.label}},
                   book->ever(s, reason.reason));
      }
    }
  }
  out.counter("forager_quarantine_left_items_total",
              "Of the quarantined items, those that were sent again or given up since.");
  for (const auto& book : of.books()) {
    for (const ReasonFacts& reason : ledger::reasons()) {
      if (reason.state != State::quarantined) continue;
      for (const Signal s : of.shown()) {
        out.sample({{"destination", book->destination()},
                    {"signal", facts(s).name},
                    {"reason", reason.label}},
                   book->ever(s, reason.reason) - book->count(s, reason.reason));
      }
    }
  }
  out.gauge("forager_held_items",
            "Items accepted for a destination and not at their end, as the journal counts them.");
  for (const auto& book : of.books()) {
    for (const Signal s : of.shown()) {
      out.sample({{"destination", book->destination()}, {"signal", facts(s).name}},
                 held(book->destination(), s));
    }
  }
  out.gauge("forager_ledger_balanced",
            "1 while every item is in exactly one state; anything else is a bug of Forager.");
  out.sample({}, std::uint64_t{ledger::imbalance(of, held).empty()});
}

/// One gauge or counter with a sample for each destination.
template <class Value>
void each(Exposition& out, const Status& status, Value value) {
  for (const DestinationStatus& d : status.destinations)
    out.sample({{"destination", d.name}}, value(d));
}

void write_destinations(Exposition& out, const Status& status) {
  out.gauge("forager_destination_state", "1 for the state the destination is in.");
  for (const DestinationStatus& d : status.destinations) {
    out.sample({{"destination", d.name}, {"state", d.state}}, std::uint64_t{1});
  }
  out.gauge("forager_held_bytes", "Bytes of records that a destination has not settled.");
  each(out, status, [](const DestinationStatus& d) { return d.held_bytes; });
  out.gauge("forager_oldest_held_age_seconds",
            "Age of the oldest record that a destination has not settled; 0 for none.");
  each(out, status,
       [](const DestinationStatus& d) { return seconds(d.oldest_age.value_or(Duration{})); });
  out.gauge("forager_requests_in_flight", "Requests under way to a destination.");
  each(out, status, [](const DestinationStatus& d) { return std::uint64_t{d.in_flight}; });
  out.gauge("forager_quarantined_items", "Items kept aside for a person to look at.");
  each(out, status, [](const DestinationStatus& d) { return d.quarantined_items; });
  out.counter("forager_retries_total", "Requests that had to be sent again.");
  each(out, status, [](const DestinationStatus& d) { return d.retries; });
  out.gauge("forager_last_success_timestamp_seconds",
            "When a destination last took something, Unix time.");
  for (const DestinationStatus& d : status.destinations) {
    if (d.last_success_at) out.sample({{"destination", d.name}}, unix_seconds(*d.last_success_at));
  }
}

void write_process(Exposition& out, const Status& status) {
  out.gauge("forager_build_info", "Always 1; the version is a label.");
  out.sample({{"version", status.version}}, std::uint64_t{1});
  out.gauge("forager_uptime_seconds", "Time since the process began.");
  out.sample({}, seconds(status.uptime));
  out.gauge("forager_ready", "1 while /readyz answers 200.");
  out.sample({}, std::uint64_t{status.phase == Phase::serving});
  out.gauge("forager_journal_bytes", "Bytes in the journal.");
  out.sample({{"kind", status.journal_kind}}, status.journal_bytes);
  out.gauge("forager_journal_limit_bytes", "Bytes the journal may have.");
  out.sample({{"kind", status.journal_kind}}, status.journal_limit);
  out.gauge("forager_memory_used_bytes", "Bytes charged to the memory budget.");
  out.sample({}, status.memory_used);
  out.gauge("forager_memory_limit_bytes", "The memory budget.");
  out.sample({}, status.memory_limit);
  out.gauge("forager_process_resident_bytes", "Resident set size of the process.");
  out.sample({}, status.resident_bytes);
  out.gauge("forager_open_connections", "Open connections; gRPC does not tell its own.");
  for (const ReceiverStatus& r : status.receivers) {
    if (r.open_connections) {
      out.sample({{"protocol", r.protocol}}, std::uint64_t{*r.open_connections});
    }
  }
  out.gauge("forager_open_requests", "Requests that came and are not answered yet.");
  for (const ReceiverStatus& r : status.receivers) {
    out.sample({{"protocol", r.protocol}}, std::uint64_t{r.open_requests});
  }
  out.counter("forager_requests_received_total", "Requests of apps, by receiver and answer.");
  for (const CodeCount& c : status.received)
    out.sample({{"protocol", c.by}, {"code", c.code}}, c.count);
  out.counter("forager_requests_sent_total",
              "Requests to destinations, by HTTP status; none: no answer came.");
  for (const CodeCount& c : status.sent)
    out.sample({{"destination", c.by}, {"code", c.code}}, c.count);
}

}  // namespace

std::string render_metrics(const Status& status, const ledger::Ledger& of,
                           const ledger::HeldItems& held) {
  Exposition out;
  write_process(out, status);
  write_door(out, of);
  write_books(out, of, held);
  write_destinations(out, status);
  return out.take();
}

}  // namespace forager::admin
