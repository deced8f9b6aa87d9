// The kinds of settings: for each a pair of functions between text and a member of Config. Included
// by settings.cpp only.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "config/enrich.h"
#include "config/key.h"
#include "config/nearest.h"
#include "config/routes.h"
#include "config/settings.h"
#include "config/values.h"

namespace forager::config {

template <class T>
std::optional<Fault> store(T& field, Result<T> parsed) {
  if (!parsed) return parsed.error();
  field = std::move(*parsed);
  return std::nullopt;
}

/// Least and Most in milliseconds.
template <auto Member, std::int64_t Least, std::int64_t Most>
inline constexpr Field duration{
    [](Config& c, std::string_view text) {
      return store(c.*Member, parse_duration(text, milliseconds{Least}, milliseconds{Most}));
    },
    [](const Config& c) { return format_duration(c.*Member); }};

/// 0 means no limit, and `off` says it.
template <auto Member, std::int64_t Least, std::int64_t Most>
inline constexpr Field duration_or_off{
    [](Config& c, std::string_view text) -> std::optional<Fault> {
      if (text == "off" || text == "0") {
        c.*Member = milliseconds{0};
        return std::nullopt;
      }
      return store(c.*Member, parse_duration(text, milliseconds{Least}, milliseconds{Most}));
    },
    [](const Config& c) {
      return (c.*Member).count() == 0 ? std::string("off") : format_duration(c.*Member);
    }};

template <auto Member, std::size_t Least, std::size_t Most>
inline constexpr Field size{[](Config& c, std::string_view text) {
                              return store(c.*Member, parse_size(text, Least, Most));
                            },
                            [](const Config& c) { return format_size(c.*Member); }};

/// 0 in the field means that the default decides; it can't be written.
template <auto Member, std::size_t Least, std::size_t Most>
inline constexpr Field size_or_automatic{
    [](Config& c, std::string_view text) {
      return store(c.*Member, parse_size(text, Least, Most));
    },
    [](const Config& c) { return c.*Member == 0 ? std::string() : format_size(c.*Member); }};

template <auto Member, std::uint32_t Least, std::uint32_t Most>
inline constexpr Field count{[](Config& c, std::string_view text) {
                               return store(c.*Member, parse_count(text, Least, Most));
                             },
                             [](const Config& c) { return std::to_string(c.*Member); }};

template <auto Member, auto Parse>
inline constexpr Field text{
    [](Config& c, std::string_view given) { return store(c.*Member, Parse(given)); },
    [](const Config& c) { return c.*Member; }};

template <auto Member>
inline constexpr Field listener{
    [](Config& c, std::string_view given) { return store(c.*Member, parse_listen(given)); },
    [](const Config& c) { return format_listen(c.*Member); }};

template <class E>
struct Word {
  std::string_view name;
  E value;
};

template <const auto& Words>
std::vector<std::string_view> names_of() {
  std::vector<std::string_view> names;
  for (const auto& known : Words) names.push_back(known.name);
  return names;
}

template <auto Member, const auto& Words>
inline constexpr Field word{
    [](Config& c, std::string_view given) -> std::optional<Fault> {
      for (const auto& known : Words) {
        if (known.name != given) continue;
        c.*Member = known.value;
        return std::nullopt;
      }
      const auto names = names_of<Words>();
      return fault(fmt::format("is unknown{}; allowed is {}", did_you_mean(given, names),
                               fmt::join(names, ", ")));
    },
    [](const Config& c) {
      for (const auto& known : Words) {
        if (known.value == c.*Member) return std::string(known.name);
      }
      return std::string();
    },
    names_of<Words>};

inline constexpr std::array<Word<KeyPolicy>, 3> key_policy_words{
    {{"replace", KeyPolicy::replace},
     {"if-missing", KeyPolicy::if_missing},
     {"pass-through", KeyPolicy::pass_through}}};
inline constexpr std::array<Word<OnFull>, 2> on_full_words{
    {{"refuse", OnFull::refuse}, {"expire", OnFull::expire}}};
inline constexpr std::array<Word<Ack>, 2> ack_words{
    {{"kept", Ack::kept}, {"delivered", Ack::delivered}}};
inline constexpr std::array<Word<JournalKind>, 3> journal_words{{{"auto", JournalKind::automatic},
                                                                 {"disk", JournalKind::disk},
                                                                 {"memory", JournalKind::memory}}};
inline constexpr std::array<Word<Compression>, 4> compression_words{
    {{"auto", Compression::automatic},
     {"zstd", Compression::zstd},
     {"gzip", Compression::gzip},
     {"none", Compression::none}}};
inline constexpr std::array<Word<LogLevel>, 4> log_level_words{{{"error", LogLevel::error},
                                                                {"warn", LogLevel::warn},
                                                                {"info", LogLevel::info},
                                                                {"debug", LogLevel::debug}}};
inline constexpr std::array<Word<bool>, 2> switch_words{{{"on", true}, {"off", false}}};
inline constexpr std::array<Word<LogFormat>, 2> log_format_words{
    {{"text", LogFormat::text}, {"json", LogFormat::json}}};

inline constexpr Field destinations_field{
    [](Config& c, std::string_view given) {
      return store(c.destinations, parse_destinations(given));
    },
    [](const Config& c) {
      return c.destinations.empty() ? std::string() : format_routes(routes_of(c.destinations));
    }};
inline constexpr Field origins_field{
    [](Config& c, std::string_view given) { return store(c.cors_origins, parse_origins(given)); },
    [](const Config& c) { return fmt::format("{}", fmt::join(c.cors_origins, ",")); }};
inline constexpr Field key_field{
    [](Config& c, std::string_view given) { return store(c.honeycomb_key, parse_key(given)); },
    [](const Config& c) { return std::string(c.honeycomb_key.empty() ? "" : "[secret]"); }};
inline constexpr Field rollbar_token_field{
    [](Config& c, std::string_view given) { return store(c.rollbar_token, parse_key(given)); },
    [](const Config& c) { return std::string(c.rollbar_token.empty() ? "" : "[secret]"); }};
inline constexpr Field rollbar_scrub_field{
    [](Config& c, std::string_view given) -> std::optional<Fault> {
      std::vector<std::string> names = split_list(given);
      const auto is_name = [](const std::string& name) {
        return name.find_first_of(" \t;=") == std::string::npos;
      };
      if (!std::ranges::all_of(names, is_name)) {
        return fault("is no list of names; write them at commas, such as iban,card_number");
      }
      c.rollbar_scrub = std::move(names);
      return std::nullopt;
    },
    [](const Config& c) { return fmt::format("{}", fmt::join(c.rollbar_scrub, ",")); }};
inline constexpr Field otlp_headers_field{
    [](Config& c, std::string_view given) {
      return store(c.otlp_headers, parse_header_list(given));
    },
    [](const Config& c) { return std::string(c.otlp_headers.empty() ? "" : "[secret]"); }};
inline constexpr Field proxy_field{
    [](Config& c, std::string_view given) { return store(c.https_proxy, parse_proxy(given)); },
    [](const Config& c) { return without_userinfo(c.https_proxy); }};

inline constexpr Field enrich_field{
    [](Config& c, std::string_view given) { return store(c.enrich, parse_enrich(given)); },
    [](const Config& c) { return format_enrich(c.enrich); }};

inline Result<std::string> any_text(std::string_view given) { return std::string(given); }
/// Vendors cut what is longer, and then it is another name.
template <std::size_t Most>
Result<std::string> short_text(std::string_view given) {
  if (given.size() > Most) return fault(fmt::format("is too long; at most {} bytes", Most));
  return std::string(given);
}
/// As in "eu-west-1": part of a host name.
inline Result<std::string> region_text(std::string_view given) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  };
  if (given.empty() || given.size() > 32 || !std::ranges::all_of(given, fits)) {
    return fault("is no region; write one such as eu-west-1");
  }
  return std::string(given);
}
/// A dataset's name; a key there is the usual mix-up and would be sent in a header that is logged.
inline Result<std::string> dataset_text(std::string_view given) {
  if (looks_like_key(given))
    return fault("belongs into HONEYCOMB_API_KEY; this is a dataset's name");
  const auto bad = [](char c) { return c < 0x20 || c == 0x7f; };
  if (std::ranges::any_of(given, bad)) {
    return fault("has a line end or control character in it; write the dataset's name in one line");
  }
  return std::string(given);
}

}  // namespace forager::config
