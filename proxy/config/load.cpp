#include "config/load.h"

#include <fmt/format.h>

#include "config/cgroup.h"
#include "config/gather.h"
#include "config/report.h"
#include "config/resolve.h"
#include "config/values.h"

namespace forager::config {
namespace {

void read_key_file(Gathered& made, const Sources& sources) {
  if (made.config.honeycomb_key_file.empty() || made.is_wrong("honeycomb-api-key")) return;
  auto key = read_key(made.config.honeycomb_key_file, sources.read_file);
  const auto index = index_of(setting("honeycomb-api-key-file"));
  if (!key) {
    made.wrong[index] = true;
    made.errors.push_back(fmt::format("{}: {}", made.origins[index].text, key.error().what));
    return;
  }
  made.config.honeycomb_key = std::move(*key);
  made.origins[index_of(setting("honeycomb-api-key"))] = {
      made.origins[index].level,
      fmt::format("key file {}", in_quotes(made.config.honeycomb_key_file))};
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
  read_key_file(made, sources);
  look_at_ca_file(made, sources);
  made.config.state_dir = state_directory(sources);
  const Secret key = made.config.honeycomb_key;
  const Secret raw(sources.env("HONEYCOMB_API_KEY").value_or(""));
  auto outcome = resolve(std::move(made), cgroup_memory_limit(sources.read_file));
  for (const std::string_view secret : {key.reveal(), trimmed(raw.reveal())}) {
    if (outcome) {
      hide(outcome->warnings, secret);
      for (Origin& origin : outcome->origins) origin.text = masked(origin.text, secret);
    }
  }
  if (outcome) return outcome;
  Errors errors = outcome.error();
  for (const std::string_view secret : {key.reveal(), trimmed(raw.reveal())}) {
    hide(errors.all, secret);
  }
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
  return JournalPlace{data_directories(made.config), made.config.admin, made.config.otlp_http};
}

}  // namespace forager::config
