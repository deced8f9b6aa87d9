// `forager journal ls`: what each destination holds, and the files it lies in.
#include <chrono>

#include <fmt/format.h>

#include "base/iso_time.h"
#include "base/json_writer.h"
#include "tools/journal_tool.h"
#include "tools/table.h"

namespace forager::tools {
namespace {

std::optional<WallTime> oldest_of(Stored& stored, journal::CursorId cursor) {
  std::optional<WallTime> oldest;
  for (const journal::Position position : stored.journal().held_positions(cursor)) {
    const WallTime arrived = stored.journal().find(position)->arrived;
    if (!oldest || arrived < *oldest) oldest = arrived;
  }
  return oldest;
}

std::size_t body_bytes(const journal::Held& held) {
  return held.bytes - static_cast<std::size_t>(held.records) * journal::record_overhead;
}

struct InQuarantine {
  std::uint64_t entries = 0;
  std::uint64_t items = 0;
  std::size_t bytes = 0;
};
InQuarantine quarantined_of(Stored& stored, const std::string& destination) {
  InQuarantine made;
  for (const auto& kept : stored.quarantine().kept()) {
    if (kept.what.destination != destination) continue;
    ++made.entries;
    made.items += kept.what.items();
    made.bytes += kept.what.bytes.size();
  }
  return made;
}

/// Most never have any, and then there is no column for them.
bool holds_segments(Stored& stored) {
  for (journal::CursorId id = 0; id < stored.journal().cursors(); ++id) {
    if (stored.journal().held_items(id, Signal::segments) != 0) return true;
  }
  return false;
}

std::string as_json(Call& call) {
  Stored& stored = call.stored;
  JsonWriter json;
  json.begin_object().member("directory", call.place.directory);
  json.key("held_open_by");
  call.place.holder ? json.value(*call.place.holder) : json.null();
  json.key("destinations").begin_array();
  for (journal::CursorId id = 0; id < stored.journal().cursors(); ++id) {
    const journal::Held held = stored.journal().held(id);
    json.begin_object().member("name", stored.journal().cursor_name(id));
    json.member("records", held.records).member("items", held.items);
    json.member("bytes", body_bytes(held));
    for (const Signal signal : all_signals) {
      const std::uint64_t items = stored.journal().held_items(id, signal);
      if (items != 0 || signal != Signal::segments) json.member(facts(signal).name, items);
    }
    json.key("oldest");
    const auto oldest = oldest_of(stored, id);
    oldest ? json.value(iso_time(*oldest)) : json.null();
    const InQuarantine bin = quarantined_of(stored, stored.journal().cursor_name(id));
    json.key("quarantined").begin_object().member("entries", bin.entries);
    json.member("items", bin.items).member("bytes", bin.bytes).end_object();
    json.end_object();
  }
  json.end_array().key("segments").begin_array();
  for (const SegmentFacts& segment : stored.segments()) {
    json.begin_object().member("file", segment.name).member("first_position", segment.first);
    json.member("file_bytes", segment.file_bytes).member("used_bytes", segment.end);
    json.member("records", segment.records.size()).member("held_records", segment.held);
    json.member("state", segment.state_name()).end_object();
  }
  json.end_array().end_object();
  return json.take() + "\n";
}

}  // namespace

config::Printed list(Call& call) {
  if (call.command.json) return {as_json(call), "", config::ExitCode::ok};
  Stored& stored = call.stored;
  std::string out = call.place.directory;
  if (!call.place.holder) {
    out += ": no Forager has it open\n\n";
  } else if (*call.place.holder == 0) {
    out += ": a Forager has it open\n\n";
  } else {
    out += fmt::format(": open in process {}\n\n", *call.place.holder);
  }
  const bool with_segments = holds_segments(stored);
  std::vector<Table::Column> columns{{"destination"},
                                     {"records", true},
                                     {"spans", true},
                                     {"data points", true},
                                     {"log records", true}};
  if (with_segments) columns.push_back({"X-Ray segments", true});
  columns.push_back({"bytes", true});
  columns.push_back({"oldest"});
  const bool with_quarantine = !stored.quarantine().kept().empty();
  if (with_quarantine) columns.push_back({"in quarantine", true});
  Table held(std::move(columns));
  for (journal::CursorId id = 0; id < stored.journal().cursors(); ++id) {
    const journal::Held one = stored.journal().held(id);
    const auto oldest = oldest_of(stored, id);
    std::vector<std::string> row{stored.journal().cursor_name(id), fmt::to_string(one.records)};
    for (const Signal signal : all_signals) {
      if (signal == Signal::segments && !with_segments) continue;
      row.push_back(fmt::to_string(stored.journal().held_items(id, signal)));
    }
    row.push_back(readable_bytes(body_bytes(one)));
    row.push_back(oldest ? iso_time(*oldest) : "-");
    if (with_quarantine) {
      const InQuarantine bin = quarantined_of(stored, stored.journal().cursor_name(id));
      row.push_back(fmt::to_string(bin.items));
    }
    held.add(std::move(row));
  }
  out += held.empty() ? "No destination has ever been used here.\n" : held.text();
  Table segments(
      {{"segment"}, {"records", true}, {"held", true}, {"used", true}, {"of", true}, {"state"}});
  for (const SegmentFacts& one : stored.segments()) {
    segments.add({one.name, fmt::to_string(one.records.size()), fmt::to_string(one.held),
                  readable_bytes(one.end), readable_bytes(one.file_bytes),
                  std::string(one.state_name())});
  }
  if (!segments.empty()) out += "\n" + segments.text();
  return {out, "", config::ExitCode::ok};
}

}  // namespace forager::tools
