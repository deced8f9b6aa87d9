#include "config/report.h"

#include <algorithm>

#include <fmt/format.h>

#include "config/gather.h"
#include "config/values.h"

namespace forager::config {
namespace {

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string value_of(const Setting& one, const Config& config) {
  std::string text = one.field.get(config);
  for (const KeySetting& key : key_settings) {
    text = masked(std::move(text), (config.*key.key).reveal());
  }
  return text;
}

std::string table(const Loaded& loaded) {
  std::size_t widest_flag = 0;
  std::size_t widest_value = 0;
  for (const Setting& one : settings()) {
    widest_flag = std::max(widest_flag, one.flag.size());
    widest_value = std::max(widest_value, value_of(one, loaded.config).size());
  }
  widest_value = std::min<std::size_t>(widest_value, 32);
  std::string out =
      fmt::format("{:<{}}  {:<{}}  {}\n", "setting", widest_flag, "value", widest_value, "from");
  for (const Setting& one : settings()) {
    const std::string value = value_of(one, loaded.config);
    out += fmt::format("{:<{}}  {:<{}}  {}\n", one.flag, widest_flag, value.empty() ? "-" : value,
                       widest_value, loaded.origins[index_of(one)].text);
  }
  return out;
}

std::string json_table(const Loaded& loaded) {
  std::string out = "[\n";
  for (const Setting& one : settings()) {
    out += fmt::format(
        "  {{\"setting\": {}, \"value\": {}, \"from\": {}, \"environment\": {}, \"key\": {}}}{}\n",
        json_string(one.flag), json_string(value_of(one, loaded.config)),
        json_string(loaded.origins[index_of(one)].text), json_string(one.environment[0]),
        json_string(one.key), &one == &settings().back() ? "" : ",");
  }
  return out + "]\n";
}

std::string warnings_text(const Loaded& loaded) {
  std::string out;
  for (const std::string& warning : loaded.warnings) out += fmt::format("warning: {}\n", warning);
  return out;
}

}  // namespace

std::string masked(std::string text, std::string_view secret) {
  // Shorter ones would blank out ordinary words, and are no keys.
  if (secret.size() < 8) return text;
  for (auto at = text.find(secret); at != std::string::npos; at = text.find(secret)) {
    text.replace(at, secret.size(), "[secret]");
  }
  return text;
}

std::string errors_text(const Errors& errors) {
  std::string out =
      errors.all.size() == 1
          ? std::string("forager: the configuration has an error:\n")
          : fmt::format("forager: the configuration has {} errors:\n", errors.all.size());
  for (const std::string& error : errors.all) out += fmt::format("  {}\n", error);
  return out;
}

std::vector<std::string> summary(const Loaded& loaded) {
  const Config& c = loaded.config;
  std::vector<std::string> lines{fmt::format("OTLP/HTTP     {}", format_listen(c.otlp_http)),
                                 fmt::format("OTLP/gRPC     {}", format_listen(c.otlp_grpc)),
                                 fmt::format("admin         {}", format_listen(c.admin)),
                                 fmt::format("destinations  {} ({})", format_routes(loaded.routes),
                                             loaded.origin("destinations").text)};
  const auto used = loaded.routes.all();
  if (std::ranges::find(used, "honeycomb") != used.end()) {
    lines.push_back(fmt::format(
        "honeycomb     {}, key from {}", value_of(setting("honeycomb-api-endpoint"), c),
        c.honeycomb_key.empty() ? "the apps" : loaded.origin("honeycomb-api-key").text));
  }
  const auto wants = [&](std::string_view name) {
    return std::ranges::find(used, name) != used.end();
  };
  if (wants("xray") || wants("cloudwatch")) {
    lines.push_back(fmt::format("AWS           region {}, credentials from {}", c.aws_region,
                                c.aws_credentials.empty() ? "the instance" : c.aws_credentials));
  }
  if (wants("cloudwatch")) {
    lines.push_back(fmt::format("cloudwatch    group {}, stream {}", c.cloudwatch_log_group,
                                c.cloudwatch_log_stream));
  }
  if (wants("rollbar")) {
    lines.push_back(fmt::format("rollbar       {}, token from {}", c.rollbar_endpoint,
                                loaded.origin("rollbar-access-token").text));
  }
  if (wants("otlp")) lines.push_back(fmt::format("otlp          {}", c.otlp_endpoint));
  lines.push_back(fmt::format("memory        {} ({})", format_size(c.memory_limit),
                              loaded.origin("memory-limit").text));
  lines.push_back(
      c.journal == JournalKind::memory
          ? fmt::format(
                "journal       in memory, {}: what is in it at the end of the process is lost",
                format_size(c.journal_bytes))
          : fmt::format("journal       {}, in {}",
                        c.journal == JournalKind::disk ? "on disk" : "on disk if it can be written",
                        c.data_dir.empty() ? "the standard directory" : c.data_dir));
  return lines;
}

Printed check(const Outcome& outcome) {
  if (!outcome) return {{}, errors_text(outcome.error()), ExitCode::usage};
  std::string out = "configuration is fine\n";
  for (const std::string& line : summary(*outcome)) out += fmt::format("  {}\n", line);
  return {out, warnings_text(*outcome), ExitCode::ok};
}

Printed show(const Outcome& outcome, bool json) {
  if (!outcome) return {{}, errors_text(outcome.error()), ExitCode::usage};
  return {json ? json_table(*outcome) : table(*outcome), warnings_text(*outcome), ExitCode::ok};
}

}  // namespace forager::config
