// Protobuf to OTLP/JSON in its canonical form (PROTOCOLS 1.5), for people's eyes: the hive page and
// `journal show`.
#pragma once

#include <string>
#include <string_view>

#include "otlp/signal.h"

namespace forager::otlp {

/// The Export*ServiceRequest in `body`, which walk has accepted, as JSON on one line: fields that
/// are there in the order of their numbers, unknown ones left out, ids in lower-case hex, 64-bit
/// integers as strings, bytes in base64, enums as integers. Pure; any thread. Never fails; where a
/// body that wasn't walked is broken, the rest of that message is missing.
std::string protobuf_to_json(Signal signal, std::string_view body);

}  // namespace forager::otlp
