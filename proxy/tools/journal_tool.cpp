#include "tools/journal_tool.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "config/nearest.h"
#include "config/values.h"
#include "journal/posix_files.h"
#include "tools/quarantine.h"
#include "tools/replay.h"

namespace forager::tools {
namespace {

using config::JournalWords;
using config::Printed;

constexpr std::size_t any_number = 1U << 20U;

struct Row {
  std::string_view name;
  Printed (*run)(Call&);
  std::string_view flags;  ///< those it takes beside --json and settings, with a space each
  std::size_t words;       ///< beside its name, at most
};
constexpr std::array<Row, 7> rows{{
    {"ls", list, "", 0},
    {"show", show, "--destination --signal --limit --quarantined ", 1},
    {"verify", verify, "", 0},
    {"export", export_files, "--destination --signal --format --quarantined ", 1},
    {"replay", replay_quarantined, "--signal --destination --quarantined ", any_number},
    {"drop", drop, "--destination --before --quarantined --yes ", any_number},
    {"release", release, "--yes ", 1},
}};

/// A flag that means nothing to the command; empty: none.
std::string_view foreign(const JournalWords& with, std::string_view flags) {
  const std::array<std::pair<bool, std::string_view>, 7> given{{
      {!with.destination.empty(), "--destination "},
      {!with.signal.empty(), "--signal "},
      {!with.format.empty(), "--format "},
      {!with.before.empty(), "--before "},
      {!with.limit.empty(), "--limit "},
      {with.quarantined, "--quarantined "},
      {with.yes, "--yes "},
  }};
  for (const auto& [is, flag] : given) {
    if (is && flags.find(flag) == flags.npos) return flag.substr(0, flag.size() - 1);
  }
  return {};
}

std::string names() {
  std::string all;
  for (const Row& row : rows) all += (all.empty() ? "" : ", ") + std::string(row.name);
  return all;
}

}  // namespace

Printed usage(std::string what) { return {"", what + "\n", config::ExitCode::usage}; }
Printed failed(std::string what) { return {"", what + "\n", config::ExitCode::failure}; }

Result<std::optional<Signal>> signal_named(const std::string& name) {
  if (name.empty()) return std::optional<Signal>();
  for (const Signal signal : all_signals) {
    if (facts(signal).name == name) return std::optional(signal);
  }
  return fault(fmt::format("--signal: {} is none; write traces, metrics, logs or segments",
                           config::in_quotes(name)));
}

Printed run_journal(const config::Command& command, const config::JournalPlace& settings) {
  const JournalWords& with = command.journal;
  if (with.words.empty()) return usage("forager journal needs a command: " + names());
  const std::string& name = with.words.front();
  const auto row = std::ranges::find_if(rows, [&](const Row& one) { return one.name == name; });
  if (row == rows.end()) {
    return usage(fmt::format("unknown command {} of forager journal; there are {}",
                             config::in_quotes(name), names()));
  }
  if (with.words.size() > row->words + 1) {
    return usage(fmt::format("unexpected {} after forager journal {}; leave it out",
                             config::in_quotes(with.words[row->words + 1]), name));
  }
  if (const auto flag = foreign(with, row->flags); !flag.empty()) {
    return usage(fmt::format("{} means nothing to forager journal {}; leave it out", flag, name));
  }
  if (name == "replay" && !with.quarantined) return replay(command, settings);
  auto place = find_place(settings.directories);
  if (!place) return failed(place.error().what);
  journal::PosixFiles files(place->directory);
  Stored stored(files);
  if (const auto read = stored.read(); !read) return failed(read.error().what);
  Call call{command, with, settings, std::move(*place), stored};
  return row->run(call);
}

}  // namespace forager::tools
