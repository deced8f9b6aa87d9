#include "config/man.h"

#include <algorithm>

#include <fmt/format.h>

#include "config/cli_words.h"
#include "config/exit_codes.h"
#include "config/settings.h"

namespace forager::config {
namespace {

/// A manual page shows a date; this is the one on which the texts below were last written.
constexpr std::string_view written = "2026-11-24";

constexpr std::string_view about =
    "Apps send OTLP to localhost:4318 (OTLP/HTTP) or localhost:4317 (OTLP/gRPC) and hold no key. "
    "Forager keeps what it has answered 200 to on disk, batches it, adds the key and delivers it. "
    "With HONEYCOMB_API_KEY alone everything works; without any key, what arrives is shown at "
    "http://localhost:13133.";
constexpr std::string_view about_settings =
    "Each is a flag, an environment variable, and a key of the YAML file of --config. A flag "
    "counts more than the environment, the environment more than the file.";

/// Hyphens that may be copied, backslashes as they are.
std::string troff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
  }
  return out;
}

/// A paragraph in lines of at most 80 bytes, none of which troff takes for a request.
std::string paragraph(std::string_view text) {
  constexpr std::size_t width = 80;
  const std::string escaped = troff(text);
  std::string_view left = escaped;
  std::string out;
  std::size_t column = 0;
  while (!left.empty()) {
    const auto word = left.substr(0, left.find(' '));
    left.remove_prefix(std::min(word.size() + 1, left.size()));
    if (column != 0) {
      const bool fits = column + 1 + word.size() <= width;
      out += fits ? ' ' : '\n';
      column = fits ? column + 1 : 0;
    }
    if (column == 0 && (word.starts_with('.') || word.starts_with('\''))) out += "\\&";
    out += word;
    column += word.size();
  }
  return out + "\n";
}

void flag_entry(std::string& out, const FlagWords& one) {
  out += ".TP\n.B ";
  if (!one.short_name.empty()) out += troff(one.short_name) + ", ";
  out += troff(one.name);
  if (!one.value.empty()) out += fmt::format(" \\fI{}\\fR", troff(one.value));
  out += "\n" + paragraph(one.text);
}

void commands(std::string& out, const CommandLine& line) {
  out += ".SH COMMANDS\n";
  for (const CommandWords& one : line.commands) {
    out += fmt::format(".SS {}\n", one.name) + paragraph(one.text);
    if (!one.takes_settings) out += "It takes no settings.\n";
    for (const WordText& word : one.words) {
      out += fmt::format(".TP\n.B {} {}\n", one.name, word.word) + paragraph(word.text);
    }
    for (const FlagWords& flag : one.flags) flag_entry(out, flag);
  }
  out += ".SS Every command\n";
  bool first = true;
  for (const FlagWords& flag : line.everywhere) {
    // mandoc asks that a subsection doesn't begin with a paragraph's macro alone
    if (first) out += "These flags end it at once:\n";
    first = false;
    flag_entry(out, flag);
  }
}

void setting_entry(std::string& out, const Setting& one) {
  out += ".TP\n.B ";
  if (!one.secret)
    out +=
        fmt::format("{} \\fI{}\\fR\\fB, ", troff(fmt::format("--{}", one.flag)), troff(one.type));
  out += one.environment[0];
  if (!one.environment[1].empty()) out += fmt::format(", {}", one.environment[1]);
  if (!one.key.empty()) out += fmt::format("\\fR, in the file \\fB{}", one.key);
  const std::string value = default_text(one);
  out += "\\fR\n" + paragraph(one.text) +
         paragraph(fmt::format("Default: {}.", value.empty() ? "none" : value));
  if (one.secret) out += "It is a secret, so there is no flag.\n";
}

}  // namespace

std::string man_page(std::string_view version) {
  std::string out = fmt::format(
      ".\\\" Written by `forager man`.\n"
      ".TH FORAGER 1 {} \"Forager {}\" \"User Commands\"\n"
      ".SH NAME\nforager \\- sidecar that carries OpenTelemetry\n"
      ".SH SYNOPSIS\n.B forager\n[\\fIcommand\\fR] [\\fB\\-\\-\\fIsetting\\fR \\fIvalue\\fR]...\n"
      ".SH DESCRIPTION\n",
      written, version);
  out += paragraph(about);
  commands(out, describe_command_line());
  out += ".SH SETTINGS\n" + paragraph(about_settings);
  for (const Group group : all_groups) {
    bool any = false;
    for (const Setting& one : settings()) {
      if (one.group != group) continue;
      if (!any) out += fmt::format(".SS {}\n", title(group));
      any = true;
      setting_entry(out, one);
    }
  }
  out += ".SH EXIT STATUS\n";
  for (const ExitMeaning& row : exit_meanings) {
    out += fmt::format(".TP\n.B {}\n", static_cast<int>(row.code));
    out += paragraph(row.meaning);
  }
  out +=
      ".SH FILES\n.TP\n.I /var/lib/forager\n"
      "The journal, where it can be written and no other directory is set.\n"
      ".SH EXAMPLES\n"
      "Deliver to Honeycomb:\n.PP\n.RS\n.nf\nHONEYCOMB_API_KEY_FILE=/run/secrets/honeycomb "
      "forager\n.fi\n.RE\n"
      ".PP\nLook at all settings, start nothing:\n.PP\n.RS\n.nf\nforager check\n.fi\n.RE\n";
  return out;
}

}  // namespace forager::config
