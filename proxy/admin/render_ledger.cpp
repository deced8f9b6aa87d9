#include <fmt/format.h>

#include "admin/render.h"
#include "base/json_writer.h"

namespace forager::admin {

namespace {

using ledger::Book;
using ledger::Reason;
using ledger::ReasonFacts;
using ledger::State;

/// The final states of a destination's items, in the order they are shown.
constexpr State final_states[] = {State::delivered, State::rejected, State::quarantined,
                                  State::expired,   State::filtered, State::lost};

void write_count(JsonWriter& json, std::string_view name, const ledger::Count& count) {
  json.key(name).begin_object();
  json.member("requests", count.requests).member("items", count.items);
  json.end_object();
}

void write_reason(JsonWriter& json, const ReasonFacts& reason, std::uint64_t items,
                  std::optional<std::uint64_t> requests) {
  json.begin_object();
  json.member("state", ledger::name(reason.state)).member("reason", reason.label);
  if (requests) json.member("requests", *requests);
  json.member("items", items).member("meaning", reason.sentence);
  json.end_object();
}

void write_door(JsonWriter& json, const ledger::Door& door, Signal signal) {
  json.begin_object();
  json.member("signal", facts(signal).name);
  write_count(json, "offered", door.offered(signal));
  write_count(json, "accepted", door.accepted(signal));
  write_count(json, "not_routed", door.not_routed(signal));
  json.member("repaired_strings", door.repaired(signal));
  json.key("refused").begin_array();
  for (const ReasonFacts& reason : ledger::reasons()) {
    if (reason.state != State::refused) continue;
    const ledger::Count count = door.refused(signal, reason.reason);
    if (count.requests != 0) write_reason(json, reason, count.items, count.requests);
  }
  json.end_array().end_object();
}

void write_book(JsonWriter& json, const Book& book, Signal signal, const ledger::HeldItems& held) {
  json.begin_object();
  json.member("destination", book.destination()).member("signal", facts(signal).name);
  json.member("accepted", book.accepted(signal));
  json.member("recovered", book.recovered(signal));
  for (const State state : final_states)
    json.member(ledger::name(state), book.count(signal, state));
  json.member("held", held(book.destination(), signal));
  json.key("reasons").begin_array();
  for (const ReasonFacts& reason : ledger::reasons()) {
    const bool at_door = reason.state == State::refused;
    const std::uint64_t items = at_door ? 0 : book.count(signal, reason.reason);
    if (items != 0) write_reason(json, reason, items, std::nullopt);
  }
  json.end_array().end_object();
}

std::string door_row(const ledger::Door& door, Signal signal) {
  const ledger::Count offered = door.offered(signal);
  const ledger::Count accepted = door.accepted(signal);
  return fmt::format("{:<8} {:>12} {:>12} {:>12} {:>14} {:>14}\n", facts(signal).name,
                     offered.requests, accepted.requests, offered.requests - accepted.requests,
                     offered.items, accepted.items);
}

std::string book_row(const Book& book, Signal signal, const ledger::HeldItems& held) {
  std::string row = fmt::format("{:<16} {:<8} {:>12}", book.destination(), facts(signal).name,
                                book.accepted(signal));
  for (const State state : final_states) row += fmt::format(" {:>12}", book.count(signal, state));
  return row + fmt::format(" {:>12}\n", held(book.destination(), signal));
}

std::string reason_rows(const ledger::Ledger& of) {
  std::string rows;
  for (const ReasonFacts& reason : ledger::reasons()) {
    for (const Signal signal : of.shown()) {
      if (reason.state == State::refused) {
        const ledger::Count count = of.door().refused(signal, reason.reason);
        if (count.requests == 0) continue;
        rows += fmt::format("door, {}: {} requests refused ({}): {}\n", facts(signal).name,
                            count.requests, reason.label, reason.sentence);
        continue;
      }
      if (reason.reason == Reason::delivered) continue;
      for (const auto& book : of.books()) {
        const std::uint64_t items = book->count(signal, reason.reason);
        if (items == 0) continue;
        rows += fmt::format("{}, {}: {} {} ({}): {}\n", book->destination(), facts(signal).name,
                            items, ledger::name(reason.state), reason.label, reason.sentence);
      }
    }
  }
  return rows;
}

}  // namespace

std::string render_ledger(const ledger::Ledger& of, const ledger::HeldItems& held) {
  JsonWriter json;
  json.begin_object();
  json.key("door").begin_array();
  for (const Signal signal : of.shown()) write_door(json, of.door(), signal);
  json.end_array();
  json.key("destinations").begin_array();
  for (const auto& book : of.books()) {
    for (const Signal signal : of.shown()) write_book(json, *book, signal, held);
  }
  json.end_array();
  const std::string wrong = ledger::imbalance(of, held);
  json.member("balanced", wrong.empty());
  if (!wrong.empty()) json.member("imbalance", wrong);
  json.end_object();
  return json.take() + "\n";
}

std::string render_ledger_text(const ledger::Ledger& of, const ledger::HeldItems& held) {
  std::string text = fmt::format("{:<8} {:>12} {:>12} {:>12} {:>14} {:>14}\n", "door", "requests",
                                 "accepted", "refused", "items offered", "items accepted");
  for (const Signal signal : of.shown()) text += door_row(of.door(), signal);
  text += fmt::format("\n{:<16} {:<8} {:>12}", "destination", "signal", "accepted");
  for (const State state : final_states) text += fmt::format(" {:>12}", ledger::name(state));
  text += fmt::format(" {:>12}\n", "held");
  for (const auto& book : of.books()) {
    for (const Signal signal : of.shown()) text += book_row(*book, signal, held);
  }
  if (const std::string rows = reason_rows(of); !rows.empty()) text += "\n" + rows;
  const std::string wrong = ledger::imbalance(of, held);
  text += wrong.empty() ? "\nThe books balance.\n" : "\nTHE BOOKS DO NOT BALANCE:\n" + wrong + "\n";
  return text;
}

}  // namespace forager::admin
