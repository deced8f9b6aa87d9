// What one datagram to the X-Ray daemon's port holds, by the daemon's own rules (PROTOCOLS 3.4).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace forager::receive {

/// The daemon's buffer: what is longer it would cut. No datagram over IP can be.
inline constexpr std::size_t xray_datagram_max = 64U * 1024U;

struct XrayDatagram {
  enum class Kind : std::uint8_t {
    segment,     ///< `content` is a segment document, whatever is in it: X-Ray judges that
    traces,      ///< `content` is the base64 of an OTLP request (T1S, of AWS's newer distribution)
    metrics,     ///< the same (M1)
    unsampled,   ///< spans that were not sampled, which X-Ray doesn't take (T1U)
    empty,       ///< no byte: the daemon says nothing of it
    no_segment,  ///< no line end, or nothing after it
    bad_header,  ///< the first line isn't {"format":"json","version":1}
  };
  Kind kind = Kind::empty;
  std::string_view content;
};

/// Pure; `content` is a view into `bytes`. The header is read as the daemon reads it: names and
/// format in any case, more members allowed, the version an integer.
XrayDatagram read_xray_datagram(std::string_view bytes);

}  // namespace forager::receive
