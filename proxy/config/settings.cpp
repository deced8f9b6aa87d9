#include "config/settings.h"

#include <algorithm>
#include <array>
#include <cassert>

namespace forager::config {

std::string_view title(Group group) {
  switch (group) {
    case Group::general:
      return "General";
    case Group::receiving:
      return "Receiving from apps";
    case Group::keeping:
      return "Keeping";
    case Group::honeycomb:
      return "Honeycomb";
    case Group::aws:
      return "X-Ray and CloudWatch Logs";
    case Group::rollbar:
      return "Rollbar";
    case Group::otlp:
      return "Any OTLP backend";
    case Group::sending:
      return "Sending";
    case Group::stopping:
      return "Stopping";
  }
  return {};
}

const Setting& setting(std::string_view flag) {
  const auto found = std::ranges::find(settings(), flag, &Setting::flag);
  assert(found != settings().end());
  return *found;
}

std::size_t index_of(const Setting& setting) {
  return static_cast<std::size_t>(&setting - settings().data());
}

std::string default_text(const Setting& setting) {
  if (!setting.automatic.empty()) return std::string(setting.automatic);
  return setting.field.get(Config{});
}

std::string_view form_of(const Setting& setting) {
  struct Form {
    std::string_view type;
    std::string_view form;
  };
  static constexpr std::array<Form, 6> forms{{
      {"ADDRESS", "host:port, :port (all interfaces), unix:/path or off"},
      {"DURATION", "a number with ms, s, m or h, such as 1h30m"},
      {"SIZE", "bytes, or a number with KiB, MiB, GiB, kB, MB or GB"},
      {"NUMBER", "a whole number"},
      {"LIST", "values at commas"},
      {"PATH", "a path"},
  }};
  const auto found = std::ranges::find(forms, setting.type, &Form::type);
  return found == forms.end() ? std::string_view{} : found->form;
}

std::vector<std::string_view> flag_names() {
  std::vector<std::string_view> names;
  for (const Setting& one : settings()) {
    if (!one.secret) names.push_back(one.flag);
  }
  return names;
}

std::vector<std::string_view> environment_names() {
  std::vector<std::string_view> names;
  for (const Setting& one : settings()) {
    for (const std::string_view name : one.environment) {
      if (!name.empty()) names.push_back(name);
    }
  }
  return names;
}

std::vector<std::string_view> key_names() {
  std::vector<std::string_view> names;
  for (const Setting& one : settings()) {
    if (!one.key.empty()) names.push_back(one.key);
  }
  return names;
}

}  // namespace forager::config
