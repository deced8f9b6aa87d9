// The one table of settings. Parsing, --help, docs/configuration.md and `forager config` all come
// from it; a new setting is a field in config.h and a row in table.cpp.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/config.h"

namespace forager::config {

enum class Group : std::uint8_t {
  general,
  receiving,
  keeping,
  honeycomb,
  aws,
  rollbar,
  otlp,
  sending,
  stopping
};
inline constexpr std::array<Group, 9> all_groups{
    Group::general, Group::receiving, Group::keeping, Group::honeycomb, Group::aws,
    Group::rollbar, Group::otlp,      Group::sending, Group::stopping};
std::string_view title(Group group);

/// The text of a setting into its field and back. `put` leaves the field alone when it returns a
/// Fault (values.h says how those read); `get` gives text for people, never a secret.
struct Field {
  std::optional<Fault> (*put)(Config&, std::string_view);
  std::string (*get)(const Config&);
  /// All that may be written, where these are a few words; null: it is free.
  std::vector<std::string_view> (*words)() = nullptr;
};

struct Setting {
  std::string_view flag;  ///< without --; also the setting's name in messages
  std::array<std::string_view, 2>
      environment;             ///< the first that is set counts; the second may be empty
  std::string_view key;        ///< path in the YAML file, dots between; empty: not in a file
  std::string_view type;       ///< placeholder in --help, such as DURATION
  std::string_view automatic;  ///< the default in words where it isn't a fixed value, else empty
  std::string_view text;       ///< what it is, one sentence
  Group group;
  bool secret;
  Field field;
};

std::span<const Setting> settings();
/// The setting with that flag. It must exist: for our own code, not for names from outside.
const Setting& setting(std::string_view flag);
std::size_t index_of(const Setting& setting);
/// The default as people read it.
std::string default_text(const Setting& setting);
/// What may be written, for the help texts: the words of an enumeration, or the form of the type.
std::string_view form_of(const Setting& setting);

std::vector<std::string_view> flag_names();  ///< without secrets, which are no flags
std::vector<std::string_view> environment_names();
std::vector<std::string_view> key_names();

}  // namespace forager::config
