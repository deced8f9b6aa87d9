// The requests of the power-cut test: body number n of boot b is a function of the two, so that the
// sink can compare every byte of what comes out with what went in.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace forager::power {

/// Which request: the boot of the machine and a running number.
struct Id {
  std::uint32_t boot = 0;
  std::uint32_t number = 0;
};

/// As it is in the lines to the host: `2.17`.
std::string text(Id id);

/// An ExportTraceServiceRequest (PROTOCOLS 1.6) of one ResourceSpans with three spans, most of 1 to
/// 2 KB, every sixteenth of 64 KB, so that segments of the journal fill and roll.
std::string request_body(Id id);

/// The ids of the requests that `body`, what Forager has merged, consists of; none if a byte of it
/// is not as it was sent.
std::optional<std::vector<Id>> take_apart(std::string_view body);

}  // namespace forager::power
