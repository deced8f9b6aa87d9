#include "config/help.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "config/exit_codes.h"
#include "config/settings.h"

namespace forager::config {
namespace {

constexpr std::size_t columns = 80;

constexpr std::string_view head =
    R"(Forager carries your app's OpenTelemetry: the app sends OTLP to localhost,
Forager keeps, batches, signs and delivers it.

  HONEYCOMB_API_KEY=... forager   run, deliver to Honeycomb
  forager                         run without a key: look at localhost:13133
  forager check                   look at all settings, start nothing

Apps send to localhost:4318 (OTLP/HTTP) or localhost:4317 (OTLP/gRPC), where
their SDKs send by default.

Commands:
  run            Receive and deliver until SIGTERM. Without a command: this.
  check          Check all settings and files, start nothing.
  config         Each effective setting and where it comes from.
                 --json as JSON; --reference the reference page as Markdown.
  healthcheck    Ask the Forager of these settings whether it is well.
                 --live (default) or --ready; --url http://HOST:PORT asks there.
  demo           Send sample traces, metrics and logs.
                 --endpoint URL (default: http://localhost:4318).
  doctor         Ask every destination whether it would take what comes:
                 address, credentials, permissions, clock. --json as JSON;
                 --create makes log groups that are missing, to try that too.
  journal        Look at what is kept on disk, of a Forager that runs or not.
                 All take --json.
    ls           What each destination holds, and in which files.
    show [N]     Records as OTLP/JSON: number N, else the first of those held.
                 --destination NAME, --signal NAME, --limit N (default: 10),
                 --quarantined (what a destination refuses)
    verify       Check every checksum; exit 1 with a table if there is damage.
    export DIR   Write what is held as OTLP files for other tools.
                 --destination NAME, --signal NAME, --format json|proto,
                 --quarantined
    replay FILE  Send exported files, one or more, to the Forager that runs.
                 --signal NAME
    replay --quarantined [NUMBER...]
                 Send what is in quarantine to its destination again.
                 --destination NAME
    drop         Give up what a destination holds. --destination NAME, --yes,
                 --before 2h (older than that) or 2026-11-24T06:00:00Z;
                 --quarantined [NUMBER...] gives up what is in quarantine
    release NAME Give up all that a destination holds which was taken out of the
                 settings. --yes
  version, help  What they say; so do --version (-V) and --help (-h).
  completion     Print the completions of a shell: bash, zsh or fish.
  man            Print the manual page: forager man >forager.1

Settings, as flag, environment variable, and in the file of --config. A flag
counts more than the environment, the environment more than the file.
)";

constexpr std::string_view page_head = R"(# Configuration

<!-- Written by `forager config --reference`; a test holds it against the table in proxy/config/table.cpp. -->

With only `HONEYCOMB_API_KEY` set, everything works. Every setting is a flag, an environment variable and a key of the YAML
file that `--config` or `FORAGER_CONFIG` names; a flag counts more than the environment, the environment more than the file, the
file more than the default. `forager check` finds everything that is wrong, `forager config` shows each effective value and where it
comes from.

- **Durations** have a unit: `200ms`, `8s`, `5m`, `1h30m`, `7d`. A bare number is refused, since both seconds and milliseconds are
  usual; `0` needs none.
- **Sizes** are bytes, or have a unit: `64MiB` and `64Mi` count in 1024s, `5MB` in 1000s. Single letters are refused.
- **Addresses** are `localhost:4318` (127.0.0.1 and ::1), `[::1]:4318`, `10.0.0.7:4318`, `:4318` for all interfaces,
  `unix:/path`, or `off`. Port 0 takes any free port.
- **Lists** have commas: `a,b`. In the file they may be YAML lists.
- **Destinations** are `honeycomb`, `xray` (traces), `cloudwatch` (logs), `rollbar` (exceptions and error logs), `otlp` (any backend)
  and `hive` (the last minutes in memory, at the admin address). When nobody says, everyone gets what it can take whose credentials
  are set. `honeycomb,xray` sends every signal to whoever of them takes it; `traces=honeycomb,xray;logs=hive` decides by signal, and
  a signal that isn't named has no destination; `honeycomb;logs=hive` names one for the signals that aren't named; `metrics=none` is
  nowhere on purpose.
- **Secrets** are never flags, since everybody on a machine can read command lines, and are never shown.
- An environment variable that is empty counts as not set. A `FORAGER_` variable that isn't listed here is an error; Kubernetes' own
  (`FORAGER_SERVICE_HOST`, `FORAGER_PORT`, ...) are ignored.
- In the file `${env:NAME}` stands for a variable, `${env:NAME:-value}` for one with a default.

```yaml
# forager.yaml
destinations:
  traces: [honeycomb, xray, rollbar]
  metrics: honeycomb
  logs: [honeycomb, cloudwatch, rollbar]
memory_limit: 512MiB
honeycomb:
  api_key_file: /run/secrets/honeycomb
  api_endpoint: https://api.eu1.honeycomb.io
aws:
  region: eu-west-1
rollbar:
  access_token_file: /run/secrets/rollbar
```
)";

/// `text` at words, each line indented and within the columns.
void wrap(std::string& out, std::string_view text, std::size_t indent) {
  std::size_t column = 0;
  while (!text.empty()) {
    const auto word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    if (column == 0 || column + 1 + word.size() > columns) {
      if (column != 0) out += '\n';
      out.append(indent, ' ');
      column = indent;
    } else {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
  }
  out += '\n';
}

void help_row(std::string& out, const Setting& one) {
  const std::string flag = one.secret ? std::string("  (no flag: secret)")
                                      : fmt::format("  --{} {}", one.flag, one.type);
  out += fmt::format("{:<41} {}\n", flag, one.environment[0]);
  wrap(out, fmt::format("{} Default: {}.", one.text, default_text(one)), 6);
}

/// `a`, `b`
std::string in_code(const Setting& one) {
  std::string text = fmt::format("`{}`", one.environment[0]);
  if (!one.environment[1].empty()) text += fmt::format(", `{}`", one.environment[1]);
  return text;
}

void reference_group(std::string& out, Group group) {
  out += fmt::format(
      "\n## {}\n\n| Setting | Environment | File | Default | What it is |\n"
      "|---|---|---|---|---|\n",
      title(group));
  for (const Setting& one : settings()) {
    if (one.group != group) continue;
    const bool literal = one.automatic.empty();
    out += fmt::format(
        "| {} | {} | {} | {} | {} |\n",
        one.secret ? std::string("no flag: secret") : fmt::format("`--{}` {}", one.flag, one.type),
        in_code(one), one.key.empty() ? std::string("no") : fmt::format("`{}`", one.key),
        literal ? fmt::format("`{}`", default_text(one)) : default_text(one), one.text);
  }
}

}  // namespace

std::string help_text() {
  std::string out(head);
  for (const Group group : all_groups) {
    out += fmt::format("\n{}:\n", title(group));
    for (const Setting& one : settings()) {
      if (one.group == group) help_row(out, one);
    }
  }
  out += "\nForms:\n";
  std::vector<std::string_view> done;
  for (const Setting& one : settings()) {
    if (form_of(one).empty() || std::ranges::find(done, one.type) != done.end()) continue;
    done.push_back(one.type);
    out += fmt::format("  {:<10} {}\n", one.type, form_of(one));
  }
  out += "\nExit codes:\n";
  for (const ExitMeaning& row : exit_meanings) {
    std::string text;
    wrap(text, row.meaning, 6);
    out += fmt::format("  {:>2}{}", static_cast<int>(row.code), text.substr(4));
  }
  return out;
}

std::string reference_page() {
  std::string out(page_head);
  for (const Group group : all_groups) reference_group(out, group);
  out += "\n## Exit codes\n\n| Code | Meaning |\n|---|---|\n";
  for (const ExitMeaning& row : exit_meanings) {
    out += fmt::format("| {} | {} |\n", static_cast<int>(row.code), row.meaning);
  }
  return out;
}

}  // namespace forager::config
