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
    for (const Signal signal : all_signals)
      json.member(facts(signal).name, stored.journal().held_items(id, signal));
    json.key("oldest");
    const auto oldest = oldest_of(stored, id);
    oldest ? json.value(iso_time(*oldest)) : json.null();
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
  Table held({{"destination"},
              {"records", true},
              {"spans", true},
              {"data points", true},
              {"log records", true},
              {"bytes", true},
              {"oldest"}});
  for (journal::CursorId id = 0; id < stored.journal().cursors(); ++id) {
    const journal::Held one = stored.journal().held(id);
    const auto oldest = oldest_of(stored, id);
    held.add({stored.journal().cursor_name(id), fmt::to_string(one.records),
              fmt::to_string(stored.journal().held_items(id, Signal::traces)),
              fmt::to_string(stored.journal().held_items(id, Signal::metrics)),
              fmt::to_string(stored.journal().held_items(id, Signal::logs)),
              readable_bytes(body_bytes(one)), oldest ? iso_time(*oldest) : "-"});
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
