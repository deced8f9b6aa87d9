// The Honeycomb key: where it comes from and whether it can be one. Nothing here ever repeats its
// text.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace forager::config {

/// The whole content of a file, or why it can't be read ("does not exist").
using ReadFile = std::function<Result<std::string>(const std::string& path)>;

enum class KeyKind : std::uint8_t { configuration, ingest, classic, management, unknown };
/// By its shape (PROTOCOLS 2.4).
KeyKind kind_of(const Secret& key);

/// The key without blanks and line ends around it. Fault: empty, quoted, or with characters no
/// header can carry.
Result<Secret> parse_key(std::string_view text);
/// Reads a key from its file: at the start, on SIGHUP, and when the file changed. The Fault names
/// the file, and the `variable` that could be set instead.
/// `noun`: what is in it, in words; `parse`: what finds it good.
Result<Secret> read_key(const std::string& path, const ReadFile& read_file,
                        std::string_view variable = "HONEYCOMB_API_KEY",
                        std::string_view noun = "key",
                        Result<Secret> (*parse)(std::string_view) = parse_key);

}  // namespace forager::config
