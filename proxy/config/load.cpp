#include "config/load.h"

#include <algorithm>

#include <fmt/format.h>

#include "config/cgroup.h"
#include "config/gather.h"
#include "config/report.h"
#include "config/resolve.h"
#include "config/values.h"

namespace forager::config {
namespace {

void read_key_file(Gathered& made, const Sources& sources, const KeySetting& of) {
  const std::string& path = made.config.*of.file;
  if (path.empty() || made.is_wrong(of.flag)) return;
  auto key = read_key(of, path, sources.read_file);
  const auto index = index_of(setting(of.file_flag));
  if (!key) {
    made.wrong[index] = true;
    made.errors.push_back(fmt::format("{}: {}", made.origins[index].text, key.error().what));
    return;
  }
  made.config.*of.key = std::move(*key);
  made.origins[index_of(setting(of.flag))] = {made.origins[index].level,
                                              fmt::format("{} file {}", of.noun, in_quotes(path))};
}

/// What says that somebody wants AWS: the variables of its SDKs for credentials. Those of an
/// instance need none, and are used when a destination is named.
std::string aws_credentials(const Sources& sources) {
  for (const std::string_view name :
       {"AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_SHARED_CREDENTIALS_FILE",
        "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI"}) {
    if (!trimmed(sources.env(name).value_or("")).empty()) return std::string(name);
  }
  return {};
}

/// Asked for only where it is needed: it may take a file, or a question to ECS or the instance.
void find_region(Gathered& made, const Sources& sources) {
  const auto names_aws = [](const std::string& entry) {
    return entry.ends_with("xray") || entry.ends_with("cloudwatch");
  };
  const bool wanted = !made.config.aws_credentials.empty() ||
                      std::ranges::any_of(made.config.destinations, names_aws);
  if (!wanted || !made.config.aws_region.empty() || made.is_wrong("aws-region")) return;
  if (!sources.find_region) return;
  auto found = sources.find_region();
  made.config.aws_region = std::move(found.first);
  made.origins[index_of(setting("aws-region"))] = {Level::automatic, std::move(found.second)};
}

/// Every secret that must not come out of some other place it was put into.
std::vector<Secret> secrets_of(const Config& config, const Sources& sources) {
  std::vector<Secret> made{config.honeycomb_key, config.rollbar_token, config.otlp_headers};
  if (const auto headers = parse_headers(config.otlp_headers.reveal())) {
    for (const auto& [name, value] : *headers) made.push_back(value);
  }
  for (const std::string_view name :
       {"HONEYCOMB_API_KEY", "ROLLBAR_ACCESS_TOKEN", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN"}) {
    made.emplace_back(std::string(trimmed(sources.env(name).value_or(""))));
  }
  return made;
}

/// A wrong CA file would make every connection fail later, one by one.
void look_at_ca_file(Gathered& made, const Sources& sources) {
  if (made.config.ca_file.empty()) return;
  const auto& place = made.origins[index_of(setting("ssl-cert-file"))].text;
  const auto content = sources.read_file(made.config.ca_file);
  if (!content) {
    made.errors.push_back(fmt::format("{}: {} {}; name a PEM file, or leave it out", place,
                                      in_quotes(made.config.ca_file), content.error().what));
  } else if (content->find("-----BEGIN") == std::string::npos) {
    made.errors.push_back(
        fmt::format("{}: {} holds no PEM certificates; name a PEM file, or leave "
                    "it out",
                    place, in_quotes(made.config.ca_file)));
  }
}

/// A key that was put into some other place too must not come out of there, whatever its shape.
void hide(std::vector<std::string>& texts, std::string_view key) {
  for (std::string& text : texts) text = masked(std::move(text), key);
}

std::string state_directory(const Sources& sources) {
  if (const auto state = sources.env("XDG_STATE_HOME"); state && state->starts_with('/')) {
    return *state + "/forager";
  }
  if (const auto home = sources.env("HOME"); home && home->starts_with('/')) {
    return *home + "/.local/state/forager";
  }
  return {};
}

}  // namespace

Outcome load(const Sources& sources) {
  Gathered made = gather(sources);
  for (const KeySetting& one : key_settings) read_key_file(made, sources, one);
  look_at_ca_file(made, sources);
  made.config.state_dir = state_directory(sources);
  made.config.aws_credentials = aws_credentials(sources);
  find_region(made, sources);
  const std::vector<Secret> secrets = secrets_of(made.config, sources);
  auto outcome = resolve(std::move(made), cgroup_memory_limit(sources.read_file));
  for (const Secret& secret : secrets) {
    if (outcome) {
      hide(outcome->warnings, secret.reveal());
      for (Origin& origin : outcome->origins) origin.text = masked(origin.text, secret.reveal());
    }
  }
  if (outcome) return outcome;
  Errors errors = outcome.error();
  for (const Secret& secret : secrets) hide(errors.all, secret.reveal());
  return errors;
}

Result<Listen> load_admin_listen(const Sources& sources, std::string_view url) {
  if (!url.empty()) {
    auto asked = parse_admin_url(url);
    if (asked) return asked;
    return fault(fmt::format("--url: {} {}", in_quotes(url), asked.error().what));
  }
  const Gathered made = gather(sources);
  if (made.is_wrong("admin-listen")) {
    return fault("the admin address is wrong; `forager check` says how");
  }
  if (made.config.admin.off) {
    return fault(fmt::format("the admin listener is off ({}), so its health can't be asked for",
                             made.origins[index_of(setting("admin-listen"))].text));
  }
  return made.config.admin;
}

std::vector<std::string> data_directories(const Config& config) {
  if (!config.data_dir.empty()) return {config.data_dir};
  std::vector<std::string> made{"/var/lib/forager"};
  if (!config.state_dir.empty()) made.push_back(config.state_dir);
  return made;
}

Result<JournalPlace> load_journal_place(const Sources& sources) {
  Gathered made = gather(sources);
  for (const char* name : {"data-dir", "admin-listen", "otlp-http-listen"}) {
    if (made.is_wrong(name)) {
      return fault(fmt::format("the setting {} is wrong; `forager check` says how", name));
    }
  }
  made.config.state_dir = state_directory(sources);
  return JournalPlace{data_directories(made.config), made.config.admin, made.config.otlp_http,
                      made.is_wrong("journal-bytes") ? 0 : made.config.journal_bytes};
}

}  // namespace forager::config
