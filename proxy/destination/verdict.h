// The table of what a status means (DESIGN, "Verdicts"), shared by every destination that speaks
// OTLP/HTTP. The only place that knows a status code; vendors add words and exceptions.
#pragma once

#include <string>
#include <string_view>

#include "base/time.h"
#include "destination/destination.h"
#include "net/message.h"

namespace forager::destination {

/// "HOST answered 429 Too Many Requests: WORDS", the words those of the body if it has any. Keys in
/// them are hidden.
std::string answer_in_words(std::string_view host, const net::Response& response);

/// The verdict on a batch sent with `codec`. A status that no rule names parks (4xx) or is retried
/// (5xx): neither loses data. `host` is for the words; `park_fix` is what a person should do when
/// credentials are refused (401, 403), one clause.
Verdict verdict_of(const net::Response& response, Codec codec, WallTime now, std::string_view host,
                   std::string_view park_fix);

}  // namespace forager::destination
