// `forager journal show`: held records as OTLP/JSON.
#include <charconv>

#include <fmt/format.h>

#include "base/iso_time.h"
#include "base/json_writer.h"
#include "config/values.h"
#include "otlp/json_out.h"
#include "tools/journal_tool.h"
#include "tools/pretty.h"
#include "tools/quarantine.h"
#include "tools/running.h"
#include "tools/table.h"

namespace forager::tools {
namespace {

constexpr std::size_t usual_limit = 10;

std::optional<std::uint64_t> number(const std::string& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value == 0) return std::nullopt;
  return value;
}

std::string as_json(const Call& call, const journal::Record& record,
                    const journal::BodyRead& body) {
  JsonWriter json;
  json.begin_object().member("position", record.position);
  json.member("signal", facts(record.signal).name).member("items", record.items);
  json.member("bytes", record.bytes()).member("arrived", iso_time(record.arrived));
  json.key("held_for").begin_object();
  for (const auto& [name, items] : call.stored.holders(record.position)) json.member(name, items);
  json.end_object();
  if (body.body.empty()) {
    json.key("request").null().member("error", body.why);
  } else {
    json.key("request").raw(otlp::protobuf_to_json(record.signal, body.body.view()));
  }
  json.end_object();
  return json.take() + "\n";
}

std::string as_text(const Call& call, const journal::Record& record,
                    const journal::BodyRead& body) {
  std::string out = fmt::format("record {}: {} {}, {}, arrived {}, held for", record.position,
                                record.items, facts(record.signal).items,
                                readable_bytes(record.bytes()), iso_time(record.arrived));
  const char* comma = " ";
  for (const auto& [name, items] : call.stored.holders(record.position)) {
    out += comma + name;
    if (items != record.items) out += fmt::format(" ({} of them)", items);
    comma = ", ";
  }
  out += '\n';
  if (body.body.empty()) return out + "can't be read: " + body.why + "\n";
  return out + pretty_json(otlp::protobuf_to_json(record.signal, body.body.view())) + "\n";
}

config::Printed show_quarantined(const Call& call, const Stored::Filter& filter) {
  if (filter.position != 0) return usage("a position and --quarantined at once; give one of them");
  config::Printed made;
  std::size_t shown = 0;
  const auto done = each_quarantined(call, [&](std::string_view line) {
    const bool wanted =
        (filter.destination.empty() || word_of(line, "destination") == filter.destination) &&
        (!filter.signal || word_of(line, "signal") == facts(*filter.signal).name);
    if (!wanted || shown == filter.limit) return Result<void>();
    ++shown;
    made.out += (call.command.json ? std::string(line) : pretty_json(line)) + "\n";
    return Result<void>();
  });
  if (!done) return failed(done.error().what);
  if (shown == 0 && !call.command.json) made.out = "Nothing is in quarantine.\n";
  return made;
}

}  // namespace

config::Printed show(Call& call) {
  Stored::Filter filter;
  filter.destination = call.with.destination;
  filter.limit = usual_limit;
  const auto signal = signal_named(call.with.signal);
  if (!signal) return usage(signal.error().what);
  filter.signal = *signal;
  if (call.with.words.size() > 1) {
    const auto position = number(call.with.words[1]);
    if (!position) return usage("a record's position is a number from 1 on");
    filter.position = *position;
  }
  if (!call.with.limit.empty()) {
    const auto limit = number(call.with.limit);
    if (!limit) return usage("--limit: write how many records, a number from 1 on");
    filter.limit = *limit;
  }
  if (call.with.quarantined) return show_quarantined(call, filter);
  const auto records = call.stored.records(filter);
  if (!records) return failed("--destination: " + records.error().what);
  if (filter.position != 0 && records->empty()) {
    return failed(fmt::format("nobody holds record {}; `forager journal show` lists what is held",
                              filter.position));
  }
  const auto bodies = call.stored.bodies(*records);
  config::Printed made;
  for (std::size_t i = 0; i < records->size(); ++i) {
    const journal::Record& record = *(*records)[i];
    made.out += call.command.json ? as_json(call, record, bodies[i])
                                  : as_text(call, record, bodies[i]) + "\n";
    if (bodies[i].body.empty()) made.code = config::ExitCode::failure;
  }
  if (records->empty() && !call.command.json) made.out = "Nothing is held.\n";
  if (records->size() == filter.limit && !call.command.json && filter.position == 0)
    made.out += "There may be more; --limit N shows N records.\n";
  return made;
}

}  // namespace forager::tools
