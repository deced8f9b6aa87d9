#include "destination/destination.h"

namespace forager::destination {

std::string_view content_encoding(Codec codec) {
  switch (codec) {
    case Codec::zstd:
      return "zstd";
    case Codec::gzip:
      return "gzip";
    case Codec::none:
      break;
  }
  return {};
}

Verdict Destination::prepared(const net::Response& /*response*/, WallTime /*now*/) const {
  return Delivered{};
}

}  // namespace forager::destination
