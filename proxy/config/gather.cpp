#include "config/gather.h"

#include <algorithm>

#include <fmt/format.h>

#include "config/nearest.h"
#include "config/values.h"
#include "config/yaml.h"

namespace forager::config {
namespace {

/// Service links of Kubernetes: FORAGER_SERVICE_HOST, FORAGER_PORT_4318_TCP_ADDR and, for a service
/// named forager-x, FORAGER_X_SERVICE_PORT and FORAGER_X_PORT_4318_TCP. None of ours looks like
/// that.
bool is_service_link(std::string_view name) {
  if (name.starts_with("FORAGER_SERVICE_") || name.starts_with("FORAGER_PORT")) return true;
  if (name.find("_SERVICE_HOST") != std::string_view::npos ||
      name.find("_SERVICE_PORT") != std::string_view::npos || name.ends_with("_PORT")) {
    return true;
  }
  const auto port = name.find("_PORT_");
  return port != std::string_view::npos && port + 6 < name.size() && name[port + 6] >= '0' &&
         name[port + 6] <= '9';
}

class Gatherer {
 public:
  explicit Gatherer(const Sources& sources) : sources_(sources) {
    for (const Setting& one : settings()) {
      const bool plain = one.automatic.empty() || one.automatic == "none";
      made_.origins.push_back(
          {Level::automatic, plain ? "default" : fmt::format("default: {}", one.automatic)});
    }
    made_.wrong.assign(settings().size(), false);
  }

  Gathered run() {
    read_file();
    read_environment();
    read_flags();
    unknown_variables();
    for (const KeySetting& one : key_settings) one_key_only(one);
    return std::move(made_);
  }

 private:
  struct Given {
    std::string_view value;
    Level level = Level::automatic;
    std::string place;
    bool hidden = false;  ///< the value isn't shown
  };

  void put(const Setting& setting, const Given& given) {
    const auto index = index_of(setting);
    const auto wrong = setting.field.put(made_.config, trimmed(given.value));
    if (!wrong) {
      made_.origins[index] = Origin{given.level, given.place};
      return;
    }
    made_.wrong[index] = true;
    const bool hidden = setting.secret || given.hidden || holds_secret(given.value);
    made_.errors.push_back(fmt::format("{}: {} {}{}", given.place,
                                       hidden ? "the value" : in_quotes(given.value), wrong->what,
                                       quotes_hint(given.value)));
  }

  /// The text of a secret variable, put into another place as well.
  bool holds_secret(std::string_view value) const {
    for (const Setting& one : settings()) {
      if (!one.secret) continue;
      const auto text = sources_.env(one.environment[0]).value_or("");
      const auto secret = trimmed(text);
      if (!secret.empty() && value.find(secret) != std::string_view::npos) return true;
    }
    return false;
  }

  /// Docker's --env-file keeps quotes as part of the value.
  static std::string_view quotes_hint(std::string_view value) {
    return value.starts_with('"') || value.starts_with('\'') ? " (and leave the quotes out)" : "";
  }

  void read_file() {
    const Setting& config = setting("config");
    for (const FlagValue& flag : sources_.flags) {
      if (flag.name == config.flag) path_ = flag.value;
    }
    if (path_.empty()) path_ = sources_.env(config.environment[0]).value_or("");
    path_ = std::string(trimmed(path_));
    if (path_.empty()) return;
    const auto text = sources_.read_file(path_);
    if (!text) {
      made_.errors.push_back(fmt::format(
          "configuration file {} {}; correct --config or FORAGER_CONFIG, or leave it out",
          in_quotes(path_), text.error().what));
      return;
    }
    auto content = read_yaml(*text, path_, sources_.env);
    auto& errors = content.errors;
    for (const FileValue& value : content.values) {
      const auto known = std::ranges::find(settings(), std::string_view(value.key), &Setting::key);
      const auto before = made_.errors.size();
      put(*known,
          {value.value, Level::file, fmt::format("{} line {}, {}", path_, value.line, value.key),
           value.from_variable});
      if (made_.errors.size() > before) {
        errors.push_back({value.line, std::move(made_.errors.back())});
        made_.errors.pop_back();
      }
      if (known->secret && !value.from_variable) {
        made_.warnings.push_back(fmt::format(
            "{} line {}: {} holds the key itself, and files get copied; use ${{env:NAME}}{}", path_,
            value.line, value.key, or_file_key(value.key)));
      }
    }
    std::ranges::sort(errors);
    for (FileError& one : errors) made_.errors.push_back(std::move(one.text));
  }

  static std::string or_file_flag(std::string_view flag) {
    for (const KeySetting& one : key_settings) {
      if (one.flag == flag) return fmt::format(" or use --{}", one.file_flag);
    }
    return {};
  }

  static std::string or_file_key(std::string_view key) {
    for (const KeySetting& one : key_settings) {
      if (setting(one.flag).key == key) return fmt::format(" or {}", setting(one.file_flag).key);
    }
    return {};
  }

  void read_environment() {
    for (const Setting& one : settings()) {
      std::optional<std::string> first;
      for (const std::string_view name : one.environment) {
        const auto value = name.empty() ? std::nullopt : sources_.env(name);
        if (!value || trimmed(*value).empty()) continue;
        if (!first) {
          put(one, {*value, Level::environment, fmt::format("environment variable {}", name)});
          first = value;
        } else if (*first != *value) {
          made_.warnings.push_back(
              fmt::format("environment variables {} and {} differ; {} counts, unset the other",
                          one.environment[0], name, one.environment[0]));
        }
      }
    }
  }

  void read_flags() {
    std::vector<std::string> seen;
    for (const FlagValue& flag : sources_.flags) {
      const auto known = std::ranges::find(settings(), std::string_view(flag.name), &Setting::flag);
      if (known == settings().end()) {
        made_.errors.push_back(fmt::format("flag --{} is unknown{}; see forager --help", flag.name,
                                           did_you_mean(flag.name, flag_names())));
      } else if (std::ranges::find(seen, flag.name) != seen.end()) {
        made_.errors.push_back(fmt::format("flag --{} is given twice; give it once", flag.name));
      } else if (known->secret) {
        made_.wrong[index_of(*known)] = true;
        made_.errors.push_back(fmt::format(
            "flag --{}: everybody on the machine can read a command line; set {}{}, and replace a "
            "key that was shown",
            flag.name, known->environment[0], or_file_flag(flag.name)));
      } else if (trimmed(flag.value).empty()) {
        made_.errors.push_back(
            fmt::format("flag --{} has an empty value; give one or leave it out", flag.name));
      } else {
        put(*known, {flag.value, Level::flag, fmt::format("flag --{}", flag.name)});
      }
      seen.push_back(flag.name);
    }
  }

  void unknown_variables() {
    const auto known = environment_names();
    auto names = sources_.env_names;
    std::ranges::sort(names);
    for (const std::string& name : names) {
      if (std::ranges::find(known, name) != known.end()) continue;
      const auto right = nearest(name, known);
      if (name.starts_with("FORAGER_") && !is_service_link(name)) {
        made_.errors.push_back(fmt::format("environment variable {} is no setting; {}", name,
                                           right.empty()
                                               ? "unset it, or see forager --help for the names"
                                               : fmt::format("did you mean {}?", right)));
      } else if ((name.starts_with("HONEYCOMB_") && right.starts_with("HONEYCOMB_")) ||
                 (name.starts_with("ROLLBAR_") && right.starts_with("ROLLBAR_"))) {
        // Other programs have variables with that prefix too: no reason not to start.
        made_.warnings.push_back(
            fmt::format("environment variable {} isn't Forager's and is ignored; did you mean {}?",
                        name, right));
      }
    }
  }

  /// Two ways to give the key on the same level contradict each other; otherwise the higher level
  /// counts.
  void one_key_only(const KeySetting& of) {
    const auto key = index_of(setting(of.flag));
    const auto file = index_of(setting(of.file_flag));
    auto& origins = made_.origins;
    if ((made_.config.*of.key).empty() || (made_.config.*of.file).empty()) return;
    if (origins[key].level == origins[file].level) {
      made_.errors.push_back(fmt::format("{} is given twice, by {} and by {}; keep one of them",
                                         of.what, origins[key].text, origins[file].text));
      made_.wrong[key] = true;
    } else if (origins[key].level > origins[file].level) {
      (made_.config.*of.file).clear();
      origins[file] = {Level::automatic,
                       fmt::format("not used: the {} is from {}", of.noun, origins[key].text)};
    } else {
      made_.config.*of.key = Secret();
      origins[key] = {Level::automatic, fmt::format("not used: there is a {} file", of.noun)};
    }
  }

  const Sources& sources_;
  Gathered made_;
  std::string path_;
};

}  // namespace

Result<Secret> read_key(const KeySetting& of, const std::string& path, const ReadFile& read_file) {
  return read_key(path, read_file, setting(of.flag).environment[0], of.noun, of.parse);
}

Gathered gather(const Sources& sources) { return Gatherer(sources).run(); }

}  // namespace forager::config
