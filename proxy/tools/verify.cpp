// `forager journal verify`: every checksum, and what each damage means for the items.
#include <algorithm>

#include <fmt/format.h>

#include "base/json_writer.h"
#include "tools/journal_tool.h"
#include "tools/table.h"

namespace forager::tools {
namespace {

using journal::Position;
using journal::Scan;

struct Finding {
  std::string file;
  std::size_t offset = 0;
  std::size_t bytes = 0;
  std::string meaning;
};

/// What lay between two frames: records are numbered, so those that are missing are known.
std::string meaning_of(const SegmentFacts& segment, const Scan::Damage& damage) {
  Position before = segment.first - 1;
  Position after = 0;
  for (const auto& at : segment.records) {
    if (at.offset < damage.offset) before = std::max(before, at.position);
    if (at.offset > damage.offset && after == 0) after = at.position;
  }
  if (after != 0 && after <= before + 1) {
    return "no record: where a destination had got to, or what it refused; what it had settled "
           "there "
           "may be sent again";
  }
  const std::string which =
      after == 0 ? fmt::format("from {} on", before + 1)
                 : (after == before + 2 ? fmt::format("{}", before + 1)
                                        : fmt::format("{} to {}", before + 1, after - 1));
  return fmt::format("records {}, unless settled already: see below for what is lost", which);
}

void look_at(const SegmentFacts& segment, bool open, std::vector<Finding>& found) {
  const auto add = [&](std::size_t offset, std::size_t bytes, std::string meaning) {
    found.push_back({segment.name, offset, bytes, std::move(meaning)});
  };
  if (segment.state == Scan::State::newer) {
    return add(0, segment.file_bytes,
               "not looked at: a newer Forager wrote it; run that version to deliver it");
  }
  if (!segment.error.empty() || segment.state == Scan::State::nothing) {
    return add(
        0, segment.file_bytes,
        segment.error.empty() ? "no part of it is valid: all its records are lost" : segment.error);
  }
  if (segment.state == Scan::State::headless) {
    add(0, journal::format::header_bytes, "the header: nothing is lost, the frames stand alone");
  }
  for (const Scan::Damage& damage : segment.damage)
    add(damage.offset, damage.bytes, meaning_of(segment, damage));
  if (segment.unfinished && !open) {
    add(segment.end, segment.file_bytes - segment.end,
        "a write that a crash cut off, which was never answered; or its last records are damaged");
  }
}

std::uint64_t lost_items(const ledger::Ledger& books) {
  std::uint64_t lost = 0;
  for (const auto& book : books.books()) {
    for (const Signal signal : all_signals) lost += book->count(signal, ledger::State::lost);
  }
  return lost;
}

std::string as_json(const Call& call, const std::vector<Finding>& found) {
  JsonWriter json;
  json.begin_object().member("directory", call.place.directory).member("good", found.empty());
  json.member("segments", call.stored.segments().size());
  json.member("lost_items", lost_items(call.stored.ledger()));
  json.key("damage").begin_array();
  for (const Finding& one : found) {
    json.begin_object().member("file", one.file).member("offset", one.offset);
    json.member("bytes", one.bytes).member("meaning", one.meaning).end_object();
  }
  json.end_array().key("losses").begin_array();
  for (const SegmentFacts& segment : call.stored.segments()) {
    for (const std::string& line : segment.news) json.value(line);
  }
  json.end_array().end_object();
  return json.take() + "\n";
}

std::vector<Finding> findings(Call& call) {
  std::vector<Finding> found;
  const auto& segments = call.stored.segments();
  for (const SegmentFacts& segment : segments) {
    const bool open = call.place.holder && &segment == &segments.back();
    const std::size_t before = found.size();
    look_at(segment, open, found);
    if (found.size() == before && !segment.news.empty()) {
      found.push_back({segment.name, segment.end, segment.file_bytes - segment.end,
                       "its last records are not there any more: see below"});
    }
  }
  return found;
}

}  // namespace

config::Printed verify(Call& call) {
  auto found = findings(call);
  // a commit may have been seen half written; what is damaged stays so
  for (int again = 0; again < 3 && call.place.holder && !found.empty(); ++again) {
    if (const auto read = call.stored.read(); !read) return failed(read.error().what);
    found = findings(call);
  }
  const auto code = found.empty() ? config::ExitCode::ok : config::ExitCode::failure;
  if (call.command.json) return {as_json(call, found), "", code};
  std::uint64_t records = 0;
  for (const SegmentFacts& segment : call.stored.segments()) records += segment.records.size();
  if (found.empty()) {
    return {fmt::format("{}: {} segments, {} records, every checksum holds\n", call.place.directory,
                        call.stored.segments().size(), records),
            "", code};
  }
  Table table({{"segment"}, {"offset", true}, {"bytes", true}, {"what it means"}});
  for (const Finding& one : found)
    table.add({one.file, fmt::to_string(one.offset), fmt::to_string(one.bytes), one.meaning});
  std::string out = table.text() + "\n";
  for (const SegmentFacts& segment : call.stored.segments()) {
    for (const std::string& line : segment.news) out += line + "\n";
  }
  out += fmt::format(
      "{} items are lost over all destinations; Forager books them so and delivers the rest.\n",
      lost_items(call.stored.ledger()));
  return {out, "", code};
}

}  // namespace forager::tools
