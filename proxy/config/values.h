// How the text of a setting becomes a value and back. Pure. A Fault says what is allowed and the
// fix, in words that follow the quoted value ("is not a duration; ..."); it never repeats the value
// itself, because that may be a secret.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/config.h"

namespace forager::config {

/// Without spaces, tabs and line ends at both ends.
std::string_view trimmed(std::string_view text);

/// "200ms", "8s", "1.5s", "1h30m", "0". A bare number other than 0 is refused: seconds and
/// milliseconds are both usual.
Result<milliseconds> parse_duration(std::string_view text, milliseconds least, milliseconds most);
/// Text that parse_duration reads back: "8s", "1500ms", "90m".
std::string format_duration(milliseconds value);

/// "64MiB", "64Mi", "5MB", "1.5GiB", "5000000" (bytes). Units in any case; single letters are
/// refused, they mean two things.
Result<std::size_t> parse_size(std::string_view text, std::size_t least, std::size_t most);
/// Text that parse_size reads back, in the largest unit without a remainder.
std::string format_size(std::size_t bytes);

Result<std::uint32_t> parse_count(std::string_view text, std::uint32_t least, std::uint32_t most);

/// "host:port", "[::1]:port", ":port" (all interfaces), "unix:/path", "off".
Result<Listen> parse_listen(std::string_view text);
std::string format_listen(const Listen& listen);

/// An http(s) URL without user, query and fragment; a slash at the end is taken off.
Result<std::string> parse_endpoint(std::string_view text);
/// "http://host[:port][/]" as an address: where `healthcheck --url` asks.
Result<Listen> parse_admin_url(std::string_view text);
/// A proxy as in HTTPS_PROXY: "http://[user:password@]host:port" or "host:port". What comes back
/// has the scheme.
Result<std::string> parse_proxy(std::string_view text);
/// The same URL with `[secret]` in the place of user and password: the only form that may be
/// printed.
std::string without_userinfo(std::string_view url);

/// Names at commas, trimmed; empty ones are left out.
std::vector<std::string> split_list(std::string_view text, char separator = ',');
/// Browser origins: "https://app.example.com", "http://localhost:3000", or "*".
Result<std::vector<std::string>> parse_origins(std::string_view text);
/// Headers as in OTEL_EXPORTER_OTLP_HEADERS (PROTOCOLS 1.8): "name=value,name=value", values
/// percent-decoded.
Result<std::vector<std::pair<std::string, Secret>>> parse_headers(std::string_view text);
/// The same list, or one header a line, once it was found good: as one line, for parse_headers.
Result<Secret> parse_header_list(std::string_view text);
/// "/an/absolute/path".
Result<std::string> parse_absolute_path(std::string_view text);

/// Has one of the shapes of a Honeycomb key (PROTOCOLS 2.4). Such a text is never repeated,
/// wherever it stands.
bool looks_like_key(std::string_view text);
/// The value in quotes for a message: short, printable, without user names, and not at all if it
/// looks like a key.
std::string in_quotes(std::string_view value);

}  // namespace forager::config
